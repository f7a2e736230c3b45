"""Decide by hand which run is served: ``python -m src.month.promote REVISION``, or ``--back``."""

import argparse
import datetime

from src.errors import run
from src.month import history
from src.products import promoted


def main() -> None:
    """Promote a revision, put its files into place, and commit the decision."""
    parser = argparse.ArgumentParser(description="Serve another run of the products pipeline.")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("revision", nargs="?", help="a commit that holds a run")
    chosen.add_argument("--back", action="store_true", help="the run promoted before this one")
    parser.add_argument("--why", default="", help="a reason, for promoted.json")
    given = parser.parse_args()
    now = promoted.read()
    revision = history.earlier().revision if given.back else given.revision
    back = f"rolled back from {now.revision[:7]}" if given.back and now else "promoted by hand"
    why = f"{back}: {given.why}" if given.why else back
    today = datetime.datetime.now(datetime.UTC).date()
    found = history.describe(revision, str(today), why)
    replaced = history.put_into_place(found)
    found.write()
    history.commit(f"Serve {found.revision[:7]}: {why}", [promoted.PATH])
    print(
        f"{found.revision[:7]} is promoted, for {found.month}; {len(replaced)} files were put into "
        "place. A service that runs reads them after POST /load_recommendations with "
        '{"kind": "all"}.'
    )


if __name__ == "__main__":
    run(main)

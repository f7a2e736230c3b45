"""Decide by hand which run is served: ``python -m src.month.promote REVISION``, or ``--back``.

Another machine that has pulled the decision puts its files into place with ``--current``.
"""

import argparse
import datetime

from src.errors import run
from src.month import history
from src.products import promoted
from src.products.promoted import Promoted


def main() -> None:
    """Promote a revision, put its files into place, and commit the decision, if there is one."""
    parser = argparse.ArgumentParser(description="Serve another run of the products pipeline.")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("revision", nargs="?", help="a commit that holds a run")
    chosen.add_argument("--back", action="store_true", help="the run promoted before this one")
    chosen.add_argument(
        "--current", action="store_true", help="its files alone: nothing is decided or committed"
    )
    parser.add_argument("--why", default="", help="a reason, for promoted.json")
    given = parser.parse_args()
    if given.current:
        found = history.current()
        told(found, history.put_into_place(found))
        return
    now = promoted.read()
    revision = history.earlier().revision if given.back else given.revision
    back = f"rolled back from {now.revision[:7]}" if given.back and now else "promoted by hand"
    why = f"{back}: {given.why}" if given.why else back
    today = datetime.datetime.now(datetime.UTC).date()
    found = history.describe(revision, str(today), why)
    replaced = history.put_into_place(found)
    history.promote(found)
    history.commit(f"Serve {found.revision[:7]}: {why}", [promoted.PATH, promoted.LOCK])
    told(found, replaced)


def told(found: Promoted, replaced: list[str]) -> None:
    """Print what was done."""
    print(
        f"{found.revision[:7]} is promoted, for {found.month}; {len(replaced)} files were put into "
        "place. A service that runs reads them after POST /load_recommendations with "
        '{"kind": "all"}.'
    )


if __name__ == "__main__":
    run(main)

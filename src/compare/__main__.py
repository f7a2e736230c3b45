"""Is it a difference? `python -m src.compare REV_A REV_B` pairs the test customers of both.

The models of payments are paired, too, as far as both revisions measured them.

A revision is a commit, a branch, a tag, a DVC experiment or ``workspace``. The Markdown goes to
standard output, the picture to report/compare.png.
"""

import argparse
import sys
from pathlib import Path

from src.compare import payments
from src.compare.backtests import months_section
from src.compare.differences import AdderScores, compare
from src.compare.presentation import draw, markdown
from src.compare.revisions import WORKSPACE, raw_files_sentence
from src.drawing import save
from src.errors import run

PICTURE = Path("report/compare.png")


def main() -> None:
    """Compare two revisions."""
    parser = argparse.ArgumentParser(
        prog="python -m src.compare", description="Paired comparison of two revisions."
    )
    parser.add_argument("before", metavar="REV_A", help="commit, branch, tag or DVC experiment")
    parser.add_argument("after", metavar="REV_B", help="the same, or workspace")
    arguments = parser.parse_args()
    comparison = compare(AdderScores.read(arguments.before), AdderScores.read(arguments.after))
    for revision in (arguments.before, arguments.after):
        if revision != WORKSPACE and (warning := raw_files_sentence(revision)):
            print(f"warning: {warning}", file=sys.stderr)
    save(PICTURE, draw(comparison))
    print(markdown(comparison))
    if section := months_section(arguments.before, arguments.after):
        print(f"\n{section}")
    print(f"\n{payments.markdown(arguments.before, arguments.after)}")
    print(f"\nPicture: {PICTURE}", file=sys.stderr)


if __name__ == "__main__":
    run(main)

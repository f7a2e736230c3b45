"""The comparison of the models as one table: `python -m src.products.report`."""

import json
import sys
from pathlib import Path

from src.errors import InputError, run
from src.evaluation.report import table
from src.products import paths


def main() -> None:
    """Print the table of the last run and where its plots are."""
    path = Path(paths.METRICS)
    if not path.exists():
        raise InputError(f"{path} is missing: run 'dvc repro' first")
    metrics = json.loads(path.read_text(encoding="utf-8"))
    print(table(metrics))
    for line in metrics.get("warnings", []):
        print(f"\nWarning: {line}.")
    plots = Path(paths.COMPARISON_PNG).parent
    print(f"\nPlots: {plots}/*.png; all of them on one page: dvc plots show", file=sys.stdout)


if __name__ == "__main__":
    run(main)

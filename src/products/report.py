"""The comparison of the models as one table: `python -m src.products.report`."""

import json
import sys
from pathlib import Path
from typing import Any

from src.errors import InputError, run
from src.products import paths


def judged(metrics: dict[str, Any]) -> list[str]:
    """Names of the models in metrics/products.json, which holds other things beside them."""
    return [name for name, row in metrics.items() if "map@7_adders" in row]


def table(metrics: dict[str, Any]) -> str:
    """Render the content of metrics/products.json as Markdown, with the attainable maximum."""
    test = metrics["test"]
    most = test["map@7_max"]
    lines = [
        f"Test month {test['month']}: {test['customers']:,} customers, {test['adders']:,} add "
        f"{test['additions']:,} products. A perfect ranking scores MAP@7 {most:.4f}.",
        "",
        "| model | MAP@7 | of the maximum | MAP@7 among adders | 95 % interval | hit rate@3 |",
        "| --- | --: | --: | --: | :-: | --: |",
    ]
    for name in judged(metrics):
        row = metrics[name]
        lines.append(
            f"| {name} | {row['map@7']:.4f} | {row['map@7'] / most:.1%} "
            f"| {row['map@7_adders']:.3f} "
            f"| {row['map@7_adders_lo']:.3f} … {row['map@7_adders_hi']:.3f} "
            f"| {row['hit_rate@3_adders']:.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table of the last run and where its plots are."""
    path = Path(paths.METRICS)
    if not path.exists():
        raise InputError(f"{path} is missing: run 'dvc repro' first")
    print(table(json.loads(path.read_text(encoding="utf-8"))))
    plots = Path(paths.COMPARISON_PNG).parent
    print(f"\nPlots: {plots}/*.png; all of them on one page: dvc plots show", file=sys.stdout)


if __name__ == "__main__":
    run(main)

"""The backtest as tables: `python -m src.backtest.report`."""

import json
from pathlib import Path
from typing import Any

from src.backtest import paths
from src.errors import InputError, run
from src.evaluation.differences import VERDICT_ON
from src.evaluation.report import few_months, models_of


def tables(metrics: dict[str, Any]) -> str:
    """Render the metrics of the backtest as Markdown: over all months, differences, by month."""
    test = metrics["test"]
    most = test["map@7_max"]
    names = models_of(metrics)
    count = test["months"]
    lines = [
        f"{count} test month{'' if count == 1 else 's'}, {test['first']} … {test['last']}, each "
        f"predicted from what lies before it: {test['customers']:,} customers in all, "
        f"{test['adders']:,} add {test['additions']:,} products. A perfect ranking scores MAP@7 "
        f"{most:.4f}.",
        "",
        "| model | MAP@7 | of the maximum | MAP@7 among adders | 95 % interval | hit rate@3 |",
        "| --- | --: | --: | --: | :-: | --: |",
    ]
    for name in names:
        row = metrics[name]
        lines.append(
            f"| {name} | {row['map@7']:.4f} | {row['map@7'] / most:.1%} "
            f"| {row['map@7_adders']:.3f} "
            f"| {row['map@7_adders_lo']:.3f} … {row['map@7_adders_hi']:.3f} "
            f"| {row['hit_rate@3_adders']:.3f} |"
        )
    lines += [
        "",
        f"| {VERDICT_ON} against | difference among adders | 95 % interval | months higher | |",
        "| --- | --: | :-: | --: | --- |",
    ]
    for name, row in metrics[f"{VERDICT_ON}_minus"].items():
        lines.append(
            f"| {name} | {row['difference']:+.4f} "
            f"| {row['difference_lo']:+.4f} … {row['difference_hi']:+.4f} "
            f"| {row['months_higher']} of {count} | {row['verdict']} |"
        )
    if few := few_months(count):
        lines += ["", few]
    lines += [
        "",
        f"| among adders | adders | {' | '.join(names)} |",
        f"| --- | --: |{' --: |' * len(names)}",
    ]
    for date, month in metrics["by_month"].items():
        cells = [f"{month[name]['map@7_adders']:.3f}" for name in names]
        lines.append(f"| {date} | {month['adders']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the tables of the last run and where its plot is."""
    path = Path(paths.METRICS)
    if not path.exists():
        raise InputError(f"{path} is missing: run 'dvc repro pipelines/backtest/dvc.yaml' first")
    metrics = json.loads(path.read_text(encoding="utf-8"))
    print(tables(metrics))
    for line in metrics.get("warnings", []):
        print(f"\nWarning: {line}.")
    print(f"\nPlot: {paths.BY_MONTH_PNG}")


if __name__ == "__main__":
    run(main)

"""The comparisons of the payments pipeline as tables: `python -m src.payments.report`."""

import json
from pathlib import Path
from typing import Any

from src.errors import InputError, run
from src.payments import paths


def operations_table(metrics: dict[str, Any]) -> str:
    """Render who tells what is repeated, and what cards come to, as Markdown."""
    test = metrics["test"]
    horizon = test["horizon_days"]
    days = "the next day" if horizon == 1 else f"within {horizon} days"
    lines = [
        f"Operations repeated {days}: {test['observations']:,} observations at {test['cutoffs']} "
        f"cut-offs from {test['first_cutoff']} to {test['last_cutoff']}, {test['repeated']:,} "
        "repeated.",
        "",
        "| | Gini | 95 % interval | hit rate@4 | cards cover | cards right |",
        "| --- | --: | :-: | --: | --: | --: |",
    ]
    for name, row in metrics["models"].items():
        cards = metrics["cards"].get(name)
        lines.append(
            f"| {name} | {row['gini']:.3f} | {row['gini_lo']:.3f} … {row['gini_hi']:.3f} "
            f"| {row['hit_rate@4']:.3f} "
            + (f"| {cards['coverage']:.1%} | {cards['precision']:.1%} |" if cards else "| | |")
        )
    return "\n".join(lines)


def examples_table(metrics: dict[str, Any]) -> str:
    """Render who finds the providers that clients will pay for the first time, as Markdown."""
    test = metrics["test"]
    lines = [
        f"New providers from {test['cutoff']} on: {test['clients']:,} clients pay "
        f"{test['reachable_pairs']:,} that somebody had paid before, of {test['new_pairs']:,} new "
        "pairs of all clients.",
        "",
        "| | hit@1 | hit@10 | 95 % interval | MAP@10 | recall@10 | of all | popularity is |",
        "| --- | --: | --: | :-: | --: | --: | --: | --- |",
    ]
    against = {"better": "worse", "worse": "better", "no difference shown": "not shown to differ"}
    for name, row in metrics["models"].items():
        lines.append(
            f"| {name} | {row['hit@1']:.3f} | {row['hit@10']:.3f} "
            f"| {row['hit@10_lo']:.3f} … {row['hit@10_hi']:.3f} | {row['map@10']:.3f} "
            f"| {row['recall@10']:.3f} | {row['recall_all@10']:.3f} "
            f"| {'' if name == 'popularity' else against[row['against_popularity']]} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the tables of the last run and where its plots are."""
    path = Path(paths.METRICS)
    if not path.exists():
        raise InputError(f"{path} is missing: run 'dvc repro pipelines/payments/dvc.yaml' first")
    metrics = json.loads(path.read_text(encoding="utf-8"))
    print(operations_table(metrics["operations"]))
    print(f"\n{examples_table(metrics['examples'])}")
    print(f"\nPlots: {Path(paths.GINI_PNG).parent}/*.png; all of them: dvc plots show")


if __name__ == "__main__":
    run(main)

"""Does learning from feedback help? `python -m src.feedback.report` prints the last run's table."""

import json
from pathlib import Path
from typing import Any

from src.errors import InputError, run
from src.feedback import paths


def markdown(metrics: dict[str, Any]) -> str:
    """Render the comparison as Markdown, with a sentence for each way of learning."""
    lines = [
        f"{metrics['month']}: {metrics['answers']:,} offers to some customers, of which "
        f"{metrics['accepted']:,} were accepted and {metrics['dismissed']:,} dismissed, judged on "
        f"{metrics['customers']:,} others ({metrics['adders']:,} adders).",
        "",
        "| the ranker learns from | accepted of 1,000 first offers | change | 95 % interval "
        "| MAP@7 among adders | change | 95 % interval |",
        "| --- | --: | --: | :-: | --: | --: | :-: |",
    ]
    first, *others = metrics["rankings"].items()
    lines.append(f"| {first[0]} | {first[1]['accepted']:.1f} | | | {_map(first[1])} | | |")
    for name, row in others:
        accepted, ranked = (_change(row, metric) for metric in ("accepted", "map@7_adders"))
        lines.append(f"| {name} | {row['accepted']:.1f} | {accepted} | {_map(row)} | {ranked} |")
    lines.append("")
    return "\n".join([*lines, *(_sentence(name, row) for name, row in others[:-1])])


def _map(row: dict[str, float]) -> str:
    return f"{row['map@7_adders']:.3f}"


def _change(row: dict[str, float], metric: str) -> str:
    digits = 1 if metric == "accepted" else 3
    change, low, high = (row[f"{metric}_change{end}"] for end in ("", "_lo", "_hi"))
    return f"{change:+.{digits}f} | {low:+.{digits}f} … {high:+.{digits}f}"


def _sentence(name: str, row: dict[str, float]) -> str:
    low, high = row["accepted_change_lo"], row["accepted_change_hi"]
    if low <= 0 <= high:
        return f"**{name.capitalize()}: no detectable difference** in what is accepted."
    direction = "more" if low > 0 else "fewer"
    return f"**{name.capitalize()}: {direction} first offers are accepted** than without feedback."


def main() -> None:
    """Print the table."""
    if not Path(paths.METRICS).exists():
        raise InputError(f"{paths.METRICS} is missing: run 'make feedback' first")
    print(markdown(json.loads(Path(paths.METRICS).read_text(encoding="utf-8"))))


if __name__ == "__main__":
    run(main)

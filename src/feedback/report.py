"""Does learning from feedback help? `python -m src.feedback.report` prints the last run's table."""

import json
from pathlib import Path
from typing import Any

from src.errors import InputError, run
from src.feedback import paths

# metric: its title, digits, and what it means if it is higher, lower, or neither
_SHOWN = {
    "accepted": (
        "accepted of 1,000 first offers",
        1,
        ("more first offers are accepted", "fewer first offers are accepted", "what is accepted"),
    ),
    "map@7_adders": (
        "MAP@7 among adders",
        3,
        ("additions are ranked better", "additions are ranked worse", "how additions are ranked"),
    ),
}
_BEST = "best"  # the true chances: nothing that was learnt


def markdown(metrics: dict[str, Any]) -> str:
    """Render the comparison as Markdown, with a sentence for each way of learning.

    What is accepted is known of simulated customers only; of others, what they added.
    """
    first, *others = metrics["rankings"].items()
    shown = [metric for metric in _SHOWN if metric in first[1]]
    titles = "".join(f" {_SHOWN[metric][0]} | change | 95 % interval |" for metric in shown)
    lines = [
        f"{metrics['month']}: {metrics['answers']:,} offers to some customers, of which "
        f"{metrics['accepted']:,} were accepted and {metrics['dismissed']:,} dismissed, judged on "
        f"{metrics['customers']:,} others ({metrics['adders']:,} adders).",
        "",
        f"| the ranker learns from |{titles}",
        f"| --- |{' --: | --: | :-: |' * len(shown)}",
        f"| {first[0]} |{''.join(f' {_mean(first[1], metric)} | | |' for metric in shown)}",
    ]
    for name, row in others:
        cells = "".join(f" {_mean(row, metric)} | {_change(row, metric)} |" for metric in shown)
        lines.append(f"| {name} |{cells}")
    learnt = [(name, row) for name, row in others if name != _BEST]
    return "\n".join([*lines, "", *(_sentence(name, row, shown[0]) for name, row in learnt)])


def _mean(row: dict[str, float], metric: str) -> str:
    return f"{row[metric]:.{_SHOWN[metric][1]}f}"


def _change(row: dict[str, float], metric: str) -> str:
    digits = _SHOWN[metric][1]
    change, low, high = (row[f"{metric}_change{end}"] for end in ("", "_lo", "_hi"))
    return f"{change:+.{digits}f} | {low:+.{digits}f} … {high:+.{digits}f}"


def _sentence(name: str, row: dict[str, float], metric: str) -> str:
    more, fewer, what = _SHOWN[metric][2]
    low, high = row[f"{metric}_change_lo"], row[f"{metric}_change_hi"]
    if low <= 0 <= high:
        return f"**{name.capitalize()}: no detectable difference** in {what}."
    said = more if low > 0 else fewer
    return f"**{name.capitalize()}: {said}** than without feedback."


def main() -> None:
    """Print the table."""
    if not Path(paths.METRICS).exists():
        raise InputError(f"{paths.METRICS} is missing: run 'make feedback' first")
    print(markdown(json.loads(Path(paths.METRICS).read_text(encoding="utf-8"))))


if __name__ == "__main__":
    run(main)

"""The comparison of the models as one table."""

from typing import Any

_FEW_MONTHS = 6  # all differing in one direction are needed for a sign test at 5 %


def models_of(metrics: dict[str, Any]) -> list[str]:
    """Names of the models in a file of metrics, which holds other things beside them."""
    return [name for name, row in metrics.items() if "map@7_adders" in row]


def table(metrics: dict[str, Any]) -> str:
    """Render a file of metrics as Markdown, with the attainable maximum."""
    test = metrics["test"]
    most = test["map@7_max"]
    lines = [
        f"Test month {test['month']}: {test['customers']:,} customers, {test['adders']:,} add "
        f"{test['additions']:,} products. A perfect ranking scores MAP@7 {most:.4f}.",
        "",
        "| model | MAP@7 | of the maximum | MAP@7 among adders | 95 % interval | hit rate@3 |",
        "| --- | --: | --: | --: | :-: | --: |",
    ]
    for name in models_of(metrics):
        row = metrics[name]
        lines.append(
            f"| {name} | {row['map@7']:.4f} | {row['map@7'] / most:.1%} "
            f"| {row['map@7_adders']:.3f} "
            f"| {row['map@7_adders_lo']:.3f} … {row['map@7_adders_hi']:.3f} "
            f"| {row['hit_rate@3_adders']:.3f} |"
        )
    return "\n".join(lines)


def few_months(count: int) -> str:
    """What to keep in mind about a mean over so many test months; empty if they suffice."""
    months = "1 month" if count == 1 else f"{count} months"
    return f"*Of {months} only: this says little about others.*" if count < _FEW_MONTHS else ""

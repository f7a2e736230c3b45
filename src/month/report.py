"""The report of a month as Markdown, and its pictures."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from src.drawing import CONTRAST, PLAIN, STYLE, one_panel
from src.evaluation.differences import Difference
from src.month.came_to import TOLD, CameTo
from src.products.promoted import Promoted

FOLDER = "reports"
_SHIFT = 0.25  # of the PSI, see src/evaluation/stability.py
_SOME = 0.1


def folder_of(month: str) -> Path:
    """Where a month's report, pictures, checks and decision are."""
    return Path(FOLDER) / month


@dataclass(frozen=True)
class Decision:
    """What became of the refitted models, and the figures behind it.

    Attributes
    ----------
    month : str
        The newest month of the data.
    customers : int
    warnings : list of str
        Of the checks.
    drift : dict of column -> PSI against the month before
    served : dict, optional
        What the offers came to: lists, chances, and what had been promised.
    difference : dict, optional
        Of the refitted models against those that were served, paired.
    promoted : bool
    why : str
    first_offers_changed : float, optional
        Share of the customers.
    """

    month: str
    customers: int
    warnings: list[str]
    drift: dict[str, float]
    served: dict[str, Any] | None
    difference: dict[str, Any] | None
    promoted: bool
    why: str
    first_offers_changed: float | None

    @classmethod
    def read_all(cls) -> list["Decision"]:
        """Those of all months, oldest first."""
        files = sorted(Path(FOLDER).glob("*/decision.json"))
        return [cls(**json.loads(file.read_text(encoding="utf-8"))) for file in files]


def served_of(found: CameTo) -> dict[str, Any]:
    """The figures of `CameTo` that a decision keeps."""
    kept = ("map@7", "map@7_adders")
    return {
        "month": found.month,
        "customers": found.customers,
        "adders": found.adders,
        **{
            side: {
                **{name: lists[name] for base in kept for name in _with_ends(base)},
                **{name: chances[name] for base in TOLD for name in _with_ends(base)},
            }
            for side, lists, chances in (
                ("came_to", found.lists, found.chances),
                ("promised", found.promised["lists"], found.promised["chances"]),
            )
        },
    }


def _with_ends(name: str) -> tuple[str, str, str]:
    return name, f"{name}_lo", f"{name}_hi"


def against(came: dict[str, float], promised: dict[str, float], name: str) -> str:
    """A figure against the promised one, of other customers, in words.

    Half-widths of independent intervals add up like standard errors: by their squares.
    """
    apart = came[name] - promised[name]
    end = "lo" if apart < 0 else "hi"
    other = "hi" if apart < 0 else "lo"
    mine = abs(came[name] - came[f"{name}_{other}"])
    theirs = abs(promised[name] - promised[f"{name}_{end}"])
    if abs(apart) <= (mine**2 + theirs**2) ** 0.5:
        return "as promised"
    return "better" if (apart > 0) != (name == "calibration_error") else "worse"


def markdown(decision: Decision, champion: Promoted | None, previous: list[Decision]) -> str:
    """The whole report.

    Parameters
    ----------
    decision : Decision
    champion : Promoted, optional
        What was served until now.
    previous : list of Decision
        Of earlier months.
    """
    parts = [
        f"# Month {decision.month}",
        _verdict(decision),
        "## The data",
        _data(decision),
        "## What the offers came to",
        _came_to(decision, champion),
        "## Served models against refitted ones",
        _difference(decision),
        "## What is offered next",
        _next(decision),
    ]
    if previous:
        parts += ["## Earlier months", _earlier([*previous, decision])]
    return "\n\n".join(parts) + "\n"


def _verdict(decision: Decision) -> str:
    what = "**Promoted.**" if decision.promoted else "**Not promoted.**"
    return f"{what} {decision.why}."


def _data(decision: Decision) -> str:
    lines = [f"{decision.customers:,} customers. Checked against the months before:"]
    lines += [f"- {warning}" for warning in decision.warnings] or ["- nothing stands out"]
    shifted = {name: value for name, value in decision.drift.items() if value >= _SOME}
    told = ", ".join(
        f"{name} {value:.2f} ({'a shift' if value > _SHIFT else 'some'})"
        for name, value in sorted(shifted.items(), key=lambda item: -item[1])
    )
    most = max(decision.drift.values(), default=0.0)
    drift = told or f"below {_SOME} everywhere (the largest is {most:.3f})"
    lines += ["", f"Drift of the profiles against the month before (PSI): {drift}."]
    return "\n".join(lines)


def _came_to(decision: Decision, champion: Promoted | None) -> str:
    if decision.served is None or champion is None:
        return "Nothing had been promoted, so nothing was served."
    served = decision.served
    stale = (
        f" They were made for {served['month']}: since then nothing was promoted."
        if served["month"] != decision.month
        else ""
    )
    lines = [
        f"Lists and chances of {champion.revision[:7]}, served since {champion.since}, for "
        f"{served['customers']:,} customers who were still there; {served['adders']:,} of them "
        f"added something.{stale}",
        "",
        "| | promised | came to | |",
        "| --- | :-: | :-: | --- |",
    ]
    titles = {
        "map@7_adders": "MAP@7 among adders",
        "auc": "AUC of adding anything",
        "found@5%": "adders among the first 5 %",
        "lift@5%": "lift of the first 5 %",
        "calibration_error": "calibration error",
    }
    for name, title in titles.items():
        promised, came = served["promised"], served["came_to"]
        said = against(came, promised, name)
        lines.append(
            f"| {title} | {_interval(promised, name)} | {_interval(came, name)} | {said} |"
        )
    lines += [
        "",
        "*Promised: the test figures of that run, one month earlier, of other adders. As promised: "
        "the difference is within the 95 % interval of two independent figures.*",
        "",
        "![Promised and come to, by month](months.png)",
        "",
        "![Chances against what happened](calibration.png)",
    ]
    return "\n".join(lines)


def _interval(row: dict[str, float], name: str) -> str:
    digits = 4 if name == "calibration_error" else 3
    low, high = row[f"{name}_lo"], row[f"{name}_hi"]
    return f"{row[name]:.{digits}f} ({low:.{digits}f} … {high:.{digits}f})"


def _difference(decision: Decision) -> str:
    if decision.difference is None:
        return "Nothing was compared."
    row = decision.difference
    if row["verdict"] == "identical":
        return (
            f"Identical: they rank what each of the {row['adders']:,} adders of {decision.month} "
            "added in the same way."
        )
    return (
        f"Of the {row['adders']:,} adders of {decision.month}, ranked by both from what was known "
        f"a month before: served {row['before']:.4f}, refitted {row['after']:.4f}; difference "
        f"{row['after'] - row['before']:+.4f} ({row['low']:+.4f} … {row['high']:+.4f}), "
        f"{row['better']:,} served better, {row['worse']:,} worse: **{row['verdict']}**."
    )


def _next(decision: Decision) -> str:
    if decision.first_offers_changed is None:
        return "The first lists of this cycle."
    whose = "" if decision.promoted else " (they will not be served)"
    return (
        f"The first offer of {decision.first_offers_changed:.1%} of the customers is another one "
        f"than in the lists served until now{whose}."
    )


def _earlier(decisions: list[Decision]) -> str:
    lines = [
        "| month | customers | promised | came to | |",
        "| --- | --: | --: | --: | --- |",
    ]
    for one in decisions:
        cells = ["", ""]
        if one.served:
            cells = [f"{one.served[side]['map@7_adders']:.3f}" for side in ("promised", "came_to")]
        said = "promoted" if one.promoted else "not promoted"
        lines.append(f"| {one.month} | {one.customers:,} | {' | '.join(cells)} | {said} |")
    return "\n".join(lines)


def kept(row: Difference) -> dict[str, Any]:
    """A difference as a decision keeps it."""
    return asdict(row) | {"verdict": row.verdict}


@mpl.rc_context(STYLE)
def months(decisions: list[Decision]) -> Figure:
    """Promised and come to, by month, with 95 % intervals."""
    shown = [one for one in decisions if one.served]
    figure, axes = one_panel(8, 3.2, "What the offers had promised, and what they came to")
    for shift, side, colour in ((-0.08, "promised", PLAIN), (0.08, "came_to", CONTRAST)):
        rows = pd.DataFrame([one.served[side] for one in shown if one.served])
        places = [place + shift for place in range(len(rows))]
        mean = rows["map@7_adders"]
        ends = [mean - rows["map@7_adders_lo"], rows["map@7_adders_hi"] - mean]
        label = side.replace("_", " ")
        axes.errorbar(places, mean, yerr=ends, fmt="o", ms=5, capsize=3, color=colour, label=label)
    axes.set_xticks(range(len(shown)), [one.month for one in shown])
    axes.set_xlim(-0.5, max(len(shown), 3) - 0.5)
    axes.set_ylabel("MAP@7 among adders")
    axes.legend(loc="lower right", frameon=False)
    axes.grid(visible=False, axis="x")
    return figure

"""Differences with their intervals, one row each: a forest plot."""

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from src.drawing import CONTRAST, FAINT, INK, PLAIN, STYLE
from src.evaluation.differences import Difference

# The marker says the same without the colour.
LOOKS = {"higher": (PLAIN, "^"), "lower": (CONTRAST, "v")}
NEITHER = (FAINT, "o")
_ROWS = {"axes.spines.left": False, "axes.grid.axis": "x", "ytick.left": False}


@mpl.rc_context(STYLE | _ROWS)
def forest_plot(panels: dict[str, list[Difference]], label: str) -> Figure:
    """Draw differences and 95 % intervals.

    Parameters
    ----------
    panels : dict of title -> differences
        One panel each, from top to bottom, with a scale of its own; empty ones are left out.
    label : str
        What the axis shows; written below the last panel, with its middle at 0.
    """
    panels = {title: rows for title, rows in panels.items() if rows}
    heights = [len(rows) + 1.2 for rows in panels.values()]
    figure = Figure(figsize=(8, 0.34 * sum(heights) + 0.5), layout="constrained")
    axes = figure.subplots(len(panels), height_ratios=heights, squeeze=False)[:, 0]
    for panel, (title, rows) in zip(axes, panels.items(), strict=True):
        panel.set_title(title)
        _draw(panel, rows)
    axes[-1].set_xlabel(label)
    return figure


def _draw(axes: Axes, rows: list[Difference]) -> None:
    reach = max(max(abs(row.low), abs(row.high), abs(row.change)) for row in rows) or 0.01
    axes.axvline(0, color=INK, lw=1)
    for place, row in enumerate(rows):
        colour, marker = LOOKS.get(row.verdict, NEITHER)
        axes.plot([row.low, row.high], [place, place], color=colour, lw=2, solid_capstyle="butt")
        axes.plot(row.change, place, marker, color=colour, ms=7)
        text = "identical" if row.verdict == "identical" else f"{row.change:+.4f}"
        axes.text(
            1.01,
            place,
            text.replace("-", "\N{MINUS SIGN}"),
            transform=axes.get_yaxis_transform(),
            va="center",
            color=colour,
        )
    axes.set_yticks(range(len(rows)), [f"{row.title}  ({row.adders:,})" for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(-1.08 * reach, 1.08 * reach)
    axes.xaxis.set_major_locator(MaxNLocator(7, symmetric=True))
    axes.grid(visible=False, axis="y")

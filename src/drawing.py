"""How figures look, in one place: style, colours, and the parts that several of them have."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.reporting import atomic

# Okabe and Ito's blue and vermilion: the colour-blind can tell them apart, too. Pale: the others.
PLAIN, CONTRAST = "#0072B2", "#D55E00"
PALE, PALE_CONTRAST = "#A6CBE3", "#F2C6A5"
INK, FAINT = "#333333", "#767676"
BLUES = LinearSegmentedColormap.from_list("blues", ["#FFFFFF", PLAIN])
BOTH_WAYS = LinearSegmentedColormap.from_list("both ways", [CONTRAST, "#FFFFFF", PLAIN])
STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "font.size": 10,
    "text.parse_math": False,  # a product may cost $
    "svg.hashsalt": "nextbest",
}
_DPI = 110
_WIDTH = 8  # inches; 880 pixels fill the width of a README


def save(path: str | Path, figure: Figure) -> None:
    """Write a figure as PNG: the same picture, the same bytes."""
    with atomic(path) as temporary:
        figure.savefig(temporary, format="png", dpi=_DPI, metadata={"Software": None})


def headed(
    title: str, height: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, list[Axes]]:
    """A figure below a sentence that says what it shows, and its panels, row by row.

    Parameters
    ----------
    height : float
        Inches.
    **options
        For `Figure.subplots`.
    """
    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, layout="constrained")
    text = textwrap.fill(title, 78)
    figure.suptitle(text, x=0.01, ha="left", fontsize=11, weight="bold", color=INK)
    return figure, list(figure.subplots(rows, columns, squeeze=False, **options).ravel())


def one_panel(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    """A figure of one panel below its title; inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


@mpl.rc_context(STYLE)
def nothing(title: str, reason: str) -> Figure:
    """An empty figure that says why: a stage has promised a file."""
    figure, (axes,) = headed(title, 1.6)
    axes.set_axis_off()
    axes.text(0, 0.5, reason, color=FAINT)
    return figure


def subtitle(axes: Axes, text: str) -> None:
    """What a panel shows, and in which unit."""
    axes.set_title(text, fontsize=9, color=FAINT)


def footnote(figure: Figure, text: str) -> None:
    """What holds for all panels."""
    figure.supxlabel(text, x=0.01, ha="left", fontsize=9, color=FAINT)


def note(axes: Axes, text: str, x: Any, y: Any, offset: tuple[float, float], **style: Any) -> None:
    """A number or a name beside what it belongs to; the offset is in points."""
    options: Any = {"fontsize": 8, "color": INK, "annotation_clip": False, "in_layout": False}
    axes.annotate(text, (x, y), offset, textcoords="offset points", **options | style)


def bare(axes: Axes) -> None:
    """Leave the scale out: every bar has its number."""
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(left=False, bottom=False, labelbottom=False, labelsize=8.5)


def percent(share: float) -> str:
    """A share to a digit that can be seen: 60%, 4.3%, 0.08%, <0.01%."""
    if share >= 0.0995 or share == 0:
        return f"{share:.0%}"
    if share < 0.00005:
        return "<0.01%"
    return f"{share:.1%}" if share >= 0.000995 else f"{share:.2%}"


def month_axis(axes: Axes, months: Sequence[Any]) -> None:
    """Short names of months, at most 18 of them; the year below the first one of each year."""
    shown = range(0, len(months), -(-len(months) // 18))
    labels, year = [], None
    for place in shown:
        month = months[place]
        labels.append(f"{month:%b}" + (f"\n{month.year}" if month.year != year else ""))
        year = month.year
    axes.set_xticks(list(shown), labels)


def heat(
    axes: Axes,
    values: NDArray[Any],
    cells: pd.DataFrame,
    colours: LinearSegmentedColormap,
    span: tuple[float, float],
) -> None:
    """Coloured cells with a text in each.

    Parameters
    ----------
    values : array, shape (rows, columns)
        What the colours show; missing ones are white.
    cells : DataFrame
        The texts; its index and columns name rows and columns.
    span : tuple of float
        Values at the ends of the colours.
    """
    if cells.empty:
        axes.set_axis_off()
        return
    low, high = span
    axes.imshow(values, cmap=colours, vmin=low, vmax=high, aspect="auto", alpha=0.75)
    for row, texts in enumerate(cells.to_numpy()):
        for column, text in enumerate(texts):
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=INK)
    axes.set_yticks(range(len(cells)), list(cells.index))
    axes.set_xticks(range(len(cells.columns)), list(cells.columns))
    axes.set_ylim(max(len(cells), 8) - 0.5, -0.5)  # few cells stay small
    axes.set_xlim(-0.5, max(len(cells.columns), 5) - 0.5)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(left=False, bottom=False, top=False, labelsize=8.5)

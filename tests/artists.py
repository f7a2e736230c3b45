"""What a figure shows, read from the figure itself."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text


def texts(figure: Figure) -> list[str]:
    """Everything that is written in a figure, in one line each."""
    figure.draw_without_rendering()
    found = [artist for artist in figure.findobj(Text) if isinstance(artist, Text)]
    return [text.get_text().replace("\n", " ") for text in found if text.get_text()]


def panel(figure: Figure) -> Axes:
    """The only panel of a figure."""
    (axes,) = figure.axes
    return axes


def title(axes: Axes) -> str:
    """What stands above a panel, at its left."""
    return axes.get_title(loc="left")


def names(axes: Axes, which: str) -> list[str]:
    """Names along the x or the y axis."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    return [label.get_text() for label in axis.get_ticklabels()]


def written(axes: Axes) -> list[str]:
    """Texts inside a panel, in the order in which they were put there."""
    return [text.get_text() for text in axes.texts]


def bars(axes: Axes) -> list[BarContainer]:
    """Groups of bars, in the order in which they were drawn."""
    return [group for group in axes.containers if isinstance(group, BarContainer)]


def lengths(group: BarContainer) -> list[float]:
    """Widths of horizontal bars."""
    return [float(bar.get_width()) for bar in group]


def heights(group: BarContainer) -> list[float]:
    """Heights of vertical bars."""
    return [float(bar.get_height()) for bar in group]


def points(axes: Axes, line: int) -> list[tuple[float, float]]:
    """Points of one of the lines of a panel."""
    return [(float(x), float(y)) for x, y in np.asarray(axes.lines[line].get_xydata())]


def legend(axes: Axes) -> list[str]:
    """Labels of the legend, from the top."""
    found = axes.get_legend()
    return [text.get_text() for text in found.get_texts()] if found else []

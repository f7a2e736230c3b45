"""The figure of the backtest."""

import datetime

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from src.drawing import PLAIN, STYLE, month_axis, one_panel
from src.evaluation.figures import MODELS

_WIDTH = 0.5  # of the months that the intervals of one month stand beside each other
_LINE = 0.045  # height of a name, of the height of the panel


@mpl.rc_context(STYLE)
def by_month(table: pd.DataFrame) -> Figure:
    """MAP@7 among adders of each model in each test month, with 95 % intervals.

    Parameters
    ----------
    table : DataFrame
        Columns month (text), model, map@7_adders, map@7_adders_lo and map@7_adders_hi, by month.
    """
    figure, axes = one_panel(9, 4.8, "How well each model ranks what customers add, by month")
    months = list(table["month"].unique())
    names = list(table["model"].unique())
    offsets = np.linspace(-_WIDTH / 2, _WIDTH / 2, len(names))
    ends = {}
    for name, offset in zip(names, offsets, strict=True):
        own = table[table["model"] == name]
        mean = own["map@7_adders"].to_numpy()
        axes.errorbar(
            np.arange(len(own)) + offset,
            mean,
            yerr=[mean - own["map@7_adders_lo"], own["map@7_adders_hi"] - mean],
            color=MODELS.get(name, PLAIN),
            marker="o",
            ms=4,
            lw=1.2,
            elinewidth=1,
            capsize=2,
        )
        ends[name] = mean[-1]
    low, high = axes.get_ylim()
    previous = -np.inf
    for name, end in sorted(ends.items(), key=lambda item: item[1]):
        previous = max(end, previous + _LINE * (high - low))  # names must not cover each other
        axes.text(len(months) - 0.6, previous, name, va="center", color=MODELS.get(name, PLAIN))
    axes.set_xlim(-0.5, len(months) - 0.65)
    month_axis(axes, [datetime.date.fromisoformat(month) for month in months])
    axes.grid(visible=False, axis="x")
    axes.set_ylabel("MAP@7 among adders, 95 % intervals")
    return figure

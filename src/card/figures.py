"""The figure of the model card: groups of customers side by side."""

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from src.drawing import CONTRAST, FAINT, PALE, PLAIN, STYLE, headed

MOST = 12  # groups of an attribute that are drawn; more are in the table


@mpl.rc_context(STYLE)
def slices(table: pd.DataFrame) -> Figure:
    """Quality on the left, chance and what happened on the right; a row per group."""
    sizes = table.groupby("attribute", sort=False)["group"].transform("size")
    shown = table[sizes <= MOST].reset_index(drop=True)
    figure, (left, right) = headed(
        "Are some groups of customers served worse than others?",
        0.24 * len(shown) + 1.2,
        1,
        2,
        sharey=True,
    )
    for place, (_, row) in enumerate(shown.iterrows()):
        colour = PLAIN if row["judged"] else PALE
        left.plot([row["map@7_adders_lo"], row["map@7_adders_hi"]], [place] * 2, color=colour)
        left.plot(row["map@7_adders"], place, "o", ms=4, color=colour)
        right.plot([row["rate_lo"], row["rate_hi"]], [place] * 2, color=colour)
        right.plot(row["rate"], place, "o", ms=4, color=colour)
        right.plot(row["chance"], place, "x", ms=5, color=CONTRAST)
    beginnings = shown.index[shown["attribute"] != shown["attribute"].shift()]
    for axes in (left, right):
        for place in beginnings[1:]:
            axes.axhline(place - 0.5, color=FAINT, lw=0.5)
        axes.grid(visible=False, axis="y")
    labels = [
        f"{row['attribute']} {row['group']}  ({row['adders']:,})" for _, row in shown.iterrows()
    ]
    left.set_yticks(range(len(shown)), labels, fontsize=8)
    left.set_ylim(len(shown) - 0.5, -0.5)
    left.set_xlabel("MAP@7 among adders (their number)\npale: too few to judge", fontsize=9)
    right.set_xlabel("share who added (dots)\nmean chance (crosses)", fontsize=9)
    right.xaxis.set_major_formatter(PercentFormatter(1))
    return figure

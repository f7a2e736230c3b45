"""Figures of campaigns: policies side by side, and what more capacity brings."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from src.campaign.policies import CAMPAIGN
from src.drawing import CONTRAST, INK, PALE, PLAIN, STYLE, headed, one_panel, subtitle


@mpl.rc_context(STYLE)
def expected(table: dict[str, dict[str, float]], month: str) -> Figure:
    """What the same number of contacts is expected to bring by each policy."""
    names = list(table)[::-1]
    values = [table[name]["value"] for name in names]
    contacts = int(table[CAMPAIGN]["contacts"])
    title = f"Expected value of {contacts:,} contacts in {month}, costs paid"
    figure, axes = one_panel(8, 3, title)
    _bars(axes, names, values, [f"{value:,.0f}" for value in values])
    axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("expected value, by calibrated chances")
    return figure


@mpl.rc_context(STYLE)
def found(results: dict[str, dict[str, dict[str, Any]]], month: str) -> Figure:
    """Additions that each policy found in the test month, with 95 % intervals."""
    title = f"Share of all additions in {month} that each policy would have found"
    figure, panels = headed(title, 5.6, rows=2, sharex=True)
    texts = {
        "limited": "within the limits of the campaign, which maximises value",
        "plain": "one product each, no rules: the campaign maximises additions",
    }
    for axes, (kind, table) in zip(panels, results.items(), strict=True):
        names = list(table)[::-1]
        rows = [table[name] for name in names]
        values = np.array([row["share"] for row in rows])
        low = values - [row["share_lo"] for row in rows]
        high = np.array([row["share_hi"] for row in rows]) - values
        labels = [f"{row['share']:.1%} ({row['found']:,.0f})" for row in rows]
        _bars(axes, names, values, labels, [np.maximum(low, 0), np.maximum(high, 0)])
        subtitle(axes, f"{rows[-1]['contacts']:,} contacts, {texts[kind]}")
    panels[-1].set_xlabel("share of all additions (how many), bars: 95 % intervals")
    panels[-1].xaxis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0))
    return figure


@mpl.rc_context(STYLE)
def capacity(curve: pd.DataFrame, chosen: int) -> Figure:
    """Expected value against the number of contacts allowed in all."""
    figure, axes = one_panel(8, 3.6, "What more capacity brings, the other limits unchanged")
    axes.plot(curve["capacity"], curve["value"], marker="o", ms=4, color=PLAIN)
    now = curve[curve["capacity"] == chosen]
    axes.plot(now["capacity"], now["value"], "o", ms=9, color=CONTRAST)
    for row in now.itertuples():
        axes.annotate(
            f"campaign.capacity: {row.value:,.0f}",
            (row.capacity, row.value),
            (0, -20),
            textcoords="offset points",
            ha="center",
            color=CONTRAST,
        )
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("contacts in all")
    axes.set_ylabel("expected value at most")
    return figure


def _bars(axes: Axes, names: list[str], values: Any, labels: list[str], errors: Any = None) -> None:
    colours = [PLAIN if name == CAMPAIGN else PALE for name in names]
    style = {"capsize": 3, "ecolor": INK}
    axes.barh(names, values, color=colours, xerr=errors, error_kw=style)
    ends = np.maximum(values, 0) if errors is None else values + errors[1]
    for place, (end, label) in enumerate(zip(ends, labels, strict=True)):
        axes.annotate(
            label, (end, place), (6, 0), textcoords="offset points", va="center", fontsize=9
        )
    axes.margins(x=0.16)
    axes.grid(visible=False, axis="y")

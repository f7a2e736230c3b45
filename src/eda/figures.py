"""Figures of the exploratory analysis. The title of each is what its table says."""

import textwrap
from typing import Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from src.drawing import (
    BLUES,
    BOTH_WAYS,
    CONTRAST,
    FAINT,
    INK,
    PALE,
    PALE_CONTRAST,
    PLAIN,
    STYLE,
    bare,
    footnote,
    headed,
    heat,
    month_axis,
    note,
    nothing,
    percent,
    subtitle,
)
from src.eda import findings
from src.eda.findings import BAND, FEW, STEPS, Titles

_SEXES = [PLAIN, CONTRAST, "#009E73"]
_MOST = 24  # products in a figure; a bank may have more
_PAIRS = 10  # products on each side of `added_after`


@mpl.rc_context(STYLE)
def months(table: pd.DataFrame) -> Figure:
    """Customers, products held, additions and drops, month by month; of `by_month`."""
    heights = [1, 1, 1.7]
    figure, panels = headed(findings.growth(table), 6.2, 3, sharex=True, height_ratios=heights)
    places, last = np.arange(len(table)), len(table) - 1
    for axes, column, text in (
        (panels[0], "customers", "Customers"),
        (panels[1], "owned", "Products held, all customers together"),
    ):
        values = table[column].to_numpy(dtype=float)
        axes.fill_between(places, values, color=PALE, alpha=0.5, lw=0)
        axes.plot(places, values, color=PLAIN, lw=2)
        axes.set_ylim(0, values.max() * 1.3)
        for place in sorted({0, findings.jump_of(table) or 0, last}):
            axes.plot(place, values[place], "o", color=PLAIN, ms=4)
            note(axes, f"{values[place]:,.0f}", place, values[place], (0, 5), ha="center")
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False, labelleft=False, bottom=False)
        subtitle(axes, text)
    axes = panels[2]
    reach = {}
    for column, sign, colour in (("added", 1, PLAIN), ("dropped", -1, CONTRAST)):
        values = table[column].to_numpy(dtype=float, na_value=0)
        axes.bar(places, sign * values, color=colour, width=0.72)
        reach[column], top = values.max(), int(values.argmax())
        for place in sorted({top, last}):
            text = f"{values[place]:,.0f}" + (f" {column}" if place == top else "")
            style = {"ha": "center", "va": "bottom" if sign > 0 else "top", "color": colour}
            note(axes, text, place, sign * values[place], (0, 3 * sign), **style)
    room = 0.2 * max(*reach.values(), 1)
    axes.set_ylim(-reach["dropped"] - room, reach["added"] + room)
    axes.axhline(0, color=INK, lw=0.8)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{abs(value):,.0f}"))
    axes.grid(visible=False, axis="x")
    axes.spines["bottom"].set_visible(False)
    subtitle(axes, "Products added (up) and dropped (down) since the month before")
    month_axis(axes, list(table["month"]))
    return figure


@mpl.rc_context(STYLE)
def popularity(products: pd.DataFrame, customers: pd.DataFrame, titles: Titles) -> Figure:
    """Share of the customers who hold each product, and its share of all additions.

    Parameters
    ----------
    products, customers : DataFrame
        As `by_product` and `by_month` of eda make them.
    titles : dict
        Names of the products for people.
    """
    added = products.groupby("product")["added"].sum().astype(float)
    shares = findings.usage_shares(products, customers).iloc[-1]
    table = pd.DataFrame({"held": shares, "added": added / max(added.sum(), 1)})
    table = table.sort_values("held", kind="stable").tail(_MOST)
    title = findings.popularity(products, customers, titles)
    figure, (left, right) = headed(title, 0.26 * len(table) + 1.5, 1, 2, sharey=True)
    first, last = (findings.name(month) for month in customers["month"].iloc[[0, -1]])
    names = [titles[str(product)] for product in table.index]
    for axes, column, pale, strong, text in (
        (left, "held", PALE, PLAIN, f"Customers who hold it, {last}"),
        (right, "added", PALE_CONTRAST, CONTRAST, f"Share of all additions since {first}"),
    ):
        values = table[column].to_numpy(dtype=float)
        colours = [strong if place == values.argmax() else pale for place in range(len(values))]
        axes.barh(names, values, color=colours, height=0.74)
        for place, share in enumerate(values):
            note(axes, percent(share), share, place, (4, 0), va="center")
        axes.set_xlim(0, (values.max() or 1) * 1.15)
        axes.margins(y=0.01)
        bare(axes)
        subtitle(axes, text)
    return figure


@mpl.rc_context(STYLE)
def age_and_sex(table: pd.DataFrame) -> Figure:
    """Customers of the last month as a pyramid; of `portrait`."""
    if missing := {"age", "sex"} - set(table):
        return nothing("Customers by age and sex", findings.lacking(missing))
    total = int(table["customers"].sum())
    lowest = table["age"] // BAND * BAND
    bands = range(lowest.min(), lowest.max() + 1, BAND)
    figure, panels = headed(findings.ages(table), 5.2, 1, 2, sharey=True)
    sides: list[Literal["right", "left"]] = ["right", "left"]
    widest, drawn = 0.0, 0
    for axes, side, sex, colour in zip(
        panels, sides, findings.by_size(table, "sex"), _SEXES, strict=False
    ):
        own = table["customers"].where(table["sex"] == sex, 0)
        shares = own.groupby(lowest).sum().reindex(bands, fill_value=0).to_numpy() / total
        axes.barh(range(len(bands)), shares, height=0.86, color=colour)
        for place, share in enumerate(shares):
            if share:
                beside = (-4 if side == "right" else 4, 0)
                note(axes, percent(share), share, place, beside, ha=side, va="center")
        head = f"sex {sex}: {own.sum():,} ({percent(own.sum() / total)})"
        axes.set_title(head, loc=side, color=colour, fontsize=10, weight="bold")
        widest, drawn = max(widest, shares.max()), drawn + int(own.sum())
    for axes in panels:
        axes.set_xlim(0, widest * 1.2 or 1)
        axes.margins(y=0.01)
        bare(axes)
    panels[0].invert_xaxis()
    panels[0].set_yticks(range(len(bands)), [findings.years(low) for low in bands])
    panels[0].set_ylabel("age, years")
    others = f"; {total - drawn:,} of another or unknown sex are not drawn"
    text = f"Percentages of all {total:,} customers of the last month"
    footnote(figure, text + (others if drawn < total else ""))
    return figure


@mpl.rc_context(STYLE)
def activity(table: pd.DataFrame) -> Figure:
    """Share of active customers by age, a line per sex with 95 % intervals; of `portrait`."""
    if missing := {"age", "sex", "active"} - set(table):
        return nothing("Activity by age and sex", findings.lacking(missing))
    figure, (axes,) = headed(findings.activity(table), 4.4)
    counts = findings.active_customers(table)
    axes.axhline(counts["active"].sum() / counts["customers"].sum(), color=FAINT, lw=1, ls=":")
    ends, reach = [], 0.1
    for sex, colour in zip(findings.by_size(table, "sex"), _SEXES, strict=False):
        own = counts[table["sex"] == sex]
        bands = own.groupby(table["age"] // BAND * BAND).sum()
        bands = bands[bands["customers"] >= FEW]
        if len(bands):
            share = (bands["active"] / bands["customers"]).to_numpy()
            low, high = findings.intervals(bands["active"], bands["customers"])
            middle = bands.index.to_numpy() + BAND / 2
            axes.fill_between(middle, low, high, color=colour, alpha=0.18, lw=0)
            axes.plot(middle, share, color=colour, lw=2, marker="o", ms=4)
            head = f"sex {sex}: {percent(own['active'].sum() / own['customers'].sum())}"
            ends.append((share[-1], middle[-1], head, colour))
            reach = min(max(reach, 1.1 * max(high)), 1)
    previous = -1.0
    for share, age, head, colour in sorted(ends):
        previous = max(share, previous + 0.06 * reach)  # labels must not cover each other
        style = {"va": "center", "color": colour, "weight": "bold", "in_layout": True}
        note(axes, head, age, previous, (8, 0), **style)
    axes.set_ylim(0, reach)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel(f"age, years (bands of {BAND} with {FEW} customers or more)")
    subtitle(
        axes, "Active among the customers of the last month; shaded: 95% intervals, dotted: all"
    )
    return figure


@mpl.rc_context(STYLE)
def length_of_use(table: pd.DataFrame, titles: Titles) -> Figure:
    """How many months products are held, and how much of what is added stays."""
    enough = table["at_risk"] >= max(min(FEW, table["at_risk"].max()), 1)
    followed = table[enough & table["months"].isin(STEPS)]
    kept = followed.pivot_table(index="product", columns="months", values="kept")
    most = followed.groupby("product")["at_risk"].max().nlargest(_MOST).index
    kept = kept.loc[kept.index.isin(most)]
    if len(kept):
        middle = kept.columns[min(3, len(kept.columns) - 1)]
        kept = kept.sort_values([middle, kept.columns[0]], ascending=False)
    height = max(0.26 * len(kept) + 1.6, 4.6)
    title = findings.stays(table, titles)
    figure, (left, right) = headed(title, height, 1, 2, width_ratios=[1, 1.1])
    totals = table.groupby("months")[["customers", "always"]].sum()
    totals = totals / totals["customers"].sum()
    left.barh(totals.index, totals["customers"], color=PALE, height=0.8)
    left.barh(totals.index, totals["always"], color=PLAIN, height=0.8)
    for months_held, share in totals["customers"].items():
        note(left, percent(share), share, months_held, (4, 0), va="center")
    left.set_xlim(0, totals["customers"].max() * 1.2)
    left.set_yticks(totals.index)
    left.set_ylabel("months held, in all")
    left.margins(y=0.01)
    bare(left)
    subtitle(left, "All pairs of customer and product; dark:\nheld in every month with the bank")
    cells = kept.map(lambda share: "" if np.isnan(share) else f"{share:.0%}")
    cells.index = pd.Index([titles[str(product)] for product in cells.index])
    heat(right, kept.to_numpy(), cells, BLUES, (0, 1))
    right.set_xlabel("months later")
    subtitle(right, f"Of the additions, still held\n(where {FEW} or more were followed)")
    return figure


@mpl.rc_context(STYLE)
def usage_shares(products: pd.DataFrame, customers: pd.DataFrame, titles: Titles) -> Figure:
    """Share of the customers who hold each product, month by month, every product on its scale.

    Parameters
    ----------
    products, customers : DataFrame
        As `by_product` and `by_month` of eda make them.
    titles : dict
        Names of the products for people.
    """
    shares = findings.usage_shares(products, customers)
    order = shares.iloc[-1].sort_values(ascending=False, kind="stable").index[:_MOST]
    jump = findings.jump_of(customers)
    columns = 4
    rows = -(-len(order) // columns)
    title = findings.dynamics(products, customers, titles)
    figure, panels = headed(title, 1.25 * rows + 0.9, rows, columns)
    last = len(shares) - 1
    ends = [f"{month:%b %y}" for month in customers["month"].iloc[[0, -1]]]
    for place, (axes, product) in enumerate(zip(panels, order, strict=False)):
        values = shares[product].to_numpy()
        change = values[-1] - values[0]
        colour = PLAIN if change > 0 else CONTRAST
        if abs(change) <= 0.02 * values[0]:
            colour = FAINT
        if jump:
            axes.axvline(jump, color="#cccccc", lw=0.8)
        axes.fill_between(range(len(values)), values, color=colour, alpha=0.12, lw=0)
        axes.plot(values, color=colour, lw=1.6)
        axes.set_ylim(0, (values.max() or 1) * 1.45)
        rises = values[: len(values) // 4 + 1].max() > 1.05 * values[0] > 0.2 * values.max()
        first = {"ha": "left", "va": "top" if rises else "bottom", "fontsize": 7.5}
        note(axes, percent(values[0]), 0, values[0], (0, -4 if rises else 4), **first)
        latest = {"ha": "right", "weight": "bold", "color": colour, "fontsize": 7.5}
        note(axes, percent(values[-1]), last, values[-1], (0, 4), **latest)
        axes.set_title(textwrap.shorten(titles[str(product)], 28), fontsize=8.5)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.grid(visible=False)
        axes.set_xticks([0, last], ends if place + columns >= len(order) else ["", ""])
        axes.tick_params(labelsize=7.5)
        labels = axes.get_xticklabels()
        labels[0].set_horizontalalignment("left")
        labels[-1].set_horizontalalignment("right")
    for axes in panels[len(order) :]:
        axes.set_axis_off()
    text = "Share of all customers who hold it; each panel on its own scale, from 0"
    if jump:
        text += f". Grey: {findings.name(customers['month'].iloc[jump])}, when most customers came"
    footnote(figure, text)
    return figure


@mpl.rc_context(STYLE)
def who_adds(table: pd.DataFrame) -> Figure:
    """Share of the customers who add something in the following month, by group; of `who_adds`."""
    if table.empty:
        return nothing("Who adds", findings.adders(table))
    shown = findings.large_groups(table).iloc[::-1]
    changes = shown["attribute"] != shown["attribute"].shift()
    places = np.arange(len(shown)) + 1.2 * (changes.cumsum().to_numpy() - 1)
    figure, (axes,) = headed(findings.adders(table), 0.2 * places[-1] + 1.5)
    rates = (shown["adders"] / shown["customers"]).to_numpy()
    low, high = findings.intervals(shown["adders"], shown["customers"])
    axes.axvline(findings.adder_rate(table), color=FAINT, lw=1, ls=":")
    axes.hlines(places, low, high, color=PALE, lw=4)
    axes.plot(rates, places, "o", color=PLAIN, ms=5)
    for rate, end, place in zip(rates, high, places, strict=True):
        note(axes, percent(rate), max(rate, end), place, (6, 0), va="center")
    axes.set_yticks(places, [str(value) for value in shown["value"]])
    for attribute, place in pd.Series(places).groupby(shown["attribute"].to_numpy()).max().items():
        note(axes, str(attribute), 0, place + 1, (3, 0), va="center", weight="bold")
    axes.set_xlim(0, max(high) * 1.12)
    axes.set_ylim(-0.7, places[-1] + 1.6)
    axes.tick_params(left=False, labelsize=8.5)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=False, axis="y")
    subtitle(
        axes, "Customers who add something in the next month; bars: 95% intervals, dotted: all"
    )
    return figure


@mpl.rc_context(STYLE)
def added_after(table: pd.DataFrame, titles: Titles) -> Figure:
    """What adders add, by what they held before; of `added_after`.

    Rows are the holdings met most among adders, columns the products added most.
    """
    if table.empty:
        return nothing("What adders add", findings.after(table, titles))
    enough = findings.large_pairs(table)
    held = list(enough.groupby("held")["adders"].max().nlargest(_PAIRS).index)
    added = list(enough.groupby("product")["additions"].max().nlargest(_PAIRS).index)
    rates, lifts = (
        enough.pivot_table(index="held", columns="product", values=column).reindex(
            index=held, columns=added
        )
        for column in ("rate", "lift")
    )
    figure, (axes,) = headed(findings.after(table, titles), 0.34 * max(len(held), 8) + 2)
    cells = rates.map(lambda share: "" if np.isnan(share) else percent(share))
    cells.index = pd.Index([titles.get(name, name) for name in held])
    cells.columns = pd.Index([textwrap.fill(titles[name], 11) for name in added])
    with np.errstate(divide="ignore"):
        doublings = np.log2(lifts.to_numpy())
    heat(axes, np.clip(doublings, -3, 3), cells, BOTH_WAYS, (-3, 3))
    axes.xaxis.tick_top()
    axes.tick_params(axis="x", top=False, labelsize=8)
    axes.set_ylabel("held in the month before")
    subtitle(axes, "Of the adders who held it and not the other, so many add the other (columns)")
    text = "Blue: more often than all adders without it; orange: less often; blank: fewer than"
    footnote(figure, f"{text} {FEW} adders")
    return figure

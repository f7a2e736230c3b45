"""Figures of the analysis. The title of each is what its table says."""

import calendar as months_of_the_year
import datetime
import textwrap
from collections.abc import Hashable, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter

from src.drawing import (
    BLUES,
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
from src.payments.analysis import findings
from src.payments.analysis.findings import Tail
from src.payments.analysis.tables import (
    BIN,
    FEDERAL,
    INTERRUPTION,
    KINDS,
    LEAST_CLIENTS,
    MEMORY,
)

_GAPS = 62  # days; two months
_MOST = 12  # regions in the matrix; the others are one
_SHORT, _LONG = 8, 24  # letters of a region's name: that fit beside each other, at most
_LABELLED = 18  # bars; more have no number each
_COLOURS = dict(zip(KINDS, (PLAIN, PALE, CONTRAST), strict=True))


@mpl.rc_context(STYLE)
def stream(days: pd.DataFrame) -> Figure:
    """Payments of each day and their mean over seven days; of `tables.days`."""
    figure, (axes,) = headed(findings.stream(days), 4)
    first = days["date"].iloc[0]
    places = np.array([_months_since(first, date) for date in days["date"]])
    payments = days["payments"].to_numpy(dtype=float)
    mean = days["payments"].where(~days["interrupted"]).rolling(7).mean()
    axes.fill_between(places, payments, step="mid", color=PALE, lw=0)
    axes.plot(places, mean, color=PLAIN, lw=1.6)
    for begin, end in findings.interruptions(days):
        axes.axvspan(places[begin], places[end], color=PALE_CONTRAST, alpha=0.5, lw=0)
    empty = (payments == 0) & ~days["interrupted"].to_numpy()
    axes.vlines(places[empty], 0, payments.max() * 0.04, color=CONTRAST, lw=1.2)
    axes.set_ylim(0, payments.max() * 1.05)
    axes.set_xlim(0, max(places[-1], 0.1))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.grid(visible=False, axis="x")
    month_axis(axes, _months_from(first, int(places[-1]) + 1))
    subtitle(
        axes,
        "Payments of a day; line: mean of seven days; orange: days without payments"
        f" (shaded: {INTERRUPTION} or more)",
    )
    unknown = days["without_provider"].sum() / days["payments"].sum()
    footnote(figure, f"{percent(unknown)} of the payments do not say whom they were made to")
    return figure


def _months_since(first: datetime.date, date: datetime.date) -> float:
    """Months from the first day of a month to a day."""
    days = months_of_the_year.monthrange(date.year, date.month)[1]
    whole = 12 * (date.year - first.year) + date.month - first.month
    return whole + (date.day - 1) / days


def _months_from(first: datetime.date, count: int) -> list[datetime.date]:
    """First days of so many months, from that of a day on."""
    numbers = [first.year * 12 + first.month - 1 + place for place in range(count)]
    return [datetime.date(number // 12, number % 12 + 1, 1) for number in numbers]


@mpl.rc_context(STYLE)
def calendar(days: pd.DataFrame) -> Figure:
    """Payments by weekday and by day of the month; of `tables.days`."""
    title = findings.calendar(days)
    figure, (left, right) = headed(title, 3.6, 1, 2, sharey=True, width_ratios=[1, 2.4])
    weekdays, month = findings.by_weekday(days), findings.by_day_of_month(days)
    for axes, values in (left, weekdays), (right, month):
        most = values.idxmax()
        colours = [PLAIN if place == most else PALE for place in values.index]
        axes.bar(values.index, values, color=colours, width=0.8)
        ends = values.index.isin([most, values.idxmin()])
        labelled = values if axes is left else values[ends]
        for place, value in labelled.items():
            colour = "white" if place == most else INK
            turned = 0 if axes is left else 90
            note(axes, f"{value:.2f}", place, 0, (0, 5), ha="center", rotation=turned, color=colour)
        axes.axhline(1, color=FAINT, lw=1, ls=":")
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
        axes.tick_params(left=False, labelleft=False, bottom=False)
    left.set_ylim(0, max(weekdays.max(), month.max()) * 1.1)
    left.set_xticks(range(7), [name[:3] for name in findings.WEEKDAYS])
    right.set_xticks([1, 5, 10, 15, 20, 25, 31])
    right.set_xlim(0.4, 31.6)
    subtitle(left, "By weekday")
    subtitle(right, "By day of the month")
    text = "Mean payments of such a day ÷ those of all days (dotted); without interruptions"
    footnote(figure, text)
    return figure


@mpl.rc_context(STYLE)
def popularity(table: pd.DataFrame) -> Figure:
    """Lorenz curve of payments over providers, and what the most popular receive."""
    title = findings.popularity(table)
    if table.empty:
        return nothing(title, findings.NO_PROVIDERS)
    tail = Tail.of(table["payments"], table["providers"])
    figure, (left, right) = headed(title, 4, 1, 2)
    members, payments = tail.members / tail.members[-1], tail.payments / tail.payments[-1]
    left.plot([0, 1], [0, 1], color=FAINT, lw=1, ls=":")
    left.fill_between(1 - members, 1 - payments, 1 - members, color=PALE, alpha=0.5, lw=0)
    left.plot(1 - members, 1 - payments, color=PLAIN, lw=2)
    left.text(0.5, 0.32, f"Gini {tail.gini():.2f}", color=PLAIN, weight="bold")
    left.set_xlabel("share of the providers, least popular first")
    subtitle(left, "Lorenz curve: their share of the payments\n(dotted: all are equally popular)")
    right.plot(tail.members[1:], payments[1:], color=PLAIN, lw=2)
    right.set_xscale("log")
    right.xaxis.set_minor_formatter(NullFormatter())
    right.set_xlabel("most popular providers")
    points = sorted({tail.largest(0.01), tail.largest(0.1), tail.covering(0.8)})
    for place in points:
        share = tail.share(place)
        right.plot(place, share, "o", color=CONTRAST, ms=5, zorder=3)
        text = f"{place:,}: {percent(share)}"
        note(right, text, place, share, (-6, 4), ha="right", color=CONTRAST, weight="bold")
    right.set_xlim(min(1, tail.members[1]), max(tail.members[-1], 2))
    subtitle(
        right, "Share of the payments that go to the most\npopular providers, by how many they are"
    )
    for axes in (left, right):
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    left.set_xlim(0, 1)
    left.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    return figure


@mpl.rc_context(STYLE)
def gaps(pairs: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Days between the visits of a pair, and how many visits pairs have."""
    title = findings.gaps(pairs, table)
    if pairs.empty:
        return nothing(title, findings.NO_PROVIDERS)
    figure, (left, right) = headed(title, 4.2, 1, 2, width_ratios=[2.2, 1])
    shares = (table.set_index("days")["gaps"] / table["gaps"].sum()).reindex(range(1, _GAPS + 1))
    colours = [_rhythm(day) for day in shares.index]
    left.bar(shares.index, shares.fillna(0), color=colours, width=0.85)
    left.set_xticks([1, *range(7, _GAPS + 1, 7)])
    left.set_xlim(0.3, _GAPS + 0.7)
    left.set_ylim(bottom=0)
    left.yaxis.set_major_formatter(PercentFormatter(1))
    left.grid(visible=False, axis="x")
    left.set_xlabel("days from one payment to the next")
    longer = 1 - shares.sum()
    head = "Share of the gaps; dark: whole weeks, orange: 30 and 31 days"
    if table.empty:
        left.text(0.5, 0.5, "No pair is paid twice.", color=FAINT, ha="center",
                  transform=left.transAxes)  # fmt: skip
    else:
        head += f"\n({percent(longer)} are longer than {_GAPS} days)"
    subtitle(left, head)
    edges = [1, 2, 3, 4, 6, 11, 21]
    _bars(right, pairs["visits"], pairs["pairs"], edges)
    right.set_ylabel("days on which a pair is paid")
    subtitle(right, f"Share of {pairs['pairs'].sum():,} pairs\nof client and provider")
    text = "Payments of one client to one provider on one day count once"
    footnote(figure, f"{text}.\n{findings.early_once(pairs)}")
    return figure


def _rhythm(days: int) -> str:
    if days in findings.MONTHS:
        return CONTRAST
    return PALE if days % 7 else PLAIN


def _bars(
    axes: Axes, sizes: "pd.Series[int]", counts: "pd.Series[int]", edges: Sequence[int]
) -> None:
    """Shares of what has a size, by groups of sizes; the first at the top."""
    groups = np.searchsorted(edges, sizes, side="right") - 1
    shares = np.bincount(groups, weights=counts, minlength=len(edges)) / counts.sum()
    names = [_range(low, high) for low, high in zip(edges, [*edges[1:], None], strict=True)]
    colours = [PLAIN if place == shares.argmax() else PALE for place in range(len(shares))]
    axes.barh(names, shares, color=colours, height=0.76)
    for place, share in enumerate(shares):
        note(axes, percent(share), share, place, (4, 0), va="center")
    axes.invert_yaxis()
    axes.set_xlim(0, shares.max() * 1.25)
    bare(axes)


def _range(low: int, high: int | None) -> str:
    """'4-5', a group of sizes below the next group's lowest."""
    if high is None:
        return f"{low:,} or more"
    return f"{low:,}" if high == low + 1 else f"{low:,}-{high - 1:,}"


@mpl.rc_context(STYLE)
def novelty(table: pd.DataFrame) -> Figure:
    """Share of the payments to providers that are new to the client, by month."""
    title = findings.novelty(table)
    if table.empty:
        return nothing(title, findings.NO_PROVIDERS)
    figure, (axes,) = headed(title, 4)
    first = table["month"].iloc[0]
    places = np.array([round(_months_since(first, month)) for month in table["month"]])
    new, nobody = (table[name] / table["visits"] for name in ("new", "nobody"))
    judged = table["judged"].to_numpy()
    for values, bottom, strong, pale in (
        (nobody, 0 * nobody, CONTRAST, PALE_CONTRAST),
        (new - nobody, nobody, PLAIN, PALE),
    ):
        axes.bar(places, values, bottom=bottom, color=np.where(judged, strong, pale), width=0.8)
    for place, share in zip(places, new, strict=True):
        if len(table) <= _LABELLED:
            note(axes, percent(share), place, share, (0, 3), ha="center")
    axes.set_ylim(0, new.max() * 1.1 or 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=False, axis="x")
    month_axis(axes, _months_from(first, places[-1] + 1))
    subtitle(
        axes,
        "Share of the payments of a month that go to a provider new to the client; orange: whom "
        "nobody had\npaid before; pale: no judgement, for less than "
        f"{MEMORY} days without interruption are known before",
    )
    footnote(figure, "Payments of one client to one provider on one day count once")
    return figure


@mpl.rc_context(STYLE)
def concentration(table: pd.DataFrame, places: pd.DataFrame) -> Figure:
    """Herfindahl index of providers, and what regional and federal ones receive.

    Parameters
    ----------
    table, places : DataFrame
        As `concentration` and `places` of tables make them.
    """
    title = findings.concentration(table)
    if table.empty:
        return nothing(title, findings.NO_REGIONS)
    if reason := findings.one_region(places):
        return nothing("Regional and federal providers", reason)
    figure, (top, low) = headed(title, 5, 2, height_ratios=[2.6, 1])
    for kind, colour in _COLOURS.items():
        own = table[table["kind"] == kind]
        top.bar(own["herfindahl"], own["providers"], color=colour, width=BIN * 0.9, align="edge")
    top.set_xlim(0, 1)
    top.set_xticks(np.arange(11) / 10)
    top.grid(visible=False, axis="x")
    top.set_xlabel("Herfindahl index: chance that two of its clients live in one region")
    mean = (table["mean"] * table["providers"]).sum() / table["providers"].sum()
    subtitle(
        top,
        f"Providers by the index of their clients' regions (mean {mean:.2f});\n"
        "dark: regional, orange: federal, pale: between the two",
    )
    sums = findings.kinds(table)
    shares = sums / sums.sum()
    names = list(shares.columns)
    left = np.zeros(len(names))
    for kind, colour in _COLOURS.items():
        values = shares.loc[kind].to_numpy()
        low.barh(names, values, left=left, color=colour, height=0.7)
        for place, share in enumerate(values):
            if share >= 0.06:
                text = f"{kind} {percent(share)}" if share >= 0.2 else percent(share)
                style = {"color": INK if colour == PALE else "white", "weight": "bold"}
                note(low, text, left[place] + share / 2, place, (0, 0), ha="center", va="center",
                     **style)  # fmt: skip
        left += values
    low.invert_yaxis()
    low.set_xlim(0, 1)
    bare(low)
    subtitle(low, "Shares of the kinds")
    return figure


@mpl.rc_context(STYLE)
def where(places: pd.DataFrame) -> Figure:
    """Payments by the clients' region and the providers' home; of `tables.places`."""
    title = findings.where(places)
    if places.empty:
        return nothing(title, findings.NO_REGIONS)
    if reason := findings.one_region(places):
        return nothing("Who pays where", reason)
    matrix = _matrix(places)
    payments = matrix.sum(axis=1)
    shares = matrix.div(payments, axis=0)
    cells = shares.map(lambda share: f"{share:.0%}" if share >= 0.005 else "<1%" if share else "")
    cells.index = pd.Index([f"{_cut(name)} ({count:,})" for name, count in payments.items()])
    cells.columns = pd.Index([_cut(name) for name in cells.columns])
    figure, (axes,) = headed(title, 0.34 * max(len(cells), 8) + 1.9)
    heat(axes, shares.to_numpy(), cells, BLUES, (0, 1))
    axes.xaxis.tick_top()
    if any(len(name) > _SHORT for name in cells.columns[:-1]):
        axes.tick_params(axis="x", rotation=90)
    axes.set_ylabel("region of the clients (payments)")
    subtitle(axes, "Of the payments of clients of a region, so many go to providers at home in")
    footnote(
        figure,
        "Home: the region of most of a provider's clients; federal ones (Herfindahl index below "
        f"{FEDERAL}) have\nnone. Providers with fewer than {LEAST_CLIENTS} clients are left out",
    )
    return figure


def _cut(name: Hashable) -> str:
    return textwrap.shorten(str(name), _LONG, placeholder="…")


def _matrix(places: pd.DataFrame) -> pd.DataFrame:
    """Payments by region (rows) and home (columns), the largest regions first, federal last."""
    largest = findings.payments_of(places).sort_values(ascending=False, kind="stable").index
    if len(largest) > _MOST:
        largest = largest[: _MOST - 1]
    region = places["region"].where(places["region"].isin(largest), "others")
    home = places["home"].where(places["home"].isin(largest) | places["home"].isna(), "others")
    table = places.assign(region=region, home=home.fillna("federal"))
    matrix = table.pivot_table(
        index="region", columns="home", values="payments", aggfunc="sum", fill_value=0
    )
    names = [*largest, "others"]
    return matrix.reindex(
        index=[name for name in names if name in matrix.index],
        columns=[name for name in (*names, "federal") if name in matrix.columns],
    )


@mpl.rc_context(STYLE)
def clients(table: pd.DataFrame) -> Figure:
    """Payments and providers per client; of `tables.clients`."""
    figure, panels = headed(findings.clients(table), 4.2, 1, 2)
    for axes, name in zip(panels, ("payments", "providers"), strict=True):
        own = table[table["of"] == name]
        powers = [2**power for power in range(int(own["size"].max()).bit_length())]
        edges = [0, *powers] if (own["size"] == 0).any() else powers
        edges = edges[int(np.searchsorted(edges, own["size"].min(), side="right")) - 1 :]
        _bars(axes, own["size"], own["clients"], edges)
        axes.set_ylabel(f"{name} of a client")
        subtitle(axes, "Share of the clients")
    return figure

"""What the tables of the analysis say, a sentence each: they are the titles of its figures.

Whatever a sentence claims is computed from its table. Sentences have no full stop.
"""

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.drawing import percent
from src.payments.analysis.tables import (
    EARLY,
    FEDERAL,
    INTERRUPTION,
    LEAST_CLIENTS,
    MEMORY,
    REGIONAL,
)

FEW = 30  # payments; a share among fewer means nothing
WEEKS, MONTHS = (7,), (30, 31)  # gaps that a rhythm would make frequent
BESIDE_WEEKS, BESIDE_MONTHS = (6, 8), (25, 26, 33, 34)  # multiples of 7 left out
NO_PROVIDERS = "No payment says whom it was made to: nothing to draw."
NO_REGIONS = (
    f"No provider has {LEAST_CLIENTS} clients or more whose region is known: nothing to draw.\n"
    "Is schema.attributes.region mapped in pipelines/payments/params.yaml?"
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def stream(days: pd.DataFrame) -> str:
    """Payments of a mean day and of the busiest, and how many days have none."""
    payments = days["payments"]
    top = days.loc[_top(payments)]
    usual = payments[~days["interrupted"]]
    said = (
        f"{usual.mean():,.0f} payments on a mean day, {top['payments']:,} on the busiest "
        f"({top['date']:%-d %B %Y})"
    )
    empty = int((payments == 0).sum())
    if not empty:
        return f"{said}; no day of {len(days):,} is without"
    said += f"; {empty:,} of {counted(len(days), 'day')} {'is' if empty == 1 else 'are'} without"
    if long := interruptions(days):
        of_them = sum(last - first + 1 for first, last in long)
        said += (
            f", {of_them:,} of them in {counted(len(long), 'interruption')} of {INTERRUPTION} days "
            "or more"
        )
    return said


def interruptions(days: pd.DataFrame) -> list[tuple[int, int]]:
    """First and last row of each interruption of `tables.days`."""
    runs = groupby(enumerate(days["interrupted"]), key=lambda row: row[1])
    rows = [[place for place, _ in run] for interrupted, run in runs if interrupted]
    return [(run[0], run[-1]) for run in rows]


def by_weekday(days: pd.DataFrame) -> "pd.Series[float]":
    """Mean payments of each weekday (0 is Monday) ÷ those of all days; without interruptions."""
    return _relative(days, [date.weekday() for date in days["date"]])


def by_day_of_month(days: pd.DataFrame) -> "pd.Series[float]":
    """Mean payments of each day of the month ÷ those of all days; without interruptions."""
    return _relative(days, [date.day for date in days["date"]])


def _relative(days: pd.DataFrame, key: list[int]) -> "pd.Series[float]":
    usual = ~days["interrupted"]
    payments = days["payments"][usual]
    return payments.groupby(np.array(key)[usual]).mean() / payments.mean()


def calendar(days: pd.DataFrame) -> str:
    """On which weekday and day of the month most and least is paid."""
    weekdays, month = by_weekday(days), by_day_of_month(days)
    most, least = _top(weekdays), _top(-weekdays)
    first, last = _top(month), _top(-month)
    return (
        f"Most is paid on {WEEKDAYS[most]}s ({weekdays[most]:.2f} times a mean day), least on "
        f"{WEEKDAYS[least]}s ({weekdays[least]:.2f}); by day of the month, most on the "
        f"{ordinal(first)} ({month[first]:.2f}), least on the {ordinal(last)} ({month[last]:.2f})"
    )


@dataclass(frozen=True)
class Tail:
    """How payments are spread over providers, or over clients: those with most come first.

    Attributes
    ----------
    members, payments : float64 arrays
        How many of them have how many payments together; straight lines between the points, of
        which the first is (0, 0), are exact.
    """

    members: NDArray[np.float64]
    payments: NDArray[np.float64]

    @classmethod
    def of(cls, sizes: "pd.Series[int]", members: "pd.Series[int]") -> "Tail":
        """Sum up: so many members have payments of a size each; the largest size first."""
        sums = (sizes * members).cumsum()
        return cls(np.append(0.0, members.cumsum()), np.append(0.0, sums))

    def share(self, members: int) -> float:
        """Share of the payments that the so many largest have."""
        return float(np.interp(members, self.members, self.payments) / self.payments[-1])

    def covering(self, share: float) -> int:
        """How many of the largest are needed to have a share of the payments."""
        needed = np.interp(share * self.payments[-1], self.payments, self.members)
        return int(np.ceil(needed - 1e-9))

    def largest(self, share: float) -> int:
        """How many members are a share of them, at least one."""
        return max(round(share * float(self.members[-1])), 1)

    def gini(self) -> float:
        """Gini coefficient: 0 if all are paid equally often, near 1 if one is paid always.

        Twice the area between the Lorenz curve and the diagonal.
        """
        area = np.trapezoid(self.payments / self.payments[-1], self.members / self.members[-1])
        return float(2 * area - 1)


def popularity(table: pd.DataFrame) -> str:
    """How much the most popular providers receive."""
    if table.empty:
        return "Popularity of providers"
    tail = Tail.of(table["payments"], table["providers"])
    providers = int(tail.members[-1])
    one, ten = tail.largest(0.01), tail.largest(0.1)
    return (
        f"Of {counted(providers, 'provider')}, the {one:,} most popular "
        f"({percent(one / providers)}) receive {percent(tail.share(one))} of the payments, the "
        f"{ten:,} most popular ({percent(ten / providers)}) {percent(tail.share(ten))}; "
        f"{tail.covering(0.8):,} cover 80%; Gini {tail.gini():.2f}"
    )


def gaps(pairs: pd.DataFrame, table: pd.DataFrame) -> str:
    """How many pairs are paid once, and whether gaps have a weekly or monthly rhythm.

    Parameters
    ----------
    pairs, table : DataFrame
        As `pairs` and `gaps` of tables make them.
    """
    if pairs.empty:
        return "Days between the payments of a client to the same provider"
    once = pairs.loc[pairs["visits"] == 1, "pairs"].sum() / pairs["pairs"].sum()
    said = f"{percent(once)} of the pairs of client and provider are paid on one day only"
    if table.empty:
        return said
    middle = counted(_median(table["days"], table["gaps"]), "day")
    parts = [f"{said}, the others again after {middle} (median gap)"]
    for peak, beside, phrase in (
        (WEEKS, BESIDE_WEEKS, "gaps of 7 days are {} times as frequent as those of 6 or 8"),
        (MONTHS, BESIDE_MONTHS, "gaps of 30 or 31 days {} times as those of 25, 26, 33 or 34"),
    ):
        if usual := _mean_count(table, beside):
            parts.append(phrase.format(f"{_mean_count(table, peak) / usual:.1f}"))
    return "; ".join(parts)


def _mean_count(table: pd.DataFrame, days: tuple[int, ...]) -> float:
    return float(table["gaps"][table["days"].isin(days)].sum()) / len(days)


def early_once(pairs: pd.DataFrame) -> str:
    """The share of pairs paid once among those that had time to be paid again."""
    early = pairs["early"].sum()
    if not early:
        return f"No pair was begun {EARLY} days before the last day"
    once = pairs.loc[pairs["visits"] == 1, "early"].sum() / early
    return (
        f"Of the pairs begun at least {EARLY} days before the last day, {percent(once)} are paid "
        "on one day only"
    )


def novelty(months: pd.DataFrame) -> str:
    """How much is paid to providers that are new to the client, and how much to new ones."""
    if months.empty:
        return "New and repeated payments by month"
    known = months[months["judged"]]
    if known.empty:
        return (
            "What is new cannot be told from what is repeated: no month has "
            f"{MEMORY} days of payments without interruption before it"
        )
    visits, new, nobody = known[["visits", "new", "nobody"]].sum()
    said = (
        f"In the {counted(len(known), 'month')} that can be judged, {percent(new / visits)} of the "
        "payments go to a provider that the client had not paid before"
    )
    if not new:
        return said
    return f"{said}; {percent(nobody / new)} of these go to providers that nobody had paid before"


def concentration(table: pd.DataFrame) -> str:
    """How many providers are regional, how many federal, and what these receive."""
    if table.empty:
        return "Regional and federal providers"
    sums = kinds(table)
    providers, payments = (sums[name] / sums[name].sum() for name in sums)
    return (
        f"Of {counted(int(table['providers'].sum()), 'provider')} with {LEAST_CLIENTS} clients or "
        f"more, {percent(providers['regional'])} are regional (Herfindahl index of {REGIONAL} or "
        f"more) and receive {percent(payments['regional'])} of their payments; "
        f"{percent(providers['federal'])} are federal (below {FEDERAL}) and receive "
        f"{percent(payments['federal'])}"
    )


def kinds(table: pd.DataFrame) -> pd.DataFrame:
    """Providers and payments by kind; of `tables.concentration`."""
    sums = table.groupby("kind")[["providers", "payments"]].sum()
    return sums.reindex(["regional", "between", "federal"], fill_value=0)


def one_region(places: pd.DataFrame) -> str | None:
    """Why regions tell nothing, if there is only one."""
    regions = places["region"].unique()
    if len(regions) != 1:
        return None
    return f"All clients are in one region, '{regions[0]}': nothing to tell apart."


def where(places: pd.DataFrame) -> str:
    """How much clients pay within their region, to federal providers and elsewhere."""
    if places.empty:
        return "Who pays where"
    shares = destinations(places)
    total = shares.mul(payments_of(places), axis=0).sum() / places["payments"].sum()
    said = (
        f"Of the payments, {percent(total['own'])} stay in the client's region, "
        f"{percent(total['federal'])} go to federal providers and {percent(total['elsewhere'])} to "
        "other regions"
    )
    large = shares["elsewhere"][payments_of(places) >= FEW]
    if len(large) < 2:
        return said
    most = _top(large)
    return f"{said} (clients of region {most}: {percent(large[most])}, the most)"


def destinations(places: pd.DataFrame) -> pd.DataFrame:
    """Shares of what the clients of each region pay: own, federal and elsewhere."""
    own = places["home"] == places["region"]
    kind = np.select([own, places["home"].isna()], ["own", "federal"], "elsewhere")
    sums = places.assign(kind=kind).pivot_table(
        index="region", columns="kind", values="payments", aggfunc="sum", fill_value=0
    )
    sums = sums.reindex(columns=["own", "federal", "elsewhere"], fill_value=0)
    return sums.div(sums.sum(axis=1), axis=0)


def payments_of(places: pd.DataFrame) -> "pd.Series[int]":
    """Payments by region of the clients."""
    return places.groupby("region")["payments"].sum()


def clients(table: pd.DataFrame) -> str:
    """Payments and providers of the median client, and what the busiest tenth pays."""
    payments = table[table["of"] == "payments"]
    providers = table[table["of"] == "providers"]
    medians = [_median(part["size"], part["clients"]) for part in (payments, providers)]
    tail = Tail.of(payments["size"].iloc[::-1], payments["clients"].iloc[::-1])
    return (
        f"Half of the {int(payments['clients'].sum()):,} clients made "
        f"{counted(medians[0], 'payment')} or fewer and paid {counted(medians[1], 'provider')} or "
        f"fewer; the busiest tenth made {percent(tail.share(tail.largest(0.1)))} of all payments"
    )


def _median(sizes: "pd.Series[int]", counts: "pd.Series[int]") -> int:
    """The size that half of those counted do not exceed; sizes ascend."""
    return int(sizes[counts.cumsum() * 2 >= counts.sum()].iloc[0])


def _top(values: "pd.Series[float]") -> Any:
    """Label of the largest value, the first of several."""
    return values.idxmax()


def counted(count: int, name: str) -> str:
    """'1 day', '1,000 days'."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def ordinal(day: int) -> str:
    """'1st', '12th', '31st'."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{day}{'th' if 10 < day < 14 else endings.get(day % 10, 'th')}"

"""What the tables of eda say, a sentence each: titles of figures, conclusions of the notebook.

Whatever a sentence claims is computed from its table. Sentences have no full stop; `titles` are the
products' names for people.
"""

import datetime
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.drawing import percent

FEW = 30  # customers or additions; a share among fewer means nothing
BAND = 5  # years of age
STEPS = (1, 2, 3, 6, 12)  # months after an addition

Titles = dict[str, str]


def growth(months: pd.DataFrame) -> str:
    """How the number of customers changed, and when most was added."""
    customers = months["customers"].astype(int)
    first, last = customers.iloc[0], customers.iloc[-1]
    names = [name(month) for month in months["month"]]
    if abs(last / first - 1) < 0.001:
        said = f"The number of customers hardly changed from {names[0]} to {names[-1]}"
    else:
        said = f"Customers {'grew' if last > first else 'fell'} by {percent(abs(last / first - 1))}"
        said += f" from {names[0]} to {names[-1]}"
        jump = jump_of(months)
        if jump is not None:
            share = customers.diff().loc[jump] / (last - first)
            said += f", {percent(share)} of it in {names[jump]}"
    return f"{said}; most is added in {names[_top(months['added'].astype(float))]}"


def jump_of(months: pd.DataFrame) -> int | None:
    """Row of the month that brought a third of the growth or more, and 5 % more customers."""
    customers = months["customers"].astype(int)
    change = customers.diff()
    top: int = _top(change)
    third = change[top] * 3 >= customers.iloc[-1] - customers.iloc[0] > 0
    return top if third and change[top] >= 0.05 * customers[top - 1] else None


def popularity(products: pd.DataFrame, months: pd.DataFrame, titles: Titles) -> str:
    """Which product most customers hold, and which is added most."""
    last = products[products["month"] == products["month"].max()].set_index("product")
    held = _top(last["owners"].astype(int))
    share = last["owners"][held] / months["customers"].iloc[-1]
    added = products.groupby("product")["added"].sum().astype(int)
    most = _top(added)
    said = f"{titles[held]} is held by {percent(share)} of the customers"
    of_all = f"{percent(added[most] / max(added.sum(), 1))} of all additions"
    if held == most:
        return f"{said} and added most: {of_all}"
    return f"{said}, but {titles[most]} is added most: {of_all}"


def ages(portrait: pd.DataFrame) -> str:
    """The median age, and the band with most customers."""
    by_age = portrait.groupby("age")["customers"].sum()
    total = by_age.sum()
    median = _top(by_age.cumsum() * 2 >= total)
    bands = by_age.groupby(by_age.index // BAND * BAND).sum()
    band = _top(bands)
    share = percent(bands[band] / total)
    return f"Half of the customers are {median} or younger; {share} are {years(band)} years old"


def activity(portrait: pd.DataFrame) -> str:
    """The share of active customers, and in which band of ages it is lowest and highest."""
    counts = active_customers(portrait)
    total = counts.sum()
    bands = counts.groupby(portrait["age"] // BAND * BAND).sum()
    bands = bands[bands["customers"] >= min(FEW, bands["customers"].max())]
    shares = bands["active"] / bands["customers"]
    low, high = _surely(bands["active"], bands["customers"])
    return (
        f"{percent(total['active'] / total['customers'])} of the customers are active: "
        f"{percent(shares[low])} at {years(low)}, {percent(shares[high])} at {years(high)}"
    )


def active_customers(portrait: pd.DataFrame) -> pd.DataFrame:
    """Customers, and the active ones among them, in the rows of `portrait`."""
    active = portrait["customers"].where(portrait["active"] == "1", 0)
    return pd.DataFrame({"customers": portrait["customers"], "active": active})


def by_size(portrait: pd.DataFrame, column: str) -> list[str]:
    """Values of a column that are known, those of most customers first."""
    counts = portrait.groupby(column)["customers"].sum().drop("unknown", errors="ignore")
    return list(counts.sort_values(ascending=False, kind="stable").index)


def lacking(names: set[str]) -> str:
    """Why there is nothing to draw."""
    said = " and no ".join(sorted(names))
    return f"The schema in params.yaml has no {said}: nothing to draw."


def stays(lengths: pd.DataFrame, titles: Titles) -> str:
    """How much of what is added is still held months later, and which product is kept best."""
    totals = lengths.groupby("months")[["at_risk", "dropped"]].sum()
    steps = [step for step in STEPS if step in totals.index and totals["at_risk"][step]]
    if not steps:
        return "No addition could be followed to another month"
    step = steps[min(3, len(steps) - 1)]
    kept = (1 - totals["dropped"] / totals["at_risk"]).cumprod()[step]
    later = f"{step} month{'s' if step > 1 else ''} later"
    said = f"Of what is added, {percent(kept)} is still held {later}"
    table = lengths[(lengths["months"] == step) & (lengths["at_risk"] >= FEW)]
    if len(table) < 2:
        return said
    shares = table.set_index("product")["kept"]
    best, worst = _top(shares), _bottom(shares)
    return (
        f"{said}: {percent(shares[best])} of {titles[best]}, "
        f"{percent(shares[worst])} of {titles[worst]}"
    )


def dynamics(products: pd.DataFrame, months: pd.DataFrame, titles: Titles) -> str:
    """Which products gained and lost most customers, in points of their share."""
    shares = usage_shares(products, months)
    change = shares.iloc[-1] - shares.iloc[0]
    parts = []
    for word, product, right in (
        ("gained", _top(change), change.max() > 0),
        ("lost", _bottom(change), change.min() < 0),
    ):
        if right:
            ends = " to ".join(f"{share:.1%}" for share in shares[product].iloc[[0, -1]])
            parts.append(f"{titles[product]} {word} most: from {ends} of the customers")
        else:
            parts.append(f"no product {word}")
    said = "; ".join(parts)
    return said[0].upper() + said[1:]


def usage_shares(products: pd.DataFrame, months: pd.DataFrame) -> pd.DataFrame:
    """Owners as a share of the customers; months down, products across."""
    owners = products.pivot_table(
        index="month", columns="product", values="owners", sort=False
    ).astype(float)
    return owners.div(months.set_index("month")["customers"].astype(float), axis=0)


def adders(table: pd.DataFrame) -> str:
    """How many add something in a month, and which groups least and most."""
    if table.empty:
        return "Nobody was a customer in two months before the test month"
    large = large_groups(table)
    large = large[large["value"] != "unknown"]
    rates = large["adders"] / large["customers"]
    where = large["attribute"] + " is " + large["value"].astype(str)
    least, most = _surely(large["adders"], large["customers"])
    return (
        f"{percent(adder_rate(table))} of the customers add something in a "
        f"month: {percent(rates[least])} where {where[least]}, "
        f"{percent(rates[most])} where {where[most]}"
    )


def adder_rate(table: pd.DataFrame) -> float:
    """Share of all customers who add something in a month; of `who_adds`."""
    one = table[table["attribute"] == table["attribute"].iloc[0]]
    return float(one["adders"].sum() / one["customers"].sum())


def large_groups(table: pd.DataFrame) -> pd.DataFrame:
    """The twelve largest groups of each attribute, without those too small to judge or matter."""
    customers = table["customers"]
    large: pd.DataFrame = table[customers >= max(0.01 * customers.max(), min(FEW, customers.max()))]
    return large[large.groupby("attribute")["customers"].rank(ascending=False) <= 12]


def after(table: pd.DataFrame, titles: Titles) -> str:
    """The pair of products with most additions beyond what all adders would have made."""
    if table.empty:
        return "Nothing was added before the test month"
    large = large_pairs(table)
    expected = large["additions"] / large["lift"]  # 0 / 0 where nobody did: not the most
    top = large.loc[_top((large["additions"] - expected).fillna(-np.inf))]
    return (
        f"Of the adders who held {titles.get(top['held'], top['held'])}, {percent(top['rate'])} "
        f"add {titles[top['product']]}: {top['lift']:.1f} times the share of all adders"
    )


def large_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Pairs of `added_after` with enough adders to be meaningful."""
    large: pd.DataFrame = table[table["adders"] >= min(FEW, table["adders"].max())]
    return large


def intervals(part: pd.Series, whole: pd.Series) -> tuple[NDArray[Any], NDArray[Any]]:
    """95 % intervals of shares part ÷ whole (Wilson, 1927): lower and upper ends."""
    count, total = part.to_numpy(dtype=float), whole.to_numpy(dtype=float)
    z = NormalDist().inv_cdf(0.975)
    middle = (count + z**2 / 2) / (total + z**2)
    half = z / (total + z**2) * np.sqrt(count * (total - count) / total + z**2 / 4)
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def name(month: datetime.date) -> str:
    """'May 2016'."""
    return f"{month:%B %Y}"


def years(low: int) -> str:
    """'20-24', a band of ages."""
    return f"{low}-{low + BAND - 1}"


def _surely(part: pd.Series, whole: pd.Series) -> tuple[Any, Any]:
    """Labels of the smallest and the largest share; small groups must be far out to be either."""
    low, high = intervals(part, whole)
    return _bottom(pd.Series(high, part.index)), _top(pd.Series(low, part.index))


def _top(values: pd.Series) -> Any:
    """Label of the largest value, the first of several."""
    return values.idxmax()


def _bottom(values: pd.Series) -> Any:
    """Label of the smallest value, the first of several."""
    return values.idxmin()

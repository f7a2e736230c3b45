"""eda: who the customers are, what they hold, add and drop; figures, and the tables behind them.

Every table is small: the engine counts rows (13.6 million at full size) and histories, pandas only
arranges the counts. `notebooks/recommendations_EDA.ipynb` is written on the same functions.
"""

import datetime
import json
import operator
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from src import params
from src.drawing import save
from src.engine import connect
from src.errors import run
from src.models.history import MAX_MONTHS
from src.products import eda_figures, paths
from src.products.schema import Schema
from src.reporting import write_csv

_CATEGORIES = ["segment", "active", "sex", "channel"]
_AGES = [20, 30, 40, 50, 60, 70]
_TENURES = [6, 12, 24, 60, 120]  # months
_PATTERN = ["present", "held", "customers"]
_MANY = 6  # products held; more are one group


@dataclass(frozen=True)
class Bank:
    """What clean and split left.

    Attributes
    ----------
    rows : Table
        One clean row per customer and month.
    history : Table
        The same months as bits, one row per customer: see `History`.
    months : list of date
        Those that the bits tell, oldest first; the last is the test month.
    """

    rows: ir.Table
    history: ir.Table
    months: list[datetime.date]
    schema: Schema

    @classmethod
    def open(cls, schema: Schema) -> "Bank":
        """Open the tables; nothing is read until something is counted."""
        windows = json.loads(Path(paths.WINDOWS).read_text(encoding="utf-8"))
        months = [month for name in ("base", "blend", "test") for month in windows[name]]
        connection = connect()
        return cls(
            connection.read_parquet(paths.CLEAN),
            connection.read_parquet(paths.HISTORY),
            [datetime.date.fromisoformat(month) for month in months[-MAX_MONTHS:]],
            schema,
        )

    @property
    def last(self) -> ir.Table:
        """Rows of the last month."""
        return self.rows.filter(self.rows.month == self.months[-1])


def patterns(bank: Bank) -> pd.DataFrame:
    """How many customers share the same months with the bank and the same months with a product.

    A million customers have few distinct histories of one product, so what is told about months
    is counted over these.

    Returns
    -------
    DataFrame
        product, present and held (bits of months), customers.
    """
    history = bank.history
    parts: list[pd.DataFrame] = [
        history.group_by("present", held=history[product])
        .aggregate(customers=history.count())
        .to_pyarrow()
        .to_pandas()
        .assign(product=product)
        for product in bank.schema.products
    ]
    return pd.concat(parts, ignore_index=True)


def by_product(bank: Bank, shared: pd.DataFrame) -> pd.DataFrame:
    """Owners of each product in each month, and who began and who ceased to be one.

    Parameters
    ----------
    shared : DataFrame
        As `patterns` makes it.

    Returns
    -------
    DataFrame
        month, product, owners; added and dropped since the month before, among customers of both;
        returned, those of the additions that bring back what was held earlier. By month and in
        the order of the schema; what needs a month before is missing in the first.
    """
    present, held, customers = (shared[name].to_numpy() for name in _PATTERN)
    earlier, pairs = held >> 1, present & present >> 1
    before = earlier >> 1  # held at any time before the month before
    for shift in (1, 2, 4, 8, 16, 32):
        before |= before >> shift
    added = held & ~earlier & pairs
    events = {
        "owners": held,
        "added": added,
        "returned": added & before,
        "dropped": ~held & earlier & pairs,
    }
    parts = []
    for ago, month in zip(range(len(bank.months))[::-1], bank.months, strict=True):
        counts = {name: (bits >> ago & 1) * customers for name, bits in events.items()}
        table = pd.DataFrame(counts).groupby(shared["product"], sort=False).sum()
        table = table.astype("Int64").reset_index()
        table.insert(0, "month", month)
        parts.append(table)
    table = pd.concat(parts, ignore_index=True)
    table.loc[table["month"] == bank.months[0], ["added", "returned", "dropped"]] = pd.NA
    return table


def by_month(bank: Bank, products: pd.DataFrame) -> pd.DataFrame:
    """Customers and events of each month.

    Parameters
    ----------
    products : DataFrame
        As `by_product` makes it.

    Returns
    -------
    DataFrame
        month, customers, joined and left (against the month before), adders (customers who added
        anything), owned, added, returned and dropped (products over all customers); what needs a
        month before is missing in the first.
    """
    flags = _flags(bank)
    shared = flags.group_by("present", "_adds").aggregate(customers=flags.count()).to_pyarrow()
    present, adds, customers = (shared[name].to_numpy() for name in shared.column_names)
    bits = {
        "customers": present,
        "joined": present & ~(present >> 1),
        "left": ~present & present >> 1,
        "adders": adds,
    }
    agos = np.arange(len(bank.months))[::-1]
    table = pd.DataFrame(
        {name: customers @ (values[:, None] >> agos & 1) for name, values in bits.items()}
    ).astype("Int64")
    table.insert(0, "month", bank.months)
    table.loc[0, ["joined", "left", "adders"]] = pd.NA
    totals = products.groupby("month")[["owners", "added", "returned", "dropped"]].sum(min_count=1)
    return table.join(totals.rename(columns={"owners": "owned"}), on="month")


def portrait(bank: Bank) -> pd.DataFrame:
    """Customers of the last month by age (years), sex and activity, as far as the schema has them.

    Columns age, sex, active, customers.
    """
    rows = bank.last
    keys: dict[str, ir.Value] = {}
    if "age" in bank.schema.numeric:
        keys["age"] = rows.age.floor().cast("int64")
    keys |= {name: rows[name] for name in ("sex", "active") if name in bank.schema.categorical}
    table: pd.DataFrame
    table = rows.aggregate(by=keys, customers=rows.count()).to_pyarrow().to_pandas()
    return table.sort_values(list(keys), ignore_index=True) if keys else table


def length_of_use(bank: Bank, shared: pd.DataFrame) -> pd.DataFrame:
    """How long products are held, and how long those that are added stay.

    Parameters
    ----------
    shared : DataFrame
        As `patterns` makes it.

    Returns
    -------
    DataFrame
        product, months (1, 2, …); customers who held it for so many months in all, and always:
        those of them who held it in every month that the bank knew them. Then, of the additions:
        at_risk, still held one month earlier and looked at again so many months later; dropped, no
        longer held then; kept, the share that is held at least so many months after the addition
        (Kaplan and Meier, 1958: a customer who leaves or whose months end is no drop).
    """
    present, held, customers = (shared[name].to_numpy() for name in _PATTERN)
    months = np.bitwise_count(held)
    alive = held & ~(held >> 1) & present & present >> 1
    parts = []
    for after in range(1, len(bank.months) + 1):
        seen = alive >> 1 & present  # the same runs one month later; those of the last month end
        alive = seen & held
        counts = {
            "customers": (months == after) * customers,
            "always": ((months == after) & (held == present)) * customers,
            "at_risk": np.bitwise_count(seen) * customers,
            "dropped": np.bitwise_count(seen & ~held) * customers,
        }
        table = pd.DataFrame(counts).groupby(shared["product"], sort=False).sum().reset_index()
        table.insert(1, "months", after)
        parts.append(table)
    table = pd.concat(parts, ignore_index=True)
    stays = 1 - table["dropped"] / table["at_risk"]  # 0 / 0 is missing, and stays so
    table["kept"] = stays.groupby(table["product"]).cumprod(skipna=False)
    return table


def who_adds(bank: Bank) -> pd.DataFrame:
    """Which customers add something in the following month, by what is known of them.

    The test month is left out.

    Returns
    -------
    DataFrame
        attribute, value, customers (counted once a month, if also there in the month that
        follows) and adders (those of them who add anything in it); bands in their order,
        categories by size.
    """
    length = len(bank.months)
    following = [(month, 1 << length - 2 - place) for place, month in enumerate(bank.months[:-2])]
    known = bank.rows.filter(bank.rows.month.isin([month for month, _ in following]))
    joined = known.join(_flags(bank), "customer")
    bit = joined.month.cases(*following, else_=0).cast("int64")
    asked = joined.mutate(_adds=(joined["_adds"] & bit) != 0).filter((joined.present & bit) != 0)
    attributes = _attributes(asked, bank.schema)
    keys = {name: value for name, (value, _) in attributes.items()}
    counts = asked.group_by(**keys).aggregate(customers=asked.count(), adders=asked["_adds"].sum())
    cube: pd.DataFrame = counts.to_pyarrow().to_pandas()  # one pass over the rows for all
    parts = []
    for name, (_, labels) in attributes.items():
        table = cube.groupby(name)[["customers", "adders"]].sum().reset_index(names="value")
        if labels:
            table["value"] = [labels[int(code)] for code in table["value"]]
        else:
            table = table.sort_values("customers", ascending=False, kind="stable")
        table.insert(0, "attribute", name)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _attributes(rows: ir.Table, schema: Schema) -> dict[str, tuple[ir.Value, list[str]]]:
    """What `who_adds` counts by: an expression, and what its codes mean where it has codes."""
    found: dict[str, tuple[ir.Value, list[str]]] = {}
    held = _fold(operator.add, [rows[product].cast("int64") for product in schema.products])
    counts = [str(count) for count in range(_MANY)]
    found["products held"] = held.clip(upper=_MANY), [*counts, f"{_MANY} or more"]
    if "age" in schema.numeric:
        between = [f"{low}-{high - 1}" for low, high in pairwise(_AGES)]
        labels = [f"under {_AGES[0]}", *between, f"{_AGES[-1]} and over"]
        found["age"] = _band(rows.age, _AGES), labels
    if "tenure" in schema.numeric:
        labels = ["under ½", "½-1", "1-2", "2-5", "5-10", "10 and over"]
        found["years with the bank"] = _band(rows.tenure, _TENURES), labels
    for name in _CATEGORIES:
        if name in schema.categorical:
            found[name] = rows[name], []
    return found


def _band(column: ir.Value, edges: list[int]) -> ir.Value:
    """How many edges the number has reached."""
    return _fold(operator.add, [(column >= edge).cast("int64") for edge in edges])


def added_after(bank: Bank) -> pd.DataFrame:
    """What adders add, by what they held in the month before; the test month is left out.

    Returns
    -------
    DataFrame
        held (a product, or "nothing"), product, adders (who held the one and not the other),
        additions (of the other by them), rate = additions ÷ adders, and lift = that rate ÷ the
        rate of all adders who did not hold `product`. Products that nobody added are left out,
        and so are pairs without adders.
    """
    products = list(bank.schema.products)
    flags = _flags(bank, *products)
    found = flags.filter(flags["_adds"] != 0).to_pyarrow()
    adds = found["_adds"].to_numpy()
    bits = np.column_stack([found[product].to_numpy() for product in products])
    adders, additions = np.zeros((2, len(products) + 2, len(products)))  # sums of ones are exact
    for ago in range(1, len(bank.months) - 1):
        own = bits[(adds >> ago & 1) == 1]
        before = (own >> ago + 1 & 1).astype(np.float64)
        without = 1 - before
        nothing, everybody = ~before.any(axis=1, keepdims=True), np.ones((len(own), 1))
        groups = np.hstack([before, nothing, everybody]).T
        adders += groups @ without
        additions += groups @ ((own >> ago & 1) * without)
    everybody = additions[-1] / np.maximum(adders[-1], 1)
    held, added = np.nonzero((adders[:-1] > 0) & (additions[-1] > 0))
    table = pd.DataFrame(
        {
            "held": np.array([*products, "nothing"])[held],
            "product": np.array(products)[added],
            "adders": adders[held, added].astype(np.int64),
            "additions": additions[held, added].astype(np.int64),
        }
    )
    table["rate"] = table["additions"] / table["adders"]
    table["lift"] = table["rate"] / everybody[added]
    return table


def _flags(bank: Bank, *others: str) -> ir.Table:
    """Each customer's months, and _adds: the months in which anything was added, both as bits."""
    history = bank.history
    pairs = history.present & (history.present >> 1)
    # Not `held & ~earlier`: Ibis 12 drops the parentheses, and the engine reads from the left.
    added = [
        (history[product] & pairs) ^ (history[product] & (history[product] >> 1) & pairs)
        for product in bank.schema.products
    ]
    return history.select("customer", "present", *others, _adds=_fold(operator.or_, added))


def _fold(operation: Callable[[ir.Value, ir.Value], ir.Value], values: list[ir.Value]) -> ir.Value:
    """Combine values two by two: a chain of 1,000 products would be nested too deep."""
    while len(values) > 1:
        odd = values[len(values) // 2 * 2 :]
        pairs = zip(values[::2], values[1::2], strict=False)
        values = [operation(left, right) for left, right in pairs] + odd
    return values[0]


def main() -> None:
    """Run the stage as params.yaml says."""
    bank = Bank.open(params.load("schema", Schema))
    shared = patterns(bank)
    products = by_product(bank, shared)
    months = by_month(bank, products)
    customers = portrait(bank)
    lengths = length_of_use(bank, shared)
    adders = who_adds(bank)
    after = added_after(bank)
    write_csv(paths.EDA_MONTHS, months)
    write_csv(paths.EDA_PRODUCTS, products)
    write_csv(paths.EDA_CUSTOMERS, customers)
    write_csv(paths.EDA_LENGTHS, lengths)
    write_csv(paths.EDA_WHO_ADDS, adders)
    write_csv(paths.EDA_ADDED_AFTER, after)
    titles = {name: title.en for name, title in bank.schema.products.items()}
    save(paths.EDA_MONTHS_PNG, eda_figures.months(months))
    save(paths.EDA_POPULARITY_PNG, eda_figures.popularity(products, months, titles))
    save(paths.EDA_AGE_SEX_PNG, eda_figures.age_and_sex(customers))
    save(paths.EDA_ACTIVITY_PNG, eda_figures.activity(customers))
    save(paths.EDA_LENGTHS_PNG, eda_figures.length_of_use(lengths, titles))
    save(paths.EDA_SHARES_PNG, eda_figures.usage_shares(products, months, titles))
    save(paths.EDA_WHO_ADDS_PNG, eda_figures.who_adds(adders))
    save(paths.EDA_ADDED_AFTER_PNG, eda_figures.added_after(after, titles))


if __name__ == "__main__":
    run(main)

"""Products and customers month by month, and how long products are held.

Every table is small: the engine counts histories, NumPy and pandas arrange the counts.
"""

import numpy as np
import pandas as pd

from src.eda.tables import EdaTables, with_adds
from src.models.history import added, bit, dropped, with_predecessor

_PATTERN = ["present", "held", "customers"]


def patterns(tables: EdaTables) -> pd.DataFrame:
    """How many customers share the same months with the bank and the same months with a product.

    A million customers have few distinct histories of one product, so what is said about months
    is counted over these.

    Returns
    -------
    DataFrame
        product, present and held (bits of months), customers.
    """
    history = tables.history
    parts: list[pd.DataFrame] = [
        tables.collect(
            history.group_by("present", held=history[product]).aggregate(customers=history.count())
        ).assign(product=product)
        for product in tables.schema.products
    ]
    return pd.concat(parts, ignore_index=True)


def by_product(tables: EdaTables, shared: pd.DataFrame) -> pd.DataFrame:
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
    pairs = with_predecessor(present)
    before = held >> 2  # held at any time before the month before
    for shift in (1, 2, 4, 8, 16, 32):
        before |= before >> shift
    additions = added(held, pairs)
    events = {
        "owners": held,
        "added": additions,
        "returned": additions & before,
        "dropped": dropped(held, pairs),
    }
    parts = []
    for month in tables.months:
        lag = tables.lag(month)
        counts = {name: bit(bits, lag) * customers for name, bits in events.items()}
        table = pd.DataFrame(counts).groupby(shared["product"], sort=False).sum()
        table = table.astype("Int64").reset_index()
        table.insert(0, "month", month)
        parts.append(table)
    table = pd.concat(parts, ignore_index=True)
    table.loc[table["month"] == tables.months[0], ["added", "returned", "dropped"]] = pd.NA
    return table


def by_month(tables: EdaTables, products: pd.DataFrame) -> pd.DataFrame:
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
    flags = with_adds(tables)
    shared = tables.collect(flags.group_by("present", "_adds").aggregate(customers=flags.count()))
    present, adds, customers = (shared[name].to_numpy() for name in shared)
    bits = {
        "customers": present,
        "joined": present & ~(present >> 1),
        "left": ~present & present >> 1,
        "adders": adds,
    }
    lags = np.array([tables.lag(month) for month in tables.months])
    table = pd.DataFrame(
        {name: customers @ bit(values[:, None], lags) for name, values in bits.items()}
    ).astype("Int64")
    table.insert(0, "month", tables.months)
    table.loc[0, ["joined", "left", "adders"]] = pd.NA
    totals = products.groupby("month")[["owners", "added", "returned", "dropped"]].sum(min_count=1)
    return table.join(totals.rename(columns={"owners": "owned"}), on="month")


def length_of_use(tables: EdaTables, shared: pd.DataFrame) -> pd.DataFrame:
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
    alive = added(held, with_predecessor(present))
    parts = []
    for after in range(1, len(tables.months) + 1):
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

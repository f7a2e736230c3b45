"""Products and customers month by month, and how long products are held.

Every table is small: the engine counts histories, NumPy and pandas arrange the counts.
"""

import numpy as np
import pandas as pd

from src.eda.bank import Bank, with_adds

_PATTERN = ["present", "held", "customers"]


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
    flags = with_adds(bank)
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

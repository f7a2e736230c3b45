"""What each customer held in which month, as bits; and what can be told from it.

A row per customer, an int64 per product: bit 0 says whether the product was held in the last known
month, bit 1 in the month before it, and so on. Seventeen months of a million customers and 24
products fit in 190 MB, every lag is a shift, every count a popcount. And a history *before* a month
is the same integers shifted to the right: the month itself and all later ones are gone, so nothing
that is computed from it can have seen them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

MAX_MONTHS = 62  # of int64: the sign and one bit stay free

Bits = NDArray[np.int64]
Ids = NDArray[np.int64] | NDArray[np.object_]


@dataclass(frozen=True)
class History:
    """Months as bits, bit 0 the last known month.

    Attributes
    ----------
    customers : array, shape (customers,)
        Ids, ascending.
    present : int64 array, shape (customers,)
        Months in which the bank knew the customer.
    active : int64 array, shape (customers,)
        Months in which the customer was active; 0 where the data do not tell.
    held : int64 array, shape (customers, products)
        Months in which the customer held the product.
    """

    customers: Ids
    present: Bits
    active: Bits
    held: Bits

    @classmethod
    def read(cls, path: str | Path, products: list[str]) -> "History":
        """Read the table that split wrote."""
        table = pq.read_table(path)
        present = table["present"].to_numpy()
        has_active = "was_active" in table.column_names
        return cls(
            customers=table["customer"].to_numpy(),
            present=present,
            active=table["was_active"].to_numpy() if has_active else np.zeros_like(present),
            held=np.column_stack([table[product].to_numpy() for product in products]),
        )

    def before(self, months_ago: int) -> "History":
        """What was known before the month that lies `months_ago` back (1: the last month)."""
        return History(
            self.customers,
            self.present >> months_ago,
            self.active >> months_ago,
            self.held >> months_ago,
        )

    def recent(self, months: int) -> "History":
        """Forget everything but the last `months` known months."""
        window = np.int64((1 << min(months, MAX_MONTHS)) - 1)
        return History(
            self.customers, self.present & window, self.active & window, self.held & window
        )

    def of(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "History":
        """Select the history of some customers."""
        return History(self.customers[rows], self.present[rows], self.active[rows], self.held[rows])

    @classmethod
    def stack(cls, parts: list["History"]) -> "History":
        """Put histories below each other."""
        return cls(
            np.concatenate([part.customers for part in parts]),
            np.concatenate([part.present for part in parts]),
            np.concatenate([part.active for part in parts]),
            np.concatenate([part.held for part in parts]),
        )

    def holdings(self, lag: int = 1) -> NDArray[np.bool_]:
        """Whether each product was held `lag` months before now; (customers, products)."""
        return (self.held >> (lag - 1) & 1).astype(bool)

    def known(self, lag: int = 1) -> NDArray[np.bool_]:
        """Whether the customer was in the data `lag` months before now; (customers,)."""
        return (self.present >> (lag - 1) & 1).astype(bool)

    def additions(self) -> NDArray[np.bool_]:
        """Products added in the last month: held in it, not in the one before, present in both."""
        both = self.known(1) & self.known(2)
        return self.holdings(1) & ~self.holdings(2) & both[:, None]

    def usage_share(self) -> NDArray[np.float32]:
        """Longest unbroken run of months held ÷ months in the data; (customers, products)."""
        longest = np.zeros(self.held.shape, dtype=np.int8)
        run = self.held.copy()
        while run.any():
            longest += run != 0
            run &= run >> 1
        months = np.maximum(np.bitwise_count(self.present), 1)
        return np.divide(longest, months[:, None], dtype=np.float32)


def history_features(
    history: History, products: Sequence[str], lags: Sequence[int]
) -> dict[str, NDArray[np.float32]]:
    """Describe each customer's history up to now.

    Parameters
    ----------
    history : History
        As known before the month to be predicted.
    products : sequence of str
        Names of the columns of `history.held`.
    lags : sequence of int
        Months back at which holdings are told one by one; 1 is the last known month.

    Returns
    -------
    dict of name -> float32 array, shape (customers,)
        Per product: held at each lag; months since it was last added and last dropped (NaN: never
        seen); how often it was added (0→1), dropped (1→0), kept (1→1) and not held (0→0) from one
        month to the next. Over all products: portfolio size at each lag, months since the last
        addition and drop, number of additions and drops, months in the data, activity.
    """
    features: dict[str, NDArray[np.float32]] = {}
    pairs = (history.present & history.present >> 1)[:, None]  # months whose predecessor is known
    held, earlier = history.held, history.held >> 1
    added = held & ~earlier & pairs
    dropped = ~held & earlier & pairs
    for lag in lags:
        known = history.known(lag)
        owned = history.holdings(lag).astype(np.float32)
        owned[~known] = np.nan
        features |= _by_product(f"held_lag{lag}", products, owned)
        features[f"portfolio_lag{lag}"] = owned.sum(axis=1)
        active = (history.active >> (lag - 1) & 1).astype(np.float32)
        active[~known] = np.nan
        features[f"active_lag{lag}"] = active
    features |= _by_product("months_since_added", products, _months_since(added))
    features |= _by_product("months_since_dropped", products, _months_since(dropped))
    for name, transitions in {
        "times_added": added,
        "times_dropped": dropped,
        "months_kept": held & earlier & pairs,
        "months_without": ~held & ~earlier & pairs,
    }.items():
        features |= _by_product(name, products, np.bitwise_count(transitions).astype(np.float32))
    any_added = np.bitwise_or.reduce(added, axis=1)
    any_dropped = np.bitwise_or.reduce(dropped, axis=1)
    features["months_since_any_added"] = _months_since(any_added)
    features["months_since_any_dropped"] = _months_since(any_dropped)
    features["additions_so_far"] = np.bitwise_count(added).sum(axis=1, dtype=np.float32)
    features["drops_so_far"] = np.bitwise_count(dropped).sum(axis=1, dtype=np.float32)
    months = np.bitwise_count(history.present).astype(np.float32)
    features["months_in_data"] = months
    active_months = np.bitwise_count(history.active).astype(np.float32)
    features["active_share"] = np.divide(active_months, np.maximum(months, 1), dtype=np.float32)
    return features


def _by_product(
    name: str, products: Sequence[str], values: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    return {f"{name}:{product}": values[:, index] for index, product in enumerate(products)}


def _months_since(bits: Bits) -> NDArray[np.float32]:
    """Months from the lowest set bit to the month to be predicted (bit 0: 1); NaN without one."""
    lowest = np.bitwise_count((bits & -bits) - 1).astype(np.float32) + 1
    return np.where(bits == 0, np.float32(np.nan), lowest)

"""What each customer held in which month, as bits.

A row per customer, an int64 per product: bit 0 says whether the product was held in the last known
month, bit 1 in the calendar month before it, and so on. Seventeen months of a million customers and
24 products fit in 190 MB, every lag is a shift, every count a popcount. And a history *before* a
month is the same integers shifted to the right: the month itself and all later ones are gone, so
nothing that is computed from it can have seen them.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.parts import read_table
from src.tables.months import Month, Months, months_from

MAX_MONTHS = 62  # of int64: the sign and one bit stay free

Bits = NDArray[np.int64]
Ids = NDArray[np.int64] | NDArray[np.object_]


# These read and combine months as bits: of NumPy arrays, and as well of columns of a table engine.
# (Without ~, which Ibis writes without the parentheses that it needs.)


def bit(months: Any, lag: Any) -> Any:
    """1 where the month `lag` months back is set, else 0; lag 1 is the last known month."""
    return (months >> (lag - 1)) & 1


def with_predecessor(present: Any) -> Any:
    """Months in which a customer was in the data, and in the calendar month before as well."""
    return present & (present >> 1)


def added(held: Any, pairs: Any) -> Any:
    """Months of an addition: held, not held in the month before, customer present in both.

    Parameters
    ----------
    held : months as bits
    pairs : months as bits
        As `with_predecessor` makes them.
    """
    return (held & pairs) ^ (held & (held >> 1) & pairs)


def dropped(held: Any, pairs: Any) -> Any:
    """Months of a drop: not held, held in the month before, customer present in both."""
    return ((held >> 1) & pairs) ^ (held & (held >> 1) & pairs)


@dataclass(frozen=True)
class History:
    """Months as bits, bit 0 the last known month.

    Attributes
    ----------
    customers : array, shape (customers,)
        Ids, ascending.
    last : datetime64[M] array, shape (customers,)
        The month of bit 0.
    present : int64 array, shape (customers,)
        Months in which the bank knew the customer.
    active : int64 array, shape (customers,)
        Months in which the customer was active; 0 if the data do not say.
    held : int64 array, shape (customers, products)
        Months in which the customer held the product.
    """

    customers: Ids
    last: Months
    present: Bits
    active: Bits
    held: Bits

    @classmethod
    def read(cls, path: str | Path, products: list[str], last: Month) -> "History":
        """Read the table that split wrote; `last` is the month of its bit 0."""
        table = read_table(path)
        present = table["present"].to_numpy()
        has_active = "was_active" in table.column_names
        return cls(
            customers=table["customer"].to_numpy(),
            last=np.broadcast_to(last, len(present)),
            present=present,
            active=table["was_active"].to_numpy() if has_active else np.zeros_like(present),
            held=np.column_stack([table[product].to_numpy() for product in products]),
        )

    @property
    def asked(self) -> Months:
        """The month after the last known one: what customers are asked about."""
        return self.last + 1

    def before(self, month: Month) -> "History":
        """What was known before a month.

        Raises
        ------
        ValueError
            The months up to it are not known, or the customers' last months differ.
        """
        last = self.last[0] if len(self.last) else month
        forgotten = months_from(month, last) + 1
        if forgotten < 0 or (self.last != last).any():
            raise ValueError(f"what was known before {month} cannot be derived from {last}")
        return History(
            self.customers,
            np.broadcast_to(month - 1, len(self.last)),
            self.present >> forgotten,
            self.active >> forgotten,
            self.held >> forgotten,
        )

    def recent(self, months: int) -> "History":
        """Forget everything but the last `months` known months."""
        window = np.int64((1 << min(months, MAX_MONTHS)) - 1)
        return History(
            self.customers,
            self.last,
            self.present & window,
            self.active & window,
            self.held & window,
        )

    def of(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "History":
        """Select the history of some customers."""
        return History(
            self.customers[rows],
            self.last[rows],
            self.present[rows],
            self.active[rows],
            self.held[rows],
        )

    @classmethod
    def stack(cls, parts: list["History"]) -> "History":
        """Put histories below each other."""
        return cls(
            np.concatenate([part.customers for part in parts]),
            np.concatenate([part.last for part in parts]),
            np.concatenate([part.present for part in parts]),
            np.concatenate([part.active for part in parts]),
            np.concatenate([part.held for part in parts]),
        )

    def holdings(self, lag: int = 1) -> NDArray[np.bool_]:
        """Whether each product was held `lag` months before now; (customers, products)."""
        return np.asarray(bit(self.held, lag), dtype=bool)

    def known(self, lag: int = 1) -> NDArray[np.bool_]:
        """Whether the customer was in the data `lag` months before now; (customers,)."""
        return np.asarray(bit(self.present, lag), dtype=bool)

    def additions(self) -> NDArray[np.bool_]:
        """Products added in the last known month; (customers, products)."""
        # Two months fit in a byte, which is an eighth of the memory to go through.
        held, present = self.held.astype(np.int8) & 3, self.present.astype(np.int8) & 3
        pairs = with_predecessor(present)[:, None]
        return np.asarray(bit(added(held, pairs), 1), dtype=bool)

    def usage_share(self) -> NDArray[np.float32]:
        """Longest unbroken run of months held ÷ months in the data; (customers, products)."""
        longest = np.zeros(self.held.shape, dtype=np.int8)
        run = self.held.copy()
        while run.any():
            longest += run != 0
            run &= run >> 1
        months = np.maximum(np.bitwise_count(self.present), 1)
        return np.divide(longest, months[:, None], dtype=np.float32)

"""What is known at the start of a day about every operation: a client and a provider they paid.

Nothing in a snapshot has seen the day itself or a later one.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from src.payments.payments import Payments

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


def by_operation(payments: Payments) -> Payments:
    """Sort payments by client, provider and day, as a snapshot takes them."""
    return payments.of(np.lexsort([payments.day, payments.provider, payments.client]))


class Snapshot:
    """The payments of a look-back window, and the operations in it.

    Parameters
    ----------
    payments : Payments
        Sorted by `by_operation`.
    cutoff : int
        The day that is asked about, in days since 1970-01-01.
    lookback_days : int
        Length of the window that ends the day before.
    horizon : int
        How many days, from `cutoff` on, a repetition may take.

    Attributes
    ----------
    window : Payments
        All payments of the window, of unknown providers too.
    paid : Payments
        Those of known providers.
    starts : int array, shape (operations,)
        First row in `paid` of each operation.
    client, provider : int array, shape (operations,)
        Their codes; operations are sorted by them.
    """

    def __init__(
        self, payments: Payments, cutoff: int, lookback_days: int, horizon: int = 1
    ) -> None:
        self.cutoff = cutoff
        self.horizon = horizon
        self.lookback_days = lookback_days
        self.window = payments.between(cutoff - lookback_days, cutoff)
        self.paid = self.window.of(self.window.provider >= 0)
        self.starts = np.flatnonzero(new_pairs(self.paid))
        self.client = self.paid.client[self.starts].astype(np.intp)
        self.provider = self.paid.provider[self.starts].astype(np.intp)

    def __len__(self) -> int:
        """Return the number of operations."""
        return len(self.starts)

    @cached_property
    def operation(self) -> Integers:
        """Index of the operation that each row of `paid` belongs to."""
        sizes = np.diff(self.starts, append=len(self.paid))
        return np.repeat(np.arange(len(self)), sizes)

    @cached_property
    def ends(self) -> Integers:
        """Last row in `paid` of each operation."""
        return self.starts + np.diff(self.starts, append=len(self.paid)) - 1

    @cached_property
    def age(self) -> Floats:
        """Days from each row of `paid` to the cut-off: 1 is the day before."""
        return (self.cutoff - self.paid.day).astype(np.float64)

    @cached_property
    def window_age(self) -> Floats:
        """The same for each row of `window`."""
        return (self.cutoff - self.window.day).astype(np.float64)

    def of_operation(self, values: Floats | NDArray[np.bool_]) -> Floats:
        """Sum values of the rows of `paid` over each operation."""
        return np.asarray(np.bincount(self.operation, values, len(self)), dtype=np.float64)

    def of_client(self, values: Floats | NDArray[np.bool_]) -> Floats:
        """Sum values of the rows of `window` over the operation's client."""
        sums = np.bincount(self.window.client, values, len(self.window.clients))
        return np.asarray(sums[self.client], dtype=np.float64)

    def within_client(self, values: Floats) -> Floats:
        """Sum values of the operations over all operations of the same client."""
        sums = np.bincount(self.client, values, len(self.paid.clients))
        return np.asarray(sums[self.client], dtype=np.float64)

    def rank(self, values: Floats) -> Floats:
        """Rank of each operation within its client, 1 for the highest value; ties by provider."""
        order = np.lexsort([self.provider, -values, self.client])
        first = np.r_[True, np.diff(self.client[order]) != 0][: len(order)]
        begins = np.flatnonzero(first)
        sizes = np.diff(begins, append=len(order))
        ranks = np.empty(len(order))
        ranks[order] = np.arange(len(order)) - np.repeat(begins, sizes) + 1
        return ranks

    @cached_property
    def visits(self) -> Integers:
        """Rows of `paid` that are the first of their operation's day."""
        same_day = (np.diff(self.operation, prepend=-1) == 0) & (
            np.diff(self.paid.day, prepend=-1) == 0
        )
        return np.flatnonzero(~same_day)

    @cached_property
    def gaps(self) -> "Gaps":
        """Days between the payment days of each operation that follow each other."""
        operation, day = self.operation[self.visits], self.paid.day[self.visits]
        same = np.flatnonzero(np.diff(operation) == 0)
        days = (day[same + 1] - day[same]).astype(np.float64)
        return Gaps(operation[same], days, len(self))

    @cached_property
    def elapsed(self) -> Floats:
        """Days since the operation's last payment; 1 if that was the day before."""
        return self.age[self.ends]

    @cached_property
    def last_amount(self) -> Floats:
        """Amount of the operation's last payment."""
        return self.paid.amount[self.ends]


def client_days(window: Payments, cutoff: int, lookback_days: int) -> tuple[Integers, Integers]:
    """Client and day of every day on which a client paid, sorted; day 0 is the window's first."""
    width = np.int64(lookback_days)
    paid = np.zeros(len(window.clients) * width, dtype=bool)
    paid[window.client * width + (window.day - (cutoff - lookback_days))] = True
    client, day = np.divmod(np.flatnonzero(paid), width)
    return client, day


def new_pairs(payments: Payments) -> NDArray[np.bool_]:
    """Whether each row is the first of its client and provider, if they are sorted by them."""
    before = np.diff(payments.client, prepend=-1), np.diff(payments.provider, prepend=-2)
    return np.asarray((before[0] != 0) | (before[1] != 0))


@dataclass(frozen=True)
class Gaps:
    """Days between payments, by operation and in their order.

    Attributes
    ----------
    operation : int array, shape (gaps,)
    days : float array, shape (gaps,)
        At least 1.
    operations : int
        How many there are, those without a gap included.
    """

    operation: Integers
    days: Floats
    operations: int

    def sums(self, values: Floats | NDArray[np.bool_]) -> Floats:
        """Sum a value per gap over each operation."""
        return np.asarray(np.bincount(self.operation, values, self.operations), dtype=np.float64)

    @cached_property
    def count(self) -> Floats:
        """Gaps of each operation."""
        return self.sums(np.ones(len(self.days)))

    @cached_property
    def mean(self) -> Floats:
        """Mean gap; NaN without one."""
        return divided(self.sums(self.days), self.count)

    @cached_property
    def spread(self) -> Floats:
        """Standard deviation of the gaps; NaN where there are fewer than two."""
        around = (self.days - self.mean[self.operation]) ** 2
        return np.where(self.count > 1, np.sqrt(divided(self.sums(around), self.count)), np.nan)

    @cached_property
    def median(self) -> Floats:
        """Median gap, the lower one of two; NaN without one."""
        order = np.lexsort([self.days, self.operation])
        starts = np.cumsum(self.count) - self.count
        middle = (starts + (self.count - 1) // 2).astype(np.intp)
        has = self.count > 0
        medians = np.full(self.operations, np.nan)
        medians[has] = self.days[order][middle[has]]
        return medians

    @cached_property
    def last(self) -> Floats:
        """The latest gap; NaN without one."""
        latest = np.full(self.operations, np.nan)
        latest[self.operation] = self.days  # the last assignment stays
        return latest


def divided(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient; NaN where the denominator is 0."""
    nothing = np.full(len(numerator), np.nan)
    return np.asarray(np.divide(numerator, denominator, out=nothing, where=denominator != 0))

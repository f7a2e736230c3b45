"""Whom to contact about what, and by which channel: the problem, without names or files.

To contact customer *i* about product *p* by channel *k* brings ``chance[i, p] * worth[p] -
cost[p, k]`` on average. Limits count contacts: of a customer, in all, about a product, by a
channel. Neither costs nor limits of a channel depend on the customer, so contacts flow from
customers over products and channels into one total: a minimum-cost flow, whose linear programme
has an optimum in whole numbers (Ahuja, Magnanti and Orlin, Network Flows, 1993, chapter 9).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Limits:
    """Numbers of contacts. What has no limit has one that cannot be reached.

    Attributes
    ----------
    each, total : int
        At most so many contacts of a customer, and in all.
    most, least : int array, shape (products,)
    channel_most, channel_least : int array, shape (channels,)
    """

    each: int
    total: int
    most: Counts
    least: Counts
    channel_most: Counts
    channel_least: Counts


@dataclass(frozen=True)
class Problem:
    """What may be offered to whom, what it brings, and the limits.

    Attributes
    ----------
    chances : float32 array, shape (customers, products)
        0 where a product must not be offered.
    worth : float array, shape (products,)
        Of one addition.
    costs : float array, shape (products, channels)
        Of one contact; infinity where a channel does not carry a product.
    limits : Limits
    """

    chances: NDArray[np.float32]
    worth: Floats
    costs: Floats
    limits: Limits

    @property
    def penalty(self) -> float:
        """What a contact that a minimum lacks is charged with.

        More than it can cost to make room for it: one contact moves at each limit on the way.
        """
        dearest = self.costs[np.isfinite(self.costs)].max(initial=0)
        return float((sum(self.costs.shape) + 2) * max(self.worth.max(initial=0) + dearest, 1))

    def gains(
        self, rows: slice | Rows = slice(None), dtype: type[np.floating] = np.float64
    ) -> NDArray[np.floating]:
        """Expected value of a contact before its cost; minus infinity where none is possible.

        Returns
        -------
        float array, shape (products, customers)
            What belongs to a product lies side by side, as the search for the best wants it.
        """
        chosen = self.chances[rows]
        gains = np.full(chosen.shape[::-1], -np.inf, dtype=dtype)
        possible = np.isfinite(self.costs).any(axis=1) & (self.limits.most > 0)
        for product in np.flatnonzero(possible):
            own = chosen[:, product]
            np.multiply(own, dtype(self.worth[product]), out=gains[product], where=own > 0)
        return gains

    def scaled(self) -> tuple["Problem", float]:
        """The same in a unit of money in which HiGHS' tolerances mean nothing; and the unit.

        A power of two, so that not a bit of a value changes.
        """
        largest = self.worth.max(initial=0)
        unit = float(2.0 ** np.round(np.log2(largest / 1000))) if largest > 0 else 1.0
        return replace(self, worth=self.worth / unit, costs=self.costs / unit), unit

    def with_total(self, total: int) -> "Problem":
        """The same with another capacity in all."""
        return replace(self, limits=replace(self.limits, total=total))


@dataclass(frozen=True)
class Prices:
    """One price per limit: what one more contact would bring.

    Attributes
    ----------
    total : float
    products, channels : float arrays
        Negative where a minimum asks for contacts that do not pay.
    """

    total: float
    products: Floats
    channels: Floats

    def of_contacts(self, costs: Floats) -> Floats:
        """Cost and prices of a contact about each product, by its cheapest channel; (products,)."""
        return np.asarray((costs + self.channels).min(axis=1) + self.products + self.total)

    def of_limits(self, limits: Limits) -> float:
        """What all limits together are worth at these prices."""
        worth = self.total * limits.total
        for prices, most, least in (
            (self.products, limits.most, limits.least),
            (self.channels, limits.channel_most, limits.channel_least),
        ):
            worth += float((np.maximum(prices, 0) * most + np.minimum(prices, 0) * least).sum())
        return worth

    def towards(self, other: "Prices", share: float) -> "Prices":
        """Prices on the way to others."""
        return Prices(
            self.total + share * (other.total - self.total),
            self.products + share * (other.products - self.products),
            self.channels + share * (other.channels - self.channels),
        )


@dataclass(frozen=True)
class Contacts:
    """Customers by row, products and channels by place; one contact each.

    Attributes
    ----------
    rows, products, channels : int arrays, shape (contacts,)
    """

    rows: Rows
    products: Rows
    channels: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def of(self, places: Rows | NDArray[np.bool_] | slice) -> "Contacts":
        """Select some of them, or order them."""
        return Contacts(self.rows[places], self.products[places], self.channels[places])

    def with_more(self, others: "Contacts") -> "Contacts":
        """Put others behind them."""
        return Contacts(
            np.concatenate([self.rows, others.rows]),
            np.concatenate([self.products, others.products]),
            np.concatenate([self.channels, others.channels]),
        )

    def expected(self, problem: Problem) -> Floats:
        """Expected value of each contact less its cost."""
        chances = problem.chances[self.rows, self.products].astype(np.float64)
        costs = problem.costs[self.products, self.channels]
        return np.asarray(chances * problem.worth[self.products] - costs)

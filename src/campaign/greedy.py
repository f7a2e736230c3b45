"""Take contacts one after the other, as long as every limit has room for them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.campaign.problem import Contacts, Counts, Problem, Rows

_AT_ONCE = 100_000


@dataclass
class Room:
    """How many contacts there is still room for.

    Attributes
    ----------
    customers, products, channels : int arrays
        Of each of them.
    total : int
    routes : list of list of int
        The channels of each product, the cheapest first.
    """

    customers: Counts
    products: Counts
    channels: Counts
    total: int
    routes: list[list[int]]

    @classmethod
    def of(cls, problem: Problem) -> "Room":
        """All limits, no contact yet."""
        limits = problem.limits
        order = np.argsort(problem.costs, axis=1, kind="stable")
        carried = np.isfinite(problem.costs)
        return cls(
            np.full(len(problem.chances), limits.each),
            limits.most.copy(),
            limits.channel_most.copy(),
            limits.total,
            [
                [int(way) for way in ways if carries[way]]
                for ways, carries in zip(order, carried, strict=True)
            ],
        )

    def use(self, contacts: Contacts) -> None:
        """Count contacts that are taken."""
        np.subtract.at(self.customers, contacts.rows, 1)
        np.subtract.at(self.products, contacts.products, 1)
        np.subtract.at(self.channels, contacts.channels, 1)
        self.total -= len(contacts)

    def fill(self, rows: Rows, items: Rows, most: int | None = None) -> Contacts:
        """Take pairs of customer and product in this order, each by its cheapest open channel.

        Parameters
        ----------
        rows, items : int arrays, shape (pairs,)
            No pair twice, nor one that is taken.
        most : int, optional
            Take so many at most.
        """
        left = self.total if most is None else min(most, self.total)
        taken: list[tuple[int, int, int]] = []
        for row, item in self._open(rows, items):
            if len(taken) >= left:
                break
            if self.customers[row] < 1 or self.products[item] < 1:
                continue
            way = next((way for way in self.routes[item] if self.channels[way] > 0), None)
            if way is None:
                continue
            taken.append((row, item, way))
            self.customers[row] -= 1
            self.products[item] -= 1
            self.channels[way] -= 1
        self.total -= len(taken)
        return Contacts(*np.array(taken, dtype=np.intp).reshape(-1, 3).T)

    def _open(self, rows: Rows, items: Rows) -> Iterator[tuple[int, int]]:
        """Pairs for which there was room when their batch began."""
        for start in range(0, len(rows), _AT_ONCE):
            own, asked = rows[start : start + _AT_ONCE], items[start : start + _AT_ONCE]
            reached = np.array([any(self.channels[ways] > 0) for ways in self.routes])
            free = (self.customers[own] > 0) & (self.products[asked] > 0) & reached[asked]
            yield from zip(own[free].tolist(), asked[free].tolist(), strict=True)


def by_score(
    problem: Problem, scores: NDArray[np.floating], most: int, generator: np.random.Generator
) -> Contacts:
    """The simple way: the highest scores first, within the maxima.

    Parameters
    ----------
    problem : Problem
        Its minima do not count.
    scores : float array, broadcast to shape (customers, products)
        Equal ones come in random order.
    most : int
        Take so many contacts at most.
    generator : Generator
    """
    rows, items = np.nonzero(problem.chances > 0)
    order = generator.permutation(len(rows))
    rows, items = rows[order], items[order]
    own = np.broadcast_to(scores, problem.chances.shape)[rows, items]
    order = np.argsort(-own, kind="stable")
    return Room.of(problem).fill(rows[order], items[order], most)

"""The dual problem: a price for each limit, at any number of customers.

At given prices every customer takes the contacts that bring more than they cost, and the sum of
these surpluses and of what the limits are worth is never less than what any list of contacts can
bring (weak duality). The lowest such bound is found by cutting planes: a small linear programme
over the prices, with one row for each answer of the customers (Kelley 1960). Its own solutions leap
about, so the customers are asked half way between them and the best prices so far.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import highspy
import numpy as np
from numpy.typing import NDArray

from src.campaign.problem import Counts, Floats, Prices, Problem

_AT_ONCE = 16_384  # customers whose gains stay in the cache
_MOST_QUESTIONS = 300
_HALF = 0.5
_NONE = highspy.kHighsInf


def surplus(gains: NDArray[np.floating], prices: Floats, each: int) -> tuple[float, Counts]:
    """What customers gain at prices of contacts, and how many contacts they take.

    Parameters
    ----------
    gains : float array, shape (products, customers)
        As `Problem.gains` computes them.
    prices : float array, shape (products,)
    each : int
        A customer takes so many at most.

    Returns
    -------
    float
    int array, shape (products,)
    """
    items, customers = gains.shape
    column = prices.astype(gains.dtype)[:, None]

    def answer(start: int) -> tuple[float, Counts]:
        left = gains[:, start : start + _AT_ONCE] - column
        own, taken = 0.0, np.zeros(items, dtype=np.int64)
        for number in range(min(each, items)):
            best = left.argmax(axis=0)[None]
            value = np.take_along_axis(left, best, axis=0)[0]
            pays = value > 0
            if not pays.any():
                break
            own += float(value[pays].sum(dtype=np.float64))
            taken += np.bincount(best[0, pays], minlength=items)
            if number + 1 < each:
                np.put_along_axis(left, best, -np.inf, axis=0)
        return own, taken

    total, counts = 0.0, np.zeros(items, dtype=np.int64)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for own, taken in pool.map(answer, range(0, customers, _AT_ONCE)):
            total, counts = total + own, counts + taken
    return total, counts


def bound(problem: Problem, prices: Prices) -> float:
    """What no list of contacts within the limits can exceed, whatever the prices are."""
    total = prices.of_limits(problem.limits)
    of_contacts = prices.of_contacts(problem.costs)
    for start in range(0, len(problem.chances), _AT_ONCE):
        gains = problem.gains(slice(start, start + _AT_ONCE))
        total += surplus(gains, of_contacts, problem.limits.each)[0]
    return total


def find_prices(problem: Problem, tolerance: float = 1e-6) -> Prices:
    """Prices with the lowest bound.

    Parameters
    ----------
    problem : Problem
    tolerance : float
        By which share of itself the bound may miss the lowest; after 300 questions by more.
    """
    gains = problem.gains(dtype=np.float32)
    each = problem.limits.each
    planes = _CuttingPlanes(problem, gains.max(axis=1, initial=0).astype(np.float64))
    asked = best = planes.solve()[1]
    lowest = np.inf
    for _ in range(_MOST_QUESTIONS):
        of_contacts = planes.reachable(asked.of_contacts(problem.costs))
        own, counts = surplus(gains, of_contacts, each)
        found = own + asked.of_limits(problem.limits)
        if found < lowest:
            lowest, best = found, asked
        planes.add(own, counts, of_contacts)
        least, cheapest = planes.solve()
        if lowest - least <= tolerance * abs(lowest):
            break
        asked = best.towards(cheapest, _HALF)
    return best


class _CuttingPlanes:
    """The linear programme of prices.

    Columns: the surplus of all customers; the price of a contact about each product; the price of
    the total; prices of the products' maxima and minima, and of the channels'. A contact costs at
    most what each of its channels asks for.
    """

    def __init__(self, problem: Problem, largest: Floats) -> None:
        limits, (items, ways) = problem.limits, problem.costs.shape
        self._items, self._ways = items, ways
        self._largest = largest * (1 + 1e-6)  # at a higher price nobody would buy either
        reach = len(problem.chances) * limits.each
        worth = np.concatenate(
            [
                [1.0],
                np.zeros(items),
                [limits.total],
                limits.most,
                -limits.least,
                limits.channel_most,
                -limits.channel_least,
            ]
        )
        highest = problem.penalty * np.concatenate(
            [
                [limits.total < reach],
                limits.most < reach,
                limits.least > 0,
                limits.channel_most < reach,
                limits.channel_least > 0,
            ]
        )
        lower = np.concatenate([[0.0], np.full(items, -_NONE), np.zeros(len(highest))])
        self._highs = new_highs()
        self._highs.addVars(len(worth), lower, np.concatenate([[_NONE], self._largest, highest]))
        places = np.arange(len(worth), dtype=np.int32)
        self._highs.changeColsCost(len(worth), places, worth)
        self._total = 1 + items
        self._products = self._total + 1
        self._channels = self._products + 2 * items
        for item, way in zip(*np.nonzero(np.isfinite(problem.costs)), strict=True):
            columns = [
                1 + item,
                self._total,
                self._products + item,
                self._products + items + item,
                self._channels + way,
                self._channels + ways + way,
            ]
            self._row(-_NONE, problem.costs[item, way], columns, [1, -1, -1, 1, -1, 1])

    def reachable(self, of_contacts: Floats) -> Floats:
        """Prices of contacts within the bounds of the programme; as good, as nobody buys above."""
        return np.minimum(of_contacts, self._largest)

    def add(self, own: float, counts: Counts, of_contacts: Floats) -> None:
        """Learn an answer: at other prices the surplus is at least this plane's."""
        self._row(
            own + float(counts @ of_contacts),
            _NONE,
            list(range(1 + self._items)),
            [1, *counts],
        )

    def solve(self) -> tuple[float, Prices]:
        """The lowest bound that the answers so far leave possible, and its prices."""
        run(self._highs)
        found = np.array(self._highs.getSolution().col_value)
        prices = found[self._products : self._channels].reshape(2, self._items)
        channels = found[self._channels :].reshape(2, self._ways)
        return self._highs.getInfo().objective_function_value, Prices(
            float(found[self._total]), prices[0] - prices[1], channels[0] - channels[1]
        )

    def _row(self, low: float, high: float, columns: list[int], factors: list[float]) -> None:
        self._highs.addRow(
            low,
            high,
            len(columns),
            np.array(columns, dtype=np.int32),
            np.array(factors, dtype=np.float64),
        )


def run(highs: highspy.Highs) -> None:
    """Solve to the optimum.

    Raises
    ------
    ArithmeticError
        HiGHS finds none, which can only be due to numbers of very different sizes.
    """
    highs.run()
    status = highs.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise ArithmeticError(f"HiGHS ends with '{highs.modelStatusToString(status)}'")


class _Silent(highspy.Highs):
    def enableCallbacks(self) -> None:  # noqa: N802 - the first that prints, when it is made
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def new_highs() -> highspy.Highs:
    """A silent HiGHS on one thread, so that it does the same each time."""
    highs: highspy.Highs = _Silent()  # type: ignore[no-untyped-call]
    highs.setOptionValue("threads", 1)
    return highs

"""The linear programme of contacts, and the list that it and the prices give.

Up to a size all customers are in the programme, and its optimum is exact. Beyond it, prices decide
for those who clearly gain, or clearly do not, by a contact; the programme settles the few for whom
it is close, so that no limit is exceeded and none is left unused. Pairs of customer and product
enter it only when its prices ask for them (column generation: Dantzig and Wolfe 1960), so that the
others take no memory; once none is asked for, its optimum is that of all pairs.
"""

from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from src.campaign.greedy import Room
from src.campaign.prices import bound, find_prices, new_highs, run
from src.campaign.problem import Contacts, Counts, Floats, Prices, Problem, Rows

_SETTLED = 5_000  # customers whom the programme settles beyond the size of an exact solution
_PAIRS = 10_000  # in the first programme, beside those that the prices choose
_MORE_PAIRS = 50_000  # that enter at once
_TOLERANCE = 1e-7
_TIED = 1e-4  # a larger gap comes from chances that are the same for many customers
_NOTHING = 2e-4  # of a chance
_FINE = 1e-8  # of the bound
_WHOLE = 1e-6  # so close to a whole number is one
_AT_ONCE = 16_384
_NONE = highspy.kHighsInf


@dataclass(frozen=True)
class Allocation:
    """A list of contacts, and how good it is.

    Attributes
    ----------
    contacts : Contacts
        What brings most comes first.
    value : float
        What they are expected to bring, costs paid.
    bound : float
        What no list within the limits can exceed.
    prices : Prices
    lacking : int array, shape (products,)
    channel_lacking : int array, shape (channels,)
        Contacts that minima ask for, and for which there is no room or nobody.
    """

    contacts: Contacts
    value: float
    bound: float
    prices: Prices
    lacking: Counts
    channel_lacking: Counts

    @property
    def gap(self) -> float:
        """What the best list may bring more, as a share of the bound."""
        return max(self.bound - self.value, 0) / abs(self.bound) if self.bound else 0.0

    @property
    def complete(self) -> bool:
        """Whether all minima are met."""
        return not (self.lacking.any() or self.channel_lacking.any())


def allocate(problem: Problem, exact_up_to: int) -> Allocation:
    """Find the contacts that bring most within the limits.

    Parameters
    ----------
    problem : Problem
    exact_up_to : int
        With more customers than this, the list may miss the best one by `Allocation.gap`.
    """
    scaled, unit = problem.scaled()
    found = _allocated(scaled, exact_up_to)
    prices = Prices(
        found.prices.total * unit, found.prices.products * unit, found.prices.channels * unit
    )
    return replace(found, value=found.value * unit, bound=found.bound * unit, prices=prices)


def _allocated(problem: Problem, exact_up_to: int) -> Allocation:
    prices = find_prices(problem)
    customers = len(problem.chances)
    if customers <= exact_up_to:
        return _settled(problem, problem, prices, customers)
    found = _settled(problem, problem, prices, _SETTLED)
    if found.gap > _TIED or not found.complete:
        apart = _apart(problem)
        again = _settled(problem, apart, find_prices(apart, _FINE), _SETTLED)
        found = max(found, again, key=lambda one: (one.complete, one.value))
    return found if found.complete else _settled(problem, problem, prices, customers)


def _apart(problem: Problem) -> Problem:
    """Move equal chances apart by next to nothing, so that prices can tell customers apart."""
    chances = np.random.default_rng(0).random(problem.chances.shape, dtype=np.float32)
    chances *= np.float32(_NOTHING)
    chances += 1
    chances *= problem.chances
    return replace(problem, chances=chances)


def _settled(problem: Problem, apart: Problem, prices: Prices, size: int) -> Allocation:
    """Let prices decide for all but so many customers, and the programme for these.

    What `apart` finds is judged by `problem`.
    """
    close, decided = _divide(apart, prices.of_contacts(problem.costs), size)
    programme = _Programme(apart, close, decided)
    taken, routes = programme.solve(prices)
    contacts = _filled(problem, _by_channel(problem, taken, routes))
    worth = contacts.expected(problem)
    order = np.lexsort((contacts.products, contacts.rows, -worth))
    # Either may have the lower bound: the programme knows some customers, `prices` all of them.
    bounds = {bound(problem, own): own for own in (programme.prices(), prices)}
    items, ways = problem.costs.shape
    about = np.bincount(contacts.products, minlength=items)
    by = np.bincount(contacts.channels, minlength=ways)
    return Allocation(
        contacts.of(order),
        float(worth.sum()),
        min(bounds),
        bounds[min(bounds)],
        np.maximum(problem.limits.least - about, 0),
        np.maximum(problem.limits.channel_least - by, 0),
    )


def _divide(problem: Problem, prices: Floats, size: int) -> tuple[Rows, Rows]:
    """Customers for whom it is close; what the others take.

    It is close where a small change of the prices would change what a customer takes.

    Returns
    -------
    int array, shape (size,)
    int array, shape (2, contacts)
        Rows and products.
    """
    customers, each = len(problem.chances), min(problem.limits.each, len(prices))
    if size >= customers:
        return np.arange(customers), np.empty((2, 0), dtype=np.intp)
    margins = np.empty(customers, dtype=np.float32)
    taken = []
    for start in range(0, customers, _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        left = problem.gains(rows, np.float32) - prices.astype(np.float32)[:, None]
        margin = np.full(left.shape[1], np.inf, dtype=np.float32)
        for _ in range(each):
            best = left.argmax(axis=0)[None]
            value = np.take_along_axis(left, best, axis=0)[0]
            margin = np.minimum(margin, np.abs(value))
            pays = np.flatnonzero(value > 0)
            taken.append(np.array([pays + start, best[0, pays]]))
            np.put_along_axis(left, best, -np.inf, axis=0)
        full = value > 0  # takes as many as allowed, and another one may be nearly as good
        margin[full] = np.minimum(margin[full], value[full] - left[:, full].max(axis=0))
        margins[rows] = margin
    close = np.sort(np.argpartition(margins, size)[:size])
    contacts = np.concatenate(taken, axis=1)
    return close, contacts[:, ~np.isin(contacts[0], close)]


class _Programme:
    """Maximise what contacts bring: pairs in, routes out, what is decided in between.

    Columns: contacts by each route of product and channel; what minima lack; decided contacts that
    have to give way; then the pairs. Rows: what comes in about a product goes out by its routes;
    limits of products, of channels, of the total; at most so many contacts of each close customer.
    """

    def __init__(self, problem: Problem, close: Rows, decided: Rows) -> None:
        self._problem, self._close, self._decided = problem, close, decided
        self._gains = problem.gains(close)
        self._inside = np.zeros(self._gains.shape, dtype=bool)
        self._pairs = np.empty((2, 0), dtype=np.intp)  # products, places in `close`
        limits, (items, ways) = problem.limits, problem.costs.shape
        self._items, self._ways = items, ways
        self._routes = np.array(np.nonzero(np.isfinite(problem.costs)))
        fixed = np.bincount(decided[1], minlength=items)
        largest = np.maximum(problem.worth, 0)
        highs = self._highs = new_highs()
        minima = np.concatenate([limits.least, limits.channel_least])
        low = np.concatenate(
            [-fixed, np.where(minima > 0, minima, -_NONE), np.full(1 + len(close), -_NONE)]
        )
        high = np.concatenate(
            [
                -fixed,
                limits.most,
                limits.channel_most,
                [limits.total],
                np.full(len(close), limits.each),
            ]
        )
        self._customers = 2 * items + ways + 1  # rows before those of customers
        nothing = np.empty(0, dtype=np.int32)
        highs.addRows(len(low), low, high, 0, nothing, nothing, np.empty(0))
        highs.changeObjectiveSense(highspy.ObjSense.kMaximize)
        about, by = self._routes
        self._add(
            -problem.costs[about, by],
            np.full(len(about), _NONE),
            [about, items + about, 2 * items + by, np.full(len(about), 2 * items + ways)],
            [-1, 1, 1, 1],
        )
        self._add(
            np.full(items + ways, -problem.penalty), minima, [items + np.arange(items + ways)], [1]
        )
        self._add(-largest, fixed, [np.arange(items)], [-1])

    def solve(self, prices: Prices) -> tuple[Rows, Counts]:
        """Contacts at the optimum, beginning with the pairs that some prices suggest.

        Returns
        -------
        int array, shape (2, contacts)
            Rows and products.
        int array, shape (products, channels)
            Contacts by each route.
        """
        left = self._gains - prices.of_contacts(self._problem.costs)[:, None]
        paid = _last_taken(left, self._problem.limits.each)
        pairs = _smallest(paid - left, _PAIRS + int((left >= paid).sum()), self._inside)
        while True:
            self._enter(*pairs)
            run(self._highs)
            duals = self._duals()
            left = self._gains - duals[: self._items, None]
            lacking = duals[self._customers :] - left
            lacking[lacking > -_TOLERANCE] = np.inf
            pairs = _smallest(lacking, _MORE_PAIRS, self._inside)
            if not len(pairs[0]):
                return self._taken()

    def prices(self) -> Prices:
        """Prices of the limits at the optimum."""
        duals = self._duals()[self._items : self._customers]
        products, channels, total = np.split(duals, [self._items, self._items + self._ways])
        return Prices(max(float(total[0]), 0), products, channels)

    def _duals(self) -> Floats:
        return np.array(self._highs.getSolution().row_dual)

    def _taken(self) -> tuple[Rows, Counts]:
        """What the optimum takes; a basic solution is in whole numbers."""
        found = np.array(self._highs.getSolution().col_value)
        about, by = self._routes
        before = len(about) + self._items + self._ways
        routes = np.zeros(self._problem.costs.shape, dtype=np.int64)
        routes[about, by] = np.floor(found[: len(about)] + _WHOLE)
        gone = np.ceil(found[before : before + self._items] - _WHOLE).astype(np.int64)
        items, places = self._pairs[:, found[before + self._items :] > 1 - _WHOLE]
        kept = self._kept(gone)
        return np.concatenate([kept, [self._close[places], items]], axis=1), routes

    def _kept(self, gone: Counts) -> Rows:
        """Decided contacts without those that give way, which are the ones that bring least."""
        rows, items = self._decided
        order = np.lexsort((rows, self._problem.chances[rows, items], items))
        first = np.searchsorted(items[order], np.arange(self._items))
        kept = np.ones(len(rows), dtype=bool)
        for begin, number in zip(first, gone, strict=True):
            kept[order[begin : begin + number]] = False
        return self._decided[:, kept]

    def _enter(self, items: Rows, places: Rows) -> None:
        self._inside[items, places] = True
        self._pairs = np.concatenate([self._pairs, [items, places]], axis=1)
        gains = self._gains[items, places]
        self._add(gains, np.ones(len(gains)), [items, self._customers + places], [1, 1])

    def _add(
        self,
        worth: NDArray[np.floating],
        most: NDArray[Any],
        rows: list[Rows],
        factors: list[float],
    ) -> None:
        """Add columns from 0 to `most` which stand in these rows with these factors."""
        size, depth = len(worth), len(rows)
        self._highs.addCols(
            size,
            worth.astype(np.float64),
            np.zeros(size),
            most.astype(np.float64),
            size * depth,
            np.arange(0, size * depth, depth, dtype=np.int32),
            np.column_stack(rows).ravel().astype(np.int32),
            np.tile(np.array(factors, dtype=np.float64), size),
        )


def _last_taken(left: Floats, each: int) -> Floats:
    """What each customer's last contact leaves them, and at least 0; (customers,)."""
    each = min(each, len(left))
    return np.asarray(np.maximum(-np.partition(-left, each - 1, axis=0)[each - 1], 0))


def _smallest(values: Floats, number: int, without: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Places of so many of the smallest finite values."""
    places = np.flatnonzero(np.isfinite(values) & ~without)
    if len(places) > number:
        places = places[np.argpartition(values.ravel()[places], number)[:number]]
    items, columns = np.unravel_index(np.sort(places), values.shape)
    return items, columns


def _by_channel(problem: Problem, pairs: Rows, routes: Counts) -> Contacts:
    """Give the dearest channels to those of a product's contacts that bring most."""
    rows, items = pairs
    order = np.lexsort((rows, -problem.chances[rows, items], items))
    rows, items = rows[order], items[order]
    begins = np.searchsorted(items, np.arange(len(routes) + 1))
    parts = []
    for item, by_channel in enumerate(routes):
        ways = np.argsort(-problem.costs[item], kind="stable")
        channels = np.repeat(ways, by_channel[ways])
        own = rows[begins[item] : begins[item + 1]][: len(channels)]
        parts.append((own, np.full(len(own), item), channels[: len(own)]))
    return Contacts(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def _filled(problem: Problem, contacts: Contacts) -> Contacts:
    """Add what still pays where there is room, the best first."""
    room = Room.of(problem)
    room.use(contacts)
    if room.total < 1:
        return contacts
    open_ways = np.where(room.channels > 0, 0, np.inf)
    cost = np.where(room.products > 0, (problem.costs + open_ways).min(axis=1), np.inf)
    there = np.flatnonzero(room.customers > 0)
    left = problem.gains(there) - cost[:, None]
    places = np.minimum(np.searchsorted(there, contacts.rows), len(there) - 1)
    again = there[places] == contacts.rows if len(there) else np.zeros(len(contacts), dtype=bool)
    left[contacts.products[again], places[again]] = -np.inf
    items, places = np.nonzero(left > 0)
    order = np.argsort(-left[items, places], kind="stable")
    added = room.fill(there[places[order]], items[order])
    return contacts.with_more(added)

"""Small problems, and the same solved by other means."""

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.optimize import linprog

from src.campaign.problem import Contacts, Limits, Problem

NONE = 1000  # no limit


def new_problem(
    chances: ArrayLike,
    worth: ArrayLike,
    costs: ArrayLike,
    total: int = NONE,
    each: int = 1,
    most: ArrayLike = NONE,
    least: ArrayLike = 0,
    channel_most: ArrayLike = NONE,
    channel_least: ArrayLike = 0,
) -> Problem:
    """A problem, of which only what matters is said."""
    price = np.asarray(costs, dtype=np.float64)
    items, ways = price.shape

    def counts(values: ArrayLike, size: int) -> Any:
        return np.broadcast_to(np.asarray(values, dtype=np.int64), size).copy()

    limits = Limits(
        each,
        total,
        counts(most, items),
        counts(least, items),
        counts(channel_most, ways),
        counts(channel_least, ways),
    )
    worths = np.asarray(worth, dtype=np.float64)
    return Problem(np.asarray(chances, dtype=np.float32), worths, price, limits)


def check(problem: Problem, contacts: Contacts) -> None:
    """No limit is violated, but for minima."""
    limits, (items, ways) = problem.limits, problem.costs.shape
    pairs = set(zip(contacts.rows.tolist(), contacts.products.tolist(), strict=True))
    assert len(pairs) == len(contacts)
    assert (problem.chances[contacts.rows, contacts.products] > 0).all()
    assert np.isfinite(problem.costs[contacts.products, contacts.channels]).all()
    assert len(contacts) <= limits.total
    assert np.bincount(contacts.rows, minlength=1).max() <= limits.each
    assert (np.bincount(contacts.products, minlength=items) <= limits.most).all()
    assert (np.bincount(contacts.channels, minlength=ways) <= limits.channel_most).all()


def whole_programme(problem: Problem) -> float | None:
    """The optimum by SciPy, every contact a column and every limit a row; None: infeasible."""
    limits, (items, ways) = problem.limits, problem.costs.shape
    columns = [
        place
        for place in itertools.product(range(len(problem.chances)), range(items), range(ways))
        if problem.chances[place[:2]] > 0 and np.isfinite(problem.costs[place[1:]])
    ]
    if not columns:
        return None if limits.least.any() or limits.channel_least.any() else 0.0
    rows, about, by = np.array(columns).T
    worth = problem.chances[rows, about].astype(np.float64) * problem.worth[about]
    limited = [(np.ones(len(rows), dtype=bool), limits.total)]
    limited += [(rows == row, limits.each) for row in range(len(problem.chances))]
    limited += [
        ((rows == row) & (about == item), 1) for row, item in set(zip(rows, about, strict=True))
    ]
    limited += [(about == item, limits.most[item]) for item in range(items)]
    limited += [(by == way, limits.channel_most[way]) for way in range(ways)]
    matrix = [row.astype(np.float64) for row, _ in limited]
    right = [float(most) for _, most in limited]
    for places, minima in ((about, limits.least), (by, limits.channel_least)):
        for place, least in enumerate(minima):
            matrix.append(-(places == place).astype(np.float64))
            right.append(-float(least))
    worth -= problem.costs[about, by]
    result = linprog(-worth, np.array(matrix), right, bounds=(0, 1), method="highs")
    return None if result.fun is None else -float(result.fun)


@st.composite
def problems(draw: st.DrawFn, minima: bool = True) -> Problem:
    """Problems with few customers; many have ties, some no solution."""
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    customers, items, ways = random.integers(1, [13, 5, 4])
    shape = (customers, items)
    tied = draw(st.booleans())
    chances = random.integers(0, 4, shape) / 4 if tied else random.random(shape)
    chances[random.random(shape) < 0.2] = 0
    costs = random.integers(0, 3, (items, ways)) / 2
    costs[random.random(costs.shape) < 0.2] = np.inf

    def limits(size: int) -> tuple[Any, Any]:
        most = np.where(random.random(size) < 0.5, NONE, random.integers(0, customers + 1, size))
        wanted = random.integers(0, customers // 3 + 2, size)
        least = np.where(random.random(size) < (0.3 if minima else 0), wanted, 0)
        return most, np.minimum(least, most)

    most, least = limits(items)
    channel_most, channel_least = limits(ways)
    return new_problem(
        chances,
        random.integers(0, 6, items),
        costs,
        total=int(random.integers(0, customers + 3)),
        each=int(random.integers(1, items + 1)),
        most=most,
        least=least,
        channel_most=channel_most,
        channel_least=channel_least,
    )

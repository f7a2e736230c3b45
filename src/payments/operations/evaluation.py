"""How well models tell which operations are repeated, and what a bank gets from it.

Scores are float, (observations,); *event* is bool, whether the operation was repeated. Clients are
resampled as a whole, because what a client does on one day depends on what they do on others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from src.evaluation.intervals import Interval, percentile_interval
from src.evaluation.stability import counts_between, decile_edges, psi
from src.params import Section

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.intp]

TOP = 4  # operations on the search page


class CardSettings(Section):
    """Share of the repetitions that cards are to show, as the threshold is chosen."""

    coverage: float = Field(gt=0, lt=1)


class Ranked:
    """Observations from the lowest score to the highest, for areas under weights.

    Parameters
    ----------
    score : float array, shape (observations,)
    event : bool array, shape (observations,)
    """

    def __init__(self, score: NDArray[np.floating], event: Bools) -> None:
        self._order = np.argsort(score, kind="stable")
        ordered = score[self._order]
        self._ends = np.flatnonzero(np.diff(ordered, append=np.inf) != 0)  # last of equal scores
        self._event = event[self._order]

    def gini(self, weight: Floats | None = None) -> float:
        """Compute ``2 * AUC - 1``; equal scores count half; NaN without events or others."""
        weights = np.ones(len(self._order)) if weight is None else weight[self._order]
        events = np.cumsum(weights * self._event)[self._ends]
        others = np.cumsum(weights * ~self._event)[self._ends]
        if not len(events) or events[-1] == 0 or others[-1] == 0:
            return float("nan")
        gained = np.diff(events, prepend=0.0)
        below = others - np.diff(others, prepend=0.0) / 2
        return float(2 * (gained * below).sum() / (events[-1] * others[-1]) - 1)


def gini(score: NDArray[np.floating], event: Bools) -> float:
    """Compute ``2 * AUC - 1``; equal scores count half; NaN without events or others."""
    return Ranked(score, event).gini()


def resampled(client: Integers, resamples: int, seed: int) -> list[NDArray[np.int64]]:
    """How often each of ``max(client) + 1`` clients is drawn, for each resample."""
    random = np.random.default_rng(seed)
    present = np.unique(client)
    drawn = []
    for _ in range(resamples):
        times = np.zeros(int(client.max()) + 1, dtype=np.int64)
        times[present] = random.multinomial(len(present), np.full(len(present), 1 / len(present)))
        drawn.append(times)
    return drawn


def gini_resamples(
    scores: dict[str, NDArray[np.floating]],
    event: Bools,
    client: Integers,
    drawn: list[NDArray[np.int64]],
) -> dict[str, Floats]:
    """Gini of each model over all clients, then in each resample that `resampled` has drawn.

    Returns
    -------
    dict of name -> float array, shape (1 + resamples,)
        NaN in a resample without events or others.
    """
    ranked = {name: Ranked(score, event) for name, score in scores.items()}
    found = {name: [one.gini()] for name, one in ranked.items()}
    for times in drawn:
        weight = times[client].astype(np.float64)
        for name, one in ranked.items():
            found[name].append(one.gini(weight))
    return {name: np.array(values) for name, values in found.items()}


def score_stability(reference: NDArray[np.floating], later: NDArray[np.floating]) -> float:
    """PSI of scores over the deciles of the reference."""
    edges = decile_edges(reference)
    return psi(*(counts_between(edges, scores) for scores in (reference, later)))


def threshold_at(score: Floats, event: Bools, coverage: float) -> float:
    """Choose the highest threshold at which so large a share of the repetitions is shown.

    Shown is what scores at least the threshold.
    """
    repeated = np.sort(score[event])[::-1]
    wanted = int(np.ceil(coverage * len(repeated) - 1e-9))  # 0.07 * 100 is above 7
    return float(repeated[max(wanted, 1) - 1])


@dataclass(frozen=True)
class Cards:
    """What is shown, and what came of it.

    Attributes
    ----------
    cards : float
        Shown per client and day, of those who have an operation.
    coverage : Interval
        Share of the repetitions that were shown.
    precision : Interval
        Share of what was shown that was repeated.
    """

    cards: float
    coverage: Interval
    precision: Interval


def cards(
    shown: Bools, event: Bools, client: Integers, groups: int, drawn: list[NDArray[np.int64]]
) -> Cards:
    """Judge what is shown.

    Parameters
    ----------
    shown, event : bool array, shape (observations,)
    client : int array, shape (observations,)
    groups : int
        Pairs of a client and a cut-off.
    drawn : list of int array
        As `resampled` gives them.
    """
    size = len(drawn[0])
    hits = np.bincount(client, shown & event, size)
    all_shown = np.bincount(client, shown, size)
    all_events = np.bincount(client, event, size)
    # The first row is what was found, the others are what resamples found.
    everybody = np.ones(size, dtype=np.int64)
    rows = [[times @ hits, times @ all_shown, times @ all_events] for times in (everybody, *drawn)]
    found, cards_shown, events = np.array(rows).T
    return Cards(
        float(cards_shown[0] / groups),
        percentile_interval(found / np.maximum(events, 1)),
        percentile_interval(found / np.maximum(cards_shown, 1)),
    )


def places(score: NDArray[np.floating], group: Integers) -> Integers:
    """Place of each observation within its group, from 0, best first; ties as they come.

    `group` numbers pairs of a client and a cut-off.
    """
    order = np.lexsort([-score, group])
    starts = np.flatnonzero(np.diff(group[order], prepend=-1) != 0)
    sizes = np.diff(starts, append=len(order))
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    return place


def most_expected_f1(chance: Floats, group: Integers) -> Bools:
    """Show each client the first so many as promise the best F1 (none is better than a bad one).

    With chances p, best first, of which T is the sum, W the sum of the first k and Q that of their
    squares, showing k promises about ``2 * W / (k + 1 + T - Q / W)``: where a shown one is
    repeated, the repetitions are that one and those expected of the others. (The plug-in
    approximation, ``2 * W / (k + T)``, of Ye et al. 2012, Optimizing F-measure, promises too much
    where T is small.) None are shown where that is not above the chance that nothing is repeated:
    an empty list is right then.
    """
    place = places(chance, group)
    order = np.lexsort([place, group])
    ordered, groups = chance[order], group[order]
    starts = np.flatnonzero(np.diff(groups, prepend=-1) != 0)
    sizes = np.diff(starts, append=len(order))
    sums = [np.cumsum(values) for values in (ordered, ordered**2)]
    within, squares = (one - np.repeat(np.r_[0.0, one][starts], sizes) for one in sums)
    total = np.repeat(np.add.reduceat(ordered, starts), sizes)
    itself = np.clip(squares / np.maximum(within, 1e-300), 0, 1)
    promised = 2 * within / (place[order] + 2 + total - itself)
    best = np.repeat(np.maximum.reduceat(promised, starts), sizes)
    reached = np.repeat(
        np.minimum.reduceat(np.where(promised == best, place[order], len(order)), starts), sizes
    )
    nothing = np.repeat(
        np.exp(np.add.reduceat(np.log1p(-np.minimum(ordered, 1 - 1e-9)), starts)), sizes
    )
    shown = np.empty(len(order), dtype=bool)
    shown[order] = (place[order] <= reached) & (nothing < best)
    return shown


def top_hits(score: NDArray[np.floating], event: Bools, group: Integers, k: int = TOP) -> Bools:
    """Whether the first k of each group with a repetition hold one; by group."""
    hit = np.zeros(int(group.max()) + 1, dtype=bool)
    any_event = np.zeros_like(hit)
    any_event[group[event]] = True
    hit[group[event & (places(score, group) < k)]] = True
    return hit[any_event]

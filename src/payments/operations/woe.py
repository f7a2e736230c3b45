"""Weight of evidence: each factor's values in bins, each bin by how it speaks for a repetition.

``WOE = ln((events in the bin / all events) / (others in the bin / all others))``: 0 says nothing,
above 0 speaks for a repetition. ``IV = sum of (share of events - share of others) * WOE``, the
factor's information value (Siddiqi 2006, Credit Risk Scorecards, chapter 6). Half an event and half
another are added to each bin, so that an empty one has a weight, too.

Bins of a number are monotone: a decision tree cuts the values, and isotonic regression joins the
cuts until the rate of events only rises or only falls, whichever tells more. Missing values have a
bin of their own, and so has every code of a category that is not too rare.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.reporting import write_exact

Floats = NDArray[np.float64]

_HALF = 0.5


@dataclass(frozen=True)
class Bins:
    """The bins of a factor.

    Attributes
    ----------
    name : str
    edges : list of float
        Of a number: the lowest value of every bin but the first, rising.
    points : list of float
        Codes of a category that have a bin each; none of a number.
    events, others : list of int
        Observations by bin: of the intervals (none for a category), then of the `points`, then of
        all else, such as missing values and unknown codes.
    category : bool
        Whether values are codes.
    """

    name: str
    edges: list[float]
    points: list[float]
    events: list[int]
    others: list[int]
    category: bool = False

    @property
    def woe(self) -> Floats:
        """Weight of evidence of each bin; 0 for a bin without any observation."""
        events, others = np.array(self.events), np.array(self.others)
        smoothed = np.log((events + _HALF) / (events + _HALF).sum()) - np.log(
            (others + _HALF) / (others + _HALF).sum()
        )
        return np.where(events + others > 0, smoothed, 0.0)

    @property
    def iv(self) -> float:
        """Information value."""
        events, others = np.array(self.events), np.array(self.others)
        shares = events / max(events.sum(), 1e-300) - others / max(others.sum(), 1e-300)
        return float((shares * self.woe).sum())

    @property
    def labels(self) -> list[str]:
        """What each bin holds, for tables and figures."""
        edges = [f"{edge:.4g}" for edge in self.edges]
        intervals = [] if self.category else ["all"]
        if edges:
            inner = [f"{low} to {high}" for low, high in pairwise(edges)]
            intervals = [f"< {edges[0]}", *inner, f"≥ {edges[-1]}"]
        return [*intervals, *(f"{point:g}" for point in self.points), "else"]

    def bin_of(self, values: NDArray[np.floating]) -> NDArray[np.intp]:
        """Bin of each value."""
        intervals = 0 if self.category else len(self.edges) + 1
        last = intervals + len(self.points)
        number = np.searchsorted(self.edges, values, side="right")
        found = np.full(len(values), last) if self.category else number
        for place, point in enumerate(self.points):
            found = np.where(values == point, intervals + place, found)
        return np.where(np.isnan(values), last, found)

    def weigh(self, values: NDArray[np.floating]) -> Floats:
        """Weight of evidence of each value."""
        return self.woe[self.bin_of(values)]


def fit_bins(
    name: str,
    values: NDArray[np.floating],
    event: NDArray[np.bool_],
    *,
    most: int,
    least_share: float,
    category: bool = False,
) -> Bins:
    """Bin one factor.

    Parameters
    ----------
    name : str
    values : float array, shape (observations,)
        NaN where missing.
    event : bool array
    most : int
        Bins of a number, before they are joined.
    least_share : float
        Share of the observations that a bin must have.
    category : bool
        Whether values are codes.
    """
    if category:
        codes, sizes = np.unique(values[~np.isnan(values)], return_counts=True)
        points = [float(code) for code in codes[sizes >= least_share * len(values)]]
        edges: list[float] = []
    else:
        points = []
        there = ~np.isnan(values)
        edges = _edges(values[there], event[there], most, least_share)
    bins = Bins(name, edges, points, [], [], category)
    number = len(bins.labels)
    place = bins.bin_of(values)
    events = np.bincount(place[event], minlength=number)
    others = np.bincount(place[~event], minlength=number)
    return Bins(name, edges, points, events.tolist(), others.tolist(), category)


def _edges(
    values: NDArray[np.floating],
    event: NDArray[np.bool_],
    most: int,
    least_share: float,
) -> list[float]:
    """Edges between bins whose rates rise or fall all the way."""
    if len(values) == 0 or not 0 < event.sum() < len(event):
        return []
    # Seconds to import, and only needed to learn: the service starts without.
    from sklearn.isotonic import IsotonicRegression
    from sklearn.tree import DecisionTreeClassifier

    values = values.astype(np.float32)  # as the tree sees them
    tree = DecisionTreeClassifier(
        max_leaf_nodes=most, min_samples_leaf=max(int(least_share * len(values)), 1), random_state=0
    )
    tree.fit(values.reshape(-1, 1), event)
    cuts = np.sort(tree.tree_.threshold[tree.tree_.children_left >= 0])
    if len(cuts) == 0:
        return []
    # a value equal to the threshold belongs to the left of a tree, and to the right of an edge
    cuts = np.nextafter(cuts, np.inf)
    place = np.searchsorted(cuts, values, side="right")
    total = np.bincount(place, minlength=len(cuts) + 1).astype(np.float64)
    events = np.bincount(place, event, len(cuts) + 1)
    rate = events / total
    best: tuple[float, list[float]] = (-1.0, [])
    for increasing in (True, False):
        isotonic = IsotonicRegression(increasing=increasing)
        fitted = isotonic.fit_transform(np.arange(len(total)), rate, sample_weight=total)
        joined = [float(cut) for cut, step in zip(cuts, np.diff(fitted), strict=True) if step]
        told = _information(fitted, total)
        if told > best[0]:
            best = (told, joined)
    return best[1]


def _information(rate: Floats, total: Floats) -> float:
    """Information value of bins with these rates of events."""
    events, others = rate * total + 1e-9, (1 - rate) * total + 1e-9
    shares = events / events.sum(), others / others.sum()
    return float(((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum())


def save(path: str | Path, dictionary: Sequence[Bins]) -> None:
    """Write the bins of all factors as JSON; the weights follow from the counts."""
    write_exact(path, [asdict(bins) for bins in dictionary])


def load(path: str | Path) -> list[Bins]:
    """Read what `save` wrote."""
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    return [Bins(**bins) for bins in content]

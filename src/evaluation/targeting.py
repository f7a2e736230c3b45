"""Who adds: whether chances single out the customers who add something, and come true.

*Happened* is bool, (customers,): whether a customer added the product, or anything.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from src.evaluation.intervals import percentile_interval

Floats = NDArray[np.float64]

FIRST = (0.01, 0.05, 0.1, 0.2)  # shares of the customers, those with the highest scores
BINS = 10
_GROUPS = 1000


def found(scores: NDArray[np.floating], share: float) -> Floats:
    """How much of each customer is among the first `share` of all; (customers,).

    1 or 0; customers with the score at the border share what places are left.
    """
    places = share * len(scores)
    last = max(int(np.ceil(places)), 1)
    border = np.partition(scores, -last)[-last]
    above, level = scores > border, scores == border
    part = (places - above.sum()) / level.sum()
    return np.asarray(above + level * part)


def placements(scores: NDArray[np.floating], happened: NDArray[np.bool_]) -> Floats:
    """Share of the others with a lower score, ties half; (customers,), 0 where nothing happened.

    Its mean where it happened is the area under the ROC curve (Hanley and McNeil 1982).
    """
    ranks = rankdata(scores)
    own = rankdata(scores[happened])
    values = np.zeros(len(scores))
    others = max(len(scores) - int(happened.sum()), 1)
    values[happened] = (ranks[happened] - own) / others
    return values


def equal_bins(chances: NDArray[np.floating]) -> NDArray[np.intp]:
    """Ten bins of as many customers each, by chance, equal chances by position; (customers,)."""
    order = np.argsort(chances, kind="stable")
    bins = np.empty(len(chances), dtype=np.intp)
    for number, members in enumerate(np.array_split(order, BINS)):
        bins[members] = number
    return bins


def calibration(chances: NDArray[np.floating], happened: NDArray[np.bool_]) -> pd.DataFrame:
    """Columns bin, customers, predicted (mean chance), observed (share); a row per bin."""
    bins = equal_bins(chances)
    counts = np.bincount(bins, minlength=BINS)
    there = np.flatnonzero(counts)
    predicted = np.bincount(bins, chances, BINS)[there] / counts[there]
    observed = np.bincount(bins, happened, BINS)[there] / counts[there]
    return pd.DataFrame(
        {"bin": there, "customers": counts[there], "predicted": predicted, "observed": observed}
    )


def gains(scores: NDArray[np.floating], happened: NDArray[np.bool_]) -> pd.DataFrame:
    """Share of what happened (found) that the first per cents of customers hold (share)."""
    order = np.argsort(-scores)
    falling = -scores[order]
    before = np.concatenate([[0], np.cumsum(happened[order])])  # by how many come first
    shares = np.arange(101) / 100
    places = shares[1:-1] * len(scores)
    border = falling[np.maximum(np.ceil(places).astype(np.intp), 1) - 1]
    above, end = np.searchsorted(falling, border), np.searchsorted(falling, border, "right")
    part = (places - above) / (end - above)  # as in `found`, of all shares by one sorting
    parts = before[above] + part * (before[end] - before[above])
    total = max(int(happened.sum()), 1)
    return pd.DataFrame({"share": shares, "found": [0.0, *(parts / total), 1.0]})


@dataclass(frozen=True)
class Resampling:
    """Resampled customers, the same for everything that is measured.

    Customers are divided at random into at most 1,000 groups, and groups are drawn: a bootstrap of
    group sums, which costs the same for a million customers.

    Attributes
    ----------
    group : int array, shape (customers,)
    draws : float array, shape (resamples, groups)
        How often each group was drawn.
    """

    group: NDArray[np.intp]
    draws: Floats

    @classmethod
    def of(cls, customers: int, resamples: int, seed: int) -> "Resampling":
        """Divide so many customers, and draw."""
        generator = np.random.default_rng(seed)
        groups = min(_GROUPS, customers)
        group = generator.permutation(customers) % groups
        draws = generator.multinomial(groups, np.full(groups, 1 / groups), size=resamples)
        return cls(group, draws.astype(np.float64))

    def of_rows(self, rows: NDArray[np.bool_]) -> "Resampling":
        """The same draws, of some of the customers."""
        return Resampling(self.group[rows], self.draws)

    def sums(self, values: Floats) -> Floats:
        """Sums of each column over the drawn customers; (resamples, columns)."""
        groups = self.draws.shape[1]
        by_group = [np.bincount(self.group, column, groups) for column in values.T]
        return self.draws @ np.array(by_group).T


def measure(
    scores: NDArray[np.floating],
    happened: NDArray[np.bool_],
    resampling: Resampling,
    chances: bool = True,
) -> dict[str, float]:
    """Metrics of one score of customers, each with its 95 % interval (``_lo``, ``_hi``).

    Parameters
    ----------
    scores : float array, shape (customers,)
    happened : bool array, shape (customers,)
        At least one True and one False.
    resampling : Resampling
    chances : bool
        Whether the scores are chances, which can come true, or only an order.

    Returns
    -------
    dict
        ``auc``; ``found@1%`` to ``found@20%``, the share of what happened that the first customers
        hold, and ``lift@…``, that divided by their share; of chances ``log_loss``, ``brier`` and
        ``calibration_error``, the mean difference between mean chance and observed share in ten
        bins of as many customers each (expected calibration error, Naeini et al. 2015).
    """
    adds = happened.astype(np.float64)
    columns = [adds, placements(scores, happened)]
    columns += [found(scores, share) * adds for share in FIRST]
    if chances:
        p = np.clip(scores.astype(np.float64), 1e-9, 1 - 1e-9)
        columns += [np.ones_like(p), -np.where(happened, np.log(p), np.log1p(-p)), (p - adds) ** 2]
        bins = equal_bins(scores)
        columns += [(p - adds) * (bins == number) for number in range(BINS)]
    values = np.column_stack(columns)

    def metrics(sums: Floats) -> dict[str, Floats]:
        """From sums over customers, (samples, columns)."""
        happenings = np.maximum(sums[:, 0], 1e-12)
        row = {"auc": sums[:, 1] / happenings}
        for place, share in enumerate(FIRST, start=2):
            row[f"found@{share:.0%}"] = sums[:, place] / happenings
        for place, share in enumerate(FIRST, start=2):
            row[f"lift@{share:.0%}"] = sums[:, place] / happenings / share
        if chances:
            customers, log_loss, brier, *gaps = sums[:, 2 + len(FIRST) :].T
            row["log_loss"], row["brier"] = log_loss / customers, brier / customers
            row["calibration_error"] = np.abs(gaps).sum(axis=0) / customers
        return row

    rows = metrics(np.vstack([values.sum(axis=0), resampling.sums(values)]))
    table: dict[str, float] = {}
    for name, figures in rows.items():
        table |= percentile_interval(figures).named(name)
    return table

"""Bootstrap intervals of mean scores."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Interval:
    """A mean over all customers and one over adders, each with its bootstrap interval."""

    mean: float
    low: float
    high: float


def bootstrap_means(
    values: dict[str, NDArray[np.float64]],
    customers: int,
    resamples: int,
    seed: int,
    level: float = 0.95,
) -> dict[str, tuple[Interval, Interval]]:
    """Percentile bootstrap of means over all customers and over adders, resampling customers.

    Customers who add nothing score 0, so a resample is decided by how many adders it draws
    (binomial) and which (multinomial): exact, and the cost depends on the adders only. All
    entries share their resamples, so that their differences are paired.

    Parameters
    ----------
    values : dict of name -> float array, shape (adders,)
        Per-adder scores, the same adders in each entry.
    customers : int
        Number of all customers, adders included.
    resamples, seed, level
        Number of resamples, seed of the generator, probability mass of the interval.

    Returns
    -------
    dict of name -> (over all customers, over adders)
    """
    names = list(values)
    scores = np.column_stack([values[name] for name in names])
    adders = len(scores)
    sums, drawn = _resampled(scores, customers, resamples, seed)
    tails = [(1 - level) / 2, (1 + level) / 2]
    over_all = np.quantile(sums / customers, tails, axis=0)
    over_adders = np.quantile(sums / np.maximum(drawn, 1)[:, None], tails, axis=0)
    total = scores.sum(axis=0)
    return {
        name: (
            Interval(total[i] / customers, over_all[0, i], over_all[1, i]),
            Interval(total[i] / adders, over_adders[0, i], over_adders[1, i]),
        )
        for i, name in enumerate(names)
    }


def resampled_means(
    values: dict[str, NDArray[np.float64]], customers: int, resamples: int, seed: int
) -> dict[str, NDArray[np.float64]]:
    """Means over adders in each resample of `bootstrap_means`; name -> (resamples,)."""
    scores = np.column_stack(list(values.values()))
    sums, drawn = _resampled(scores, customers, resamples, seed)
    return dict(zip(values, (sums / np.maximum(drawn, 1)[:, None]).T, strict=True))


def _resampled(
    scores: NDArray[np.float64], customers: int, resamples: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sums of scores in each resample, (resamples, names), and how many adders it draws."""
    adders = len(scores)
    generator = np.random.default_rng(seed)
    sums = np.empty((resamples, scores.shape[1]))
    drawn = generator.binomial(customers, adders / customers, size=resamples)
    for number, count in enumerate(drawn):
        weights = np.bincount(generator.integers(0, adders, size=count), minlength=adders)
        sums[number] = weights @ scores
    return sums, drawn

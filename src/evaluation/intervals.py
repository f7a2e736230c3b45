"""Bootstrap intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """What was measured, a mean most often, and its bootstrap interval."""

    mean: float
    low: float
    high: float

    def named(self, name: str) -> dict[str, float]:
        """Return it as metrics have it: under the name, with ``_lo`` and with ``_hi``."""
        ends = {f"{name}_lo": float(self.low), f"{name}_hi": float(self.high)}
        return {name: float(self.mean), **ends}


def percentile_interval(values: Scores) -> Interval:
    """95 % percentile interval of a figure.

    Parameters
    ----------
    values : float array, shape (1 + resamples,)
        As it was measured, then in each resample; NaN in one that does not have it, which then does
        not count. If none has it, the interval is NaN.
    """
    resampled = values[1:][~np.isnan(values[1:])]
    ends = np.quantile(resampled, [0.025, 0.975]) if len(resampled) else [np.nan] * 2
    return Interval(float(values[0]), float(ends[0]), float(ends[1]))


def resampled_sums(
    scores: Scores, customers: int, resamples: int, generator: np.random.Generator
) -> tuple[Scores, NDArray[np.int64]]:
    """Sums over resamples of customers, most of whom score 0 in every column.

    A resample is decided by how many of the others it draws (binomial) and which (multinomial):
    exact, and the cost depends on the others only.

    Parameters
    ----------
    scores : float array, shape (others, columns)
        Of the customers who do not score 0 everywhere.
    customers : int
        Number of all.
    resamples : int
    generator : Generator

    Returns
    -------
    float array, shape (resamples, columns)
    int array, shape (resamples,)
        How many of the others were drawn.
    """
    others, columns = scores.shape
    sums = np.empty((resamples, columns))
    drawn = generator.binomial(customers, others / customers, size=resamples)
    for number, count in enumerate(drawn):
        weights = np.bincount(generator.integers(0, others, size=count), minlength=others)
        sums[number] = weights @ scores
    return sums, drawn


def bootstrap_means(
    values: dict[str, Scores], customers: int, resamples: int, seed: int, level: float = 0.95
) -> dict[str, tuple[Interval, Interval]]:
    """Percentile bootstrap of means over all customers and over adders, resampling customers.

    As `bootstrap_over_months` of one month.

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
    month = {name: [scores] for name, scores in values.items()}
    return bootstrap_over_months(month, [customers], resamples, seed, level)


def bootstrap_over_months(
    values: dict[str, list[Scores]],
    customers: list[int],
    resamples: int,
    seed: int,
    level: float = 0.95,
) -> dict[str, tuple[Interval, Interval]]:
    """Percentile bootstrap of the mean over months of a month's mean, resampling at two levels.

    Every month counts the same, however many customers it has. A resample draws as many months as
    there are, with replacement, and for each month drawn its customers, with replacement: Davison
    and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8, second strategy. The
    chance within a month is thereby counted twice (it also moves the means of the months drawn),
    and what differs between m months is understated by the factor (m - 1) / m: intervals of many
    months are rather too wide, those of a handful may be too narrow. A customer who adds in
    several months is drawn in each by itself.

    Customers who add nothing score 0, so a resample of a month is decided by how many adders it
    draws (binomial) and which (multinomial): exact, and the cost depends on the adders only. All
    entries share their resamples, so that their differences are paired.

    Parameters
    ----------
    values : dict of name -> list of float arrays, shape (adders,)
        Per-adder scores by month, the same adders in each entry.
    customers : list of int
        Number of all customers of each month, adders included.
    resamples, seed, level
        Number of resamples, seed of the generator, probability mass of the interval.

    Returns
    -------
    dict of name -> (over all customers, over adders)
    """
    names = list(values)
    months = [np.column_stack(scores) for scores in zip(*values.values(), strict=True)]
    over_all, over_adders = resampled_over_months(months, customers, resamples, seed)
    tails = [(1 - level) / 2, (1 + level) / 2]
    low_all, high_all = np.quantile(over_all, tails, axis=0)
    low_adders, high_adders = np.quantile(over_adders, tails, axis=0)
    sums_of = np.array([scores.sum(axis=0) for scores in months])
    mean_all = (sums_of / np.array(customers)[:, None]).mean(axis=0)
    mean_adders = (sums_of / np.array([len(scores) for scores in months])[:, None]).mean(axis=0)
    return {
        name: (
            Interval(mean_all[i], low_all[i], high_all[i]),
            Interval(mean_adders[i], low_adders[i], high_adders[i]),
        )
        for i, name in enumerate(names)
    }


def resampled_over_months(
    months: list[Scores], customers: list[int], resamples: int, seed: int
) -> tuple[Scores, Scores]:
    """Means in each resample of `bootstrap_over_months`: over all customers, and over adders.

    Parameters
    ----------
    months : list of float arrays, shape (adders, columns)
    customers : list of int
        Number of all customers of each month, adders included.
    resamples, seed : int

    Returns
    -------
    float arrays, shape (resamples, columns)
    """
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, len(months), size=(resamples, len(months)))
    over_all = np.empty((*drawn.shape, months[0].shape[1]))
    over_adders = np.empty_like(over_all)
    for month, (scores, size) in enumerate(zip(months, customers, strict=True)):
        places = drawn == month
        sums, adders = resampled_sums(scores, size, int(places.sum()), generator)
        over_all[places] = sums / size
        over_adders[places] = sums / np.maximum(adders, 1)[:, None]
    return over_all.mean(axis=1), over_adders.mean(axis=1)


def resampled_means(
    values: dict[str, Scores], customers: int, resamples: int, seed: int
) -> dict[str, Scores]:
    """Means over adders in each resample of `bootstrap_means`; name -> (resamples,)."""
    scores = np.column_stack(list(values.values()))
    sums, drawn = resampled_sums(scores, customers, resamples, np.random.default_rng(seed))
    return dict(zip(values, (sums / np.maximum(drawn, 1)[:, None]).T, strict=True))

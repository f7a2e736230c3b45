"""Paired differences: the same adders, ranked in two ways."""

from dataclasses import dataclass
from typing import Literal

from src.evaluation.intervals import Scores, bootstrap_over_months

VERDICT_ON = "blend"
# Where hardly any score differs, the bootstrap takes a handful of customers for a certainty: with
# four of them, all in one direction, its interval misses 0; a sign test would need six.
FEWEST = 10


@dataclass(frozen=True)
class Difference:
    """MAP@7 among some adders before and after, and the 95 % interval of after minus before.

    Of several months: the mean over months of each month's MAP@7, as `bootstrap_over_months`.
    """

    title: str
    adders: int
    before: float
    after: float
    low: float
    high: float
    better: int  # adders whose score is higher after
    worse: int

    @property
    def change(self) -> float:
        """After minus before."""
        return self.after - self.before

    @property
    def verdict(self) -> Literal["identical", "too few differ", "no difference", "higher", "lower"]:
        """What the scores of after are, in words."""
        if self.better + self.worse == 0:
            return "identical"
        if self.better + self.worse < FEWEST:
            return "too few differ"
        if self.low <= 0 <= self.high:
            return "no difference"
        return "higher" if self.change > 0 else "lower"


def paired(
    pairs: dict[str, tuple[list[Scores], list[Scores]]], resamples: int, seed: int
) -> list[Difference]:
    """Bootstrap differences of scores; all pairs are resampled once for all.

    Parameters
    ----------
    pairs : dict of title -> (before, after)
        Scores by month, each a float array of shape (adders,); the same adders everywhere.
    resamples, seed : int
        Of the bootstrap.
    """
    changes = {
        title: [new - old for old, new in zip(before, after, strict=True)]
        for title, (before, after) in pairs.items()
    }
    sizes = [len(month) for month in next(iter(changes.values()))]
    intervals = bootstrap_over_months(changes, sizes, resamples, seed)
    return [
        Difference(
            title,
            sum(sizes),
            _mean(before),
            _mean(after),
            float(intervals[title][1].low),
            float(intervals[title][1].high),
            sum(int((month > 0).sum()) for month in changes[title]),
            sum(int((month < 0).sum()) for month in changes[title]),
        )
        for title, (before, after) in pairs.items()
    ]


def _mean(months: list[Scores]) -> float:
    return float(sum(month.mean() for month in months) / len(months))

"""Operations that recur: the same provider at regular intervals, and when the next one is due.

As payment companies define recurring payments: at least three gaps that are alike. The rule knows
nothing of other clients, so its dates can be explained to anybody.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.payments.operations.snapshot import Floats, Snapshot

GAPS = 3
LEAST_DAYS = 5.0  # shorter intervals are habits without a date
_ALIKE = 0.15  # of the usual gap
_LEAST_SPREAD = 2.0  # days: months have 28 to 31


@dataclass(frozen=True)
class Recurring:
    """One entry per operation.

    Attributes
    ----------
    regular : bool array
        Whether its last three gaps are alike.
    gap : float array
        The median of these gaps, days; NaN with fewer.
    spread : float array
        How far they lie from the median at most, days.
    expected : float array
        Days from the cut-off to the next payment: 0 is the day of the cut-off, below 0 it is late.
    """

    regular: NDArray[np.bool_]
    gap: Floats
    spread: Floats
    expected: Floats


def recurring(snapshot: Snapshot) -> Recurring:
    """Find the recurring operations.

    Regular are those whose last three gaps differ from their median by at most two days or 15 %,
    if the median is five days or longer and the next payment is not late by more than a gap.
    """
    gaps = snapshot.gaps
    ends = np.cumsum(gaps.count).astype(np.intp)
    has = gaps.count >= GAPS
    last = np.full((len(snapshot), GAPS), np.nan)
    last[has] = gaps.days[ends[has, np.newaxis] - np.arange(GAPS, 0, -1)]
    usual = np.median(last, axis=1)
    spread = np.abs(last - usual[:, np.newaxis]).max(axis=1)
    expected = usual - snapshot.elapsed
    regular = (
        (usual >= LEAST_DAYS)
        & (spread <= np.maximum(_LEAST_SPREAD, _ALIKE * usual))
        & (expected >= -usual)
    )
    return Recurring(regular, usual, spread, expected)

"""Calibration: chances that come true, learnt on a month that a model has not learnt from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Standard deviations of slope - 1 and of the shift, before anything is seen: a product that hardly
# anybody adds keeps its chances.
_PRIOR = np.array([0.25, 0.5])
_STEPS = 50


def log_odds(chances: NDArray[np.floating]) -> Floats:
    """ln(p / (1 - p)), finite for 0 and 1, too."""
    inside = np.clip(np.asarray(chances, dtype=np.float64), 1e-12, 1 - 1e-12)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def chance(log_odds: Floats) -> Floats:
    """1 / (1 + e^-x)."""
    return np.asarray(1 / (1 + np.exp(-log_odds)))


@dataclass(frozen=True)
class Platt:
    """A straight line through log-odds: ``slope * x + shift`` (Platt 1999).

    It never changes an order, and its two numbers can be learnt from few additions.
    """

    slope: float = 1.0
    shift: float = 0.0

    @classmethod
    def fit(cls, scores: Floats, happened: NDArray[np.bool_]) -> "Platt":
        """Learn the line by maximum likelihood with a normal prior around the identity (Newton).

        Parameters
        ----------
        scores : float array, shape (customers,)
            Log-odds.
        happened : bool array, shape (customers,)
        """
        if not len(scores):
            return cls()
        design = np.column_stack([scores, np.ones_like(scores)])
        start, precision = np.array([1.0, 0.0]), np.diag(_PRIOR**-2)
        line = start.copy()
        for _ in range(_STEPS):
            expected = chance(design @ line)
            gradient = design.T @ (happened - expected) - precision @ (line - start)
            spread = (design * (expected * (1 - expected))[:, None]).T @ design + precision
            step = np.linalg.solve(spread, gradient)
            # A step that is too long would throw the line to where the curve is flat.
            line += step / max(1.0, float(np.abs(step).max()))
            if np.abs(step).max() < 1e-10:
                break
        return cls(float(line[0]), float(line[1]))

    def of(self, scores: Floats) -> Floats:
        """Calibrated log-odds; shape of `scores`."""
        return np.asarray(self.slope * scores + self.shift)

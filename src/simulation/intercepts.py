"""Intercepts that make expected counts equal the facts."""

import numpy as np

from src.simulation.calibration import Floats

BINS = 512


def solve(log_odds: Floats, target: float, weights: Floats | None = None) -> float:
    """Find the intercept at which the expected count of a month equals its target.

    Solves sum_i w_i * sigmoid(a + log_odds_i) = target for a: bisection on a histogram of the log
    odds, then Newton steps on the log odds themselves.

    Parameters
    ----------
    log_odds : array (customers,)
        Linear predictors of those at risk, without intercept.
    target : float
        Target of the expected count; brought into the open range (0, 0.98 * sum of weights).
    weights : array (customers,), optional
        Chance that each customer is at risk at all; 1 by default.

    Returns
    -------
    float
        The intercept; minus infinity if nobody is at risk or the target is not positive.
    """
    total = float(log_odds.size if weights is None else weights.sum(dtype=np.float64))
    target = min(target, 0.98 * total)
    if target <= 0.0 or total <= 0.0:
        return float("-inf")
    intercept = _bisect(log_odds, weights, target)
    for _ in range(8):
        chances = sigmoid(intercept + log_odds)
        slopes = chances * (1.0 - chances)
        if weights is not None:
            chances, slopes = chances * weights, slopes * weights
        gap = target - float(chances.sum(dtype=np.float64))
        if abs(gap) <= 1e-6 * target:
            break
        intercept += float(np.clip(gap / slopes.sum(dtype=np.float64), -1.0, 1.0))
    return intercept


def sigmoid(log_odds: Floats) -> Floats:
    """Chances from log odds, elementwise; minus infinity gives 0."""
    with np.errstate(over="ignore"):
        return (1.0 / (1.0 + np.exp(-log_odds))).astype(np.float32, copy=False)


def _bisect(log_odds: Floats, weights: Floats | None, target: float) -> float:
    low, high = float(log_odds.min()), float(log_odds.max())
    counts, edges = np.histogram(log_odds, BINS, (low, high + 1e-3), weights=weights)
    centers = (edges[:-1] + edges[1:]) / 2
    below, above = -40.0 - high, 40.0 - low
    for _ in range(40):
        middle = (below + above) / 2
        if float((counts / (1.0 + np.exp(-(middle + centers)))).sum()) < target:
            below = middle
        else:
            above = middle
    return (below + above) / 2

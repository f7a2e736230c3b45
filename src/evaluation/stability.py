"""The population stability index, PSI: how far one distribution is from another.

``PSI = sum of (a - e) * ln(a / e)`` over bins, where ``e`` is the share of a bin in the reference
and ``a`` its share in what is compared with it (N. Siddiqi, Credit Risk Scorecards, Wiley 2006;
there: below 0.1 no change, 0.1 to 0.25 some, above 0.25 a shift).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOOR = 0.001  # an empty bin would make the index infinite


def psi(expected: NDArray[Any], observed: NDArray[Any]) -> float:
    """Population stability index of two sets of counts; shares below FLOOR count as FLOOR.

    Parameters
    ----------
    expected, observed : arrays, shape (bins,)
        Counts; those observed are not all 0.
    """
    e = np.maximum(expected / max(expected.sum(), 1), FLOOR)
    a = np.maximum(observed / observed.sum(), FLOOR)
    return float(((a - e) * np.log(a / e)).sum())


def decile_edges(values: NDArray[Any]) -> NDArray[np.float64]:
    """Edges between the tenths of a reference; fewer than nine where values repeat."""
    return np.unique(np.quantile(values, np.arange(1, 10) / 10))


def counts_between(edges: NDArray[np.float64], values: NDArray[Any]) -> NDArray[np.intp]:
    """How many values lie in each bin, shape (edges + 1,); a value on an edge is above it."""
    return np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)

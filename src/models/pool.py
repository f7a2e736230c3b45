"""Two opinions about which product is added, as one: the logarithmic opinion pool."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.models.contract import Scores
from src.reporting import write_arrays

_LEAST = np.float32(1e-12)
# Standard deviation of the weights around a geometric mean, before anything is seen: hundreds of
# adders are needed to move them far.
_PRIOR = 0.25
_STEPS = 50


@dataclass(frozen=True)
class Pool:
    """Shares in proportion to ``ranker^a * propensity^b`` (Genest and Zidek 1986).

    Attributes
    ----------
    weights : tuple of float
        a, of the ranker's share, and b, of the chance by propensity; a half each is their
        geometric mean.
    """

    weights: tuple[float, float] = (0.5, 0.5)

    @classmethod
    def fit(cls, shares: Scores, chances: Scores, additions: NDArray[np.bool_]) -> "Pool":
        """Weights that make what adders added most likely (Newton).

        Parameters
        ----------
        shares : float32 array, shape (adders, items)
            P(item | adds something), by the ranker.
        chances : float32 array, shape (adders, items)
            P(adds item), by propensity; 0 for what they hold.
        additions : bool array, shape (adders, items)
            One adder counts once, whatever the number of items that they added.
        """
        logs = np.stack([_log(shares), _log(chances)])
        free = chances > 0
        wanted = (additions & free) / np.maximum((additions & free).sum(axis=1, keepdims=True), 1)
        seen = (logs * wanted).sum(axis=(1, 2))
        counts = wanted.sum(axis=1)
        start, precision = np.full(2, 0.5), np.eye(2) / _PRIOR**2
        weights = start.copy()
        for _ in range(_STEPS):
            pooled = _normalised(np.tensordot(weights, logs, axes=1), free) * counts[:, None]
            means = (logs * pooled).sum(axis=2)  # counts are 0 or 1
            gradient = seen - means.sum(axis=1) - precision @ (weights - start)
            spread = np.einsum("ari,bri,ri->ab", logs, logs, pooled) - means @ means.T + precision
            step = np.linalg.solve(spread, gradient)
            weights += step / max(1.0, float(np.abs(step).max()))
            if np.abs(step).max() < 1e-10:
                break
        a, b = np.maximum(weights, 0.0)
        return cls((float(a), float(b)))

    def share(self, shares: Scores, chances: Scores) -> Scores:
        """P(item | adds something); (customers, items), rows sum to 1, 0 for what they hold."""
        logs = self.weights[0] * _log(shares) + self.weights[1] * _log(chances)
        return _normalised(logs, chances > 0).astype(np.float32)

    def save(self, path: str | Path) -> None:
        """Write .npz."""
        write_arrays(path, weights=np.array(self.weights))

    @classmethod
    def load(cls, path: str | Path) -> "Pool":
        """Read .npz."""
        with np.load(path, allow_pickle=False) as arrays:
            ranker, propensity = arrays["weights"].tolist()
        return cls((ranker, propensity))


def _log(shares: Scores) -> NDArray[np.float64]:
    return np.log(np.maximum(shares, _LEAST), dtype=np.float64)


def _normalised(logs: NDArray[np.float64], free: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Shares by row from their logarithms; 0 where not free, and in rows where nothing is."""
    odds = np.where(
        free, np.exp(logs - logs.max(axis=1, keepdims=True, where=free, initial=-700)), 0
    )
    return np.asarray(odds / np.maximum(odds.sum(axis=1, keepdims=True), 1e-300))

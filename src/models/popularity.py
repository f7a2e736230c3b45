"""Popularity: the products that customers added most often, the same for everybody."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.models.contract import Scores
from src.models.customers import Customers
from src.reporting import write_arrays


@dataclass(frozen=True)
class Popularity:
    """Share of each item among all additions seen in training; float32, (items,)."""

    shares: NDArray[np.float32]

    @classmethod
    def fit(cls, counts: NDArray[np.int64]) -> "Popularity":
        """Take each item's number of additions; (items,)."""
        return cls((counts / max(counts.sum(), 1)).astype(np.float32))

    def score(self, customers: Customers) -> Scores:
        """Score every item for every customer; see `Model`."""
        return np.tile(self.shares, (len(customers), 1))

    def save(self, path: str | Path) -> None:
        """Write .npz."""
        write_arrays(path, shares=self.shares)

    @classmethod
    def load(cls, path: str | Path) -> "Popularity":
        """Read .npz."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(arrays["shares"])

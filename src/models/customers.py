"""What a model may know: a batch of customers as they were at the end of one month."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.models.history import History

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Customers:
    """A batch: row i of `profile` and of `history` is the same customer.

    Attributes
    ----------
    profile : DataFrame
        Attributes at the end of the month before the one to be predicted: numbers as float64,
        categories as pandas categoricals.
    history : History
        Holdings up to and including that month.
    """

    profile: pd.DataFrame
    history: History

    def __len__(self) -> int:
        return len(self.profile)

    def of(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Customers":
        """Select some customers."""
        return Customers(self.profile.iloc[rows], self.history.of(rows))

    @classmethod
    def stack(cls, parts: list[Self]) -> "Customers":
        """Put batches below each other."""
        columns: dict[str, object] = {}
        for name in parts[0].profile.columns:
            values = [part.profile[name] for part in parts]
            if isinstance(values[0].dtype, pd.CategoricalDtype):
                columns[name] = pd.api.types.union_categoricals(values, sort_categories=True)
            else:
                columns[name] = np.concatenate(values)
        return cls(pd.DataFrame(columns), History.stack([part.history for part in parts]))


class Model(Protocol):
    """What every model can do. `fit` is a classmethod of its own settings, so it is not here."""

    def score(self, customers: Customers) -> Scores:
        """Score every item for every customer; (customers, items), higher is better."""

    def save(self, path: str | Path) -> None:
        """Write the model without pickle."""

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote; the scores are the same to the bit."""

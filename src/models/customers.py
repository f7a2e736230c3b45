"""What a model may know: a batch of customers, each as known before the month asked about."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.models.history import History
from src.tables.months import Months


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

    @property
    def asked(self) -> Months:
        """The month that each customer is asked about; datetime64[M], (customers,)."""
        return self.history.asked

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
        history = History.stack([part.history for part in parts])
        return cls(pd.DataFrame(columns, index=range(len(history.customers))), history)

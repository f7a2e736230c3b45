"""What a model may know: a batch of customers, each as known before the month asked about."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from src.lists import as_column, as_matrix
from src.models.history import History
from src.tables.months import Months

_OF_HISTORY = ("customer", "last", "present", "active", "held")  # a profile may repeat a name


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

    def to_arrow(self) -> pa.Table:
        """The same as a table: the history's five columns, then the profile's."""
        own = self.history
        columns = [
            pa.array(own.customers),
            pa.array(own.last.astype(np.int64)),  # months since 1970-01; Arrow counts days
            pa.array(own.present),
            pa.array(own.active),
            as_column(own.held),
        ]
        for _, values in self.profile.items():
            if isinstance(values.dtype, pd.CategoricalDtype):
                codes = values.cat.codes.to_numpy()
                labels = pa.array(values.cat.categories.to_list())
                indices = pa.array(codes, mask=codes < 0)
                columns.append(pa.DictionaryArray.from_arrays(indices, labels))
            else:
                columns.append(pa.array(values.to_numpy()))
        return pa.table(columns, [*_OF_HISTORY, *self.profile.columns])

    @classmethod
    def from_arrow(cls, table: pa.Table) -> "Customers":
        """What `to_arrow` made into a table."""
        customers, last, present, active, held, *profile = table.columns
        history = History(
            customers.to_numpy(),
            last.to_numpy().astype("datetime64[M]"),
            present.to_numpy(),
            active.to_numpy(),
            as_matrix(held),
        )
        columns: dict[str, object] = {}
        names = table.column_names[len(_OF_HISTORY) :]
        for name, values in zip(names, profile, strict=True):
            if pa.types.is_dictionary(values.type):
                coded = values.combine_chunks()
                codes = coded.indices.fill_null(-1).to_numpy()
                columns[name] = pd.Categorical.from_codes(codes, coded.dictionary.to_pylist())
            else:
                columns[name] = values.to_numpy()
        return cls(pd.DataFrame(columns, index=range(table.num_rows)), history)

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

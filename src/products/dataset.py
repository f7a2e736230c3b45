"""Customers as they were known at any month: what the training stages and the scoring read.

Every customer is described by the same number of months, split.memory, at most as many as the last
blend month has behind it: with a longer memory, the ranker would be asked about histories longer
than any that it has learnt from.
"""

import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from src.engine import connect
from src.errors import InputError
from src.models.customers import Customers
from src.models.history import History, Ids
from src.products import paths
from src.products.schema import Schema

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend


@dataclass(frozen=True)
class Dataset:
    """Clean profiles, the history of all customers, and the windows of months.

    Months are counted backwards, as in `History`: 1 is the last month of the data (test), 2 the
    one before; 0 is the month after the last, which `recommend` ranks for.
    """

    connection: "Backend"
    schema: Schema
    history: History
    windows: dict[str, list[datetime.date]]
    memory: int

    @classmethod
    def open(cls, schema: Schema) -> "Dataset":
        """Read what split left; profiles are read when they are asked for."""
        split = json.loads(Path(paths.WINDOWS).read_text(encoding="utf-8"))
        windows = {
            name: [datetime.date.fromisoformat(month) for month in split[name]]
            for name in ("base", "blend", "test")
        }
        history = History.read(paths.HISTORY, list(schema.products))
        return cls(connect(), schema, history, windows, split["memory"])

    @property
    def months(self) -> list[datetime.date]:
        """All months, oldest first."""
        return [month for window in self.windows.values() for month in window]

    @property
    def products(self) -> list[str]:
        """Product columns in order."""
        return list(self.schema.products)

    def rolled(self) -> "Dataset":
        """The same windows one month later: nothing is left to test, month 0 is to be predicted."""
        base, blend, test = (self.windows[name] for name in ("base", "blend", "test"))
        later = {"base": [*base, blend[0]], "blend": [*blend[1:], *test], "test": []}
        return Dataset(self.connection, self.schema, self.history, later, self.memory)

    def before_test(self) -> "Dataset":
        """The same windows one month earlier: the last blend month takes the place of test.

        The test month is forgotten, so nothing that is chosen on these windows has seen it.

        Raises
        ------
        InputError
            There is but one blend month.
        """
        base, blend = self.windows["base"], self.windows["blend"]
        if len(blend) < 2:
            raise InputError(
                "the blend window has one month, so none is left to learn from when the last is "
                "held back: lengthen split.blend in params.yaml"
            )
        earlier = {"base": base, "blend": blend[:-1], "test": blend[-1:]}
        memory = min(self.memory, len(base) + len(blend) - 2)
        return Dataset(self.connection, self.schema, self.history.before(1), earlier, memory)

    def window(self, name: str) -> list[int]:
        """Months of a window, counted backwards, oldest first."""
        months = self.months
        return [len(months) - months.index(month) for month in self.windows[name]]

    def customers(self, months_ago: int, rows: NDArray[np.bool_] | None = None) -> Customers:
        """Customers present in the month before the one `months_ago` back, as known then.

        Parameters
        ----------
        months_ago : int
            The month to be predicted.
        rows : bool array, shape (all customers,), optional
            Keep only these.

        Returns
        -------
        Customers
            In the order of ids. Their history ends, and their profile was taken, one month before.
        """
        past = self.history.before(months_ago).recent(self.memory)
        chosen = past.known() if rows is None else past.known() & rows
        known = past.of(chosen)
        return Customers(self._profile(months_ago + 1, known.customers), known)

    def rows(self, customers: Customers) -> NDArray[np.intp]:
        """Positions of some customers among all."""
        return np.searchsorted(self.history.customers, customers.history.customers)

    def additions(self, months_ago: int) -> NDArray[np.bool_]:
        """Products added in the month `months_ago` back; bool, (all customers, products)."""
        return self.history.before(months_ago - 1).additions()

    def base_history(self) -> History:
        """History at the end of the base window of all who were customers in it."""
        last = min(self.window("base"))
        history = self.history.before(last - 1).recent(self.memory)
        return history.of(history.present != 0)

    def sample(self, rows: int, seed: int) -> tuple[Customers, NDArray[np.bool_]]:
        """Draw customer-months evenly from the base window, with what was held in them.

        Returns
        -------
        Customers
            Profiles of the drawn months; at most `rows`, by month and customer.
        bool array, shape (rows, products)
            Holdings in the same months.
        """
        months_ago = self.window("base")
        present = [np.flatnonzero(self.history.before(ago - 1).known()) for ago in months_ago]
        sizes = np.array([len(customers) for customers in present])
        total = int(sizes.sum())
        drawn = np.sort(
            np.random.default_rng(seed).choice(total, size=min(rows, total), replace=False)
        )
        starts = np.concatenate([[0], np.cumsum(sizes)])
        batches, holdings = [], []
        for index, ago in enumerate(months_ago):
            inside = drawn[(drawn >= starts[index]) & (drawn < starts[index + 1])]
            chosen = self.history.before(ago - 1).of(present[index][inside - starts[index]])
            batches.append(Customers(self._profile(ago, chosen.customers), chosen))
            holdings.append(chosen.holdings())
        return Customers.stack(batches), np.concatenate(holdings)

    def _profile(self, months_ago: int, customers: Ids) -> pd.DataFrame:
        """Profiles of the month `months_ago` back, one row per customer, in their order."""
        month = self.months[-months_ago]
        rows = self.connection.read_parquet(paths.CLEAN)
        income = ["income_missing"] if "income" in self.schema.numeric else []
        names = [*self.schema.numeric, *income, *self.schema.categorical]
        table = (
            rows.filter(rows.month == month)
            .select("customer", *names)
            .order_by("customer")
            .to_pyarrow()
        )
        position = np.searchsorted(table["customer"].to_numpy(), customers)
        return _to_pandas(table.select(names), set(self.schema.categorical)).iloc[position]


def _to_pandas(table: pa.Table, categorical: set[str]) -> pd.DataFrame:
    """Numbers as float64, categories as pandas categoricals."""
    columns = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if name in categorical:
            encoded = column.dictionary_encode()
            columns[name] = pd.Categorical.from_codes(
                encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
            )
        else:
            columns[name] = column.cast(pa.float64()).to_numpy()
    return pd.DataFrame(columns)

"""Customers as they were known at any month: what the training stages and the scoring read."""

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from src.engine import Engine, connect
from src.models.customers import Customers
from src.models.history import History
from src.params import Section
from src.products import paths
from src.products.schema import Schema
from src.products.windows import Windows
from src.tables.months import Month, month_of, months_from

_ROWS_AT_ONCE = 16_384  # what is worked out on the way to the additions stays in the cache


@dataclass(frozen=True)
class Dataset:
    """Clean profiles, the history of all customers, and the windows of months."""

    engine: Engine
    schema: Schema
    history: History
    windows: Windows

    @classmethod
    def open(cls, schema: Schema) -> "Dataset":
        """Read what split left; profiles are read when they are asked for."""
        windows = Windows.read()
        history = History.read(paths.HISTORY, list(schema.products), windows.last)
        return cls(connect(), schema, history, windows)

    @property
    def products(self) -> list[str]:
        """Product columns in order."""
        return list(self.schema.products)

    def rolled(self) -> "Dataset":
        """The same windows one month later, see `Windows.rolled`."""
        return Dataset(self.engine, self.schema, self.history, self.windows.rolled())

    def before(self, date: datetime.date) -> "Dataset":
        """What was known before a month, in the windows of `Windows.before`.

        The month and all later ones are forgotten, so nothing that is learnt here has seen them.
        """
        history = self.history.before(month_of(date))
        return Dataset(self.engine, self.schema, history, self.windows.before(date))

    def before_test(self) -> "Dataset":
        """The same windows one month earlier, see `Windows.before_test`.

        The test month is forgotten, so nothing that is chosen on these windows has seen it.
        """
        earlier = self.windows.before_test()
        history = self.history.before(earlier.next)
        return Dataset(self.engine, self.schema, history, earlier)

    def customers(self, month: Month, rows: NDArray[np.bool_] | None = None) -> Customers:
        """Customers present in the month before a month, as known then.

        Parameters
        ----------
        month : Month
            The one to be predicted.
        rows : bool array, shape (all customers,), optional
            Keep only these.

        Returns
        -------
        Customers
            In the order of ids. Their history ends, and their profile was taken, one month before.
        """
        return self.described(self.known_before(month, rows))

    def rows(self, customers: Customers) -> NDArray[np.intp]:
        """Positions of some customers among all."""
        return np.searchsorted(self.history.customers, customers.history.customers)

    def additions(self, month: Month) -> NDArray[np.bool_]:
        """Products added in a month; bool, (all customers, products)."""
        starts = range(0, max(len(self.history.customers), 1), _ROWS_AT_ONCE)
        parts = [self.history.of(slice(start, start + _ROWS_AT_ONCE)) for start in starts]
        return np.concatenate([part.before(month + 1).additions() for part in parts])

    def base_history(self) -> History:
        """History at the end of the base window of all who were customers in it."""
        after = month_of(self.windows.base[-1]) + 1
        history = self.history.before(after).recent(self.windows.lookback_months)
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
        _, (whole,) = self.samples(rows, seed, rows)
        return whole

    def samples(
        self, rows: int, seed: int, at_once: int
    ) -> tuple[int, Iterator[tuple[Customers, NDArray[np.bool_]]]]:
        """Draw a sample in parts of about `at_once` rows, so that memory need not hold all.

        Each part is of a range of customers, which is a range of the sorted table of profiles, and
        has its share of the rows. A sample of one part is that of `sample`.

        Returns
        -------
        int
            Rows in all.
        iterator of (Customers, bool array)
            See `sample`.
        """
        known = np.zeros(len(self.history.customers), dtype=np.int8)
        for date in self.windows.base:
            known += self.known(month_of(date) + 1)
        before = np.concatenate([[0], np.cumsum(known, dtype=np.int64)])
        total = int(before[-1])
        rows = min(rows, total)
        parts = max(-(-rows // at_once), 1)
        bounds = np.searchsorted(before, [total * part // parts for part in range(1, parts)])
        cuts = [0, *bounds.tolist(), len(known)]
        quotas = np.diff([rows * int(before[cut]) // max(total, 1) for cut in cuts])
        generator = np.random.default_rng(seed)

        def drawn() -> Iterator[tuple[Customers, NDArray[np.bool_]]]:
            for start, end, quota in zip(cuts, cuts[1:], quotas, strict=False):
                part = replace(self, history=self.history.of(slice(start, end)))
                history = part._draw(int(quota), generator)
                yield self.described(history), history.holdings()

        return rows, drawn()

    def _draw(self, rows: int, generator: np.random.Generator) -> History:
        """Draw base months of customers, as known then; by month and customer."""
        months = [month_of(date) for date in self.windows.base]
        present = [np.flatnonzero(self.known(month + 1)) for month in months]
        drawn = np.sort(generator.choice(sum(map(len, present)), size=rows, replace=False))
        parts, start = [], 0
        for month, there in zip(months, present, strict=True):
            inside = drawn[(drawn >= start) & (drawn < start + len(there))]
            parts.append(self.history.of(there[inside - start]).before(month + 1))
            start += len(there)
        return History.stack(parts)

    def factorize(
        self, shares: Iterable[pa.Table], items: int, settings: Section
    ) -> NDArray[np.float32]:
        """Let the engine factorise; see `TrainingData`."""
        return self.engine.factorize(shares, items, **settings.model_dump())

    def known(self, month: Month) -> NDArray[np.bool_]:
        """Who was a customer in the month before a month; (all customers,)."""
        return self.history.known(months_from(month, self.windows.last) + 2)

    def known_before(self, month: Month, rows: NDArray[np.bool_] | None = None) -> History:
        """The history of `customers`, without their profiles."""
        known = self.known(month)
        chosen = self.history.of(known if rows is None else known & rows)
        return chosen.before(month).recent(self.windows.lookback_months)

    def described(self, history: History) -> Customers:
        """Put beside a history the profile of each customer's last month; one scan for all."""
        dates = {month_of(date): date for date in self.windows.dates}
        months = np.unique(history.last)
        names = [*self.schema.clean_numeric, *self.schema.categorical]
        rows = self.engine.table(paths.CLEAN)
        if len(history.customers):  # the file is sorted by them: the rest of it is not read
            first, last = history.customers.min(), history.customers.max()
            rows = rows.filter(rows.customer.between(first, last))
        if len(months) == 1:
            chosen = rows.filter(rows.month == dates[months[0]]).order_by("customer")
            table = self.engine.collect(chosen.select("customer", *names))
            position = np.searchsorted(table["customer"].to_numpy(), history.customers)
            return Customers(_to_pandas(table, names, self.schema).iloc[position], history)
        keys = ibis.memtable(
            pa.table(
                {
                    "customer": history.customers,
                    "month": pa.array(_dates_of(history, dates), pa.date32()),
                    "place": np.arange(len(history.customers)),
                }
            )
        )
        joined = rows.join(keys, ["customer", "month"]).order_by("place").select("place", *names)
        return Customers(_to_pandas(self.engine.collect(joined), names, self.schema), history)


def _dates_of(history: History, dates: dict[Month, datetime.date]) -> NDArray[np.datetime64]:
    """The date of the snapshot of each customer's last month."""
    months, codes = np.unique(history.last, return_inverse=True)
    return np.array([dates[month] for month in months], dtype="datetime64[D]")[codes]


def _to_pandas(table: pa.Table, names: list[str], schema: Schema) -> pd.DataFrame:
    """Numbers as float64, categories as pandas categoricals."""
    columns = {}
    for name in names:
        column = table[name].combine_chunks()
        if name in schema.categorical:
            encoded = column.dictionary_encode()
            columns[name] = pd.Categorical.from_codes(
                encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
            )
        else:
            columns[name] = column.cast(pa.float64()).to_numpy()
    return pd.DataFrame(columns, index=range(table.num_rows))

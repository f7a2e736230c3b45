"""The tables behind the analysis: what clean and split left, asked by the engine."""

import datetime
import operator
from collections.abc import Callable
from dataclasses import dataclass

import ibis.expr.types as ir
import pandas as pd

from src.engine import Engine, connect
from src.models.history import MAX_MONTHS, added, with_predecessor
from src.products import paths
from src.products.schema import Schema
from src.products.windows import Windows
from src.tables.months import month_of, months_from


@dataclass(frozen=True)
class EdaTables:
    """What clean and split left.

    Attributes
    ----------
    rows : Table
        One clean row per customer and month.
    history : Table
        The same months as bits, one row per customer: see `History`.
    months : list of date
        Those that the bits describe, oldest first; the last is the test month.
    """

    engine: Engine
    rows: ir.Table
    history: ir.Table
    months: list[datetime.date]
    schema: Schema

    @classmethod
    def open(cls, schema: Schema) -> "EdaTables":
        """Open the tables; nothing is read until something is counted."""
        windows, engine = Windows.read(), connect()
        months = [
            date for date in windows.dates if months_from(month_of(date), windows.last) < MAX_MONTHS
        ]
        clean, history = engine.table(paths.CLEAN), engine.table(paths.HISTORY)
        return cls(engine, clean, history, months, schema)

    @property
    def last(self) -> ir.Table:
        """Rows of the last month."""
        return self.rows.filter(self.rows.month == self.months[-1])

    def lag(self, date: datetime.date) -> int:
        """Lag of a month: 1 is the last, see `history.bit`."""
        return months_from(month_of(date), month_of(self.months[-1])) + 1

    def collect(self, rows: ir.Table) -> pd.DataFrame:
        """Bring a small result into memory."""
        table: pd.DataFrame = self.engine.collect(rows).to_pandas()
        return table


def with_adds(tables: EdaTables, *others: str) -> ir.Table:
    """Each customer's months, and _adds: the months in which anything was added, both as bits."""
    history = tables.history
    pairs = with_predecessor(history.present)
    additions = [added(history[product], pairs) for product in tables.schema.products]
    return history.select("customer", "present", *others, _adds=fold(operator.or_, additions))


def fold(operation: Callable[[ir.Value, ir.Value], ir.Value], values: list[ir.Value]) -> ir.Value:
    """Combine values two by two: a chain of 1,000 products would be nested too deep."""
    while len(values) > 1:
        odd = values[len(values) // 2 * 2 :]
        pairs = zip(values[::2], values[1::2], strict=False)
        values = [operation(left, right) for left, right in pairs] + odd
    return values[0]

"""The tables behind the analysis: what clean and split left, asked by the engine."""

import datetime
import json
import operator
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir

from src.engine import connect
from src.models.history import MAX_MONTHS
from src.products import paths
from src.products.schema import Schema


@dataclass(frozen=True)
class Bank:
    """What clean and split left.

    Attributes
    ----------
    rows : Table
        One clean row per customer and month.
    history : Table
        The same months as bits, one row per customer: see `History`.
    months : list of date
        Those that the bits tell, oldest first; the last is the test month.
    """

    rows: ir.Table
    history: ir.Table
    months: list[datetime.date]
    schema: Schema

    @classmethod
    def open(cls, schema: Schema) -> "Bank":
        """Open the tables; nothing is read until something is counted."""
        windows = json.loads(Path(paths.WINDOWS).read_text(encoding="utf-8"))
        months = [month for name in ("base", "blend", "test") for month in windows[name]]
        connection = connect()
        return cls(
            connection.read_parquet(paths.CLEAN),
            connection.read_parquet(paths.HISTORY),
            [datetime.date.fromisoformat(month) for month in months[-MAX_MONTHS:]],
            schema,
        )

    @property
    def last(self) -> ir.Table:
        """Rows of the last month."""
        return self.rows.filter(self.rows.month == self.months[-1])


def with_adds(bank: Bank, *others: str) -> ir.Table:
    """Each customer's months, and _adds: the months in which anything was added, both as bits."""
    history = bank.history
    pairs = history.present & (history.present >> 1)
    # Not `held & ~earlier`: Ibis 12 drops the parentheses, and the engine reads from the left.
    added = [
        (history[product] & pairs) ^ (history[product] & (history[product] >> 1) & pairs)
        for product in bank.schema.products
    ]
    return history.select("customer", "present", *others, _adds=fold(operator.or_, added))


def fold(operation: Callable[[ir.Value, ir.Value], ir.Value], values: list[ir.Value]) -> ir.Value:
    """Combine values two by two: a chain of 1,000 products would be nested too deep."""
    while len(values) > 1:
        odd = values[len(values) // 2 * 2 :]
        pairs = zip(values[::2], values[1::2], strict=False)
        values = [operation(left, right) for left, right in pairs] + odd
    return values[0]

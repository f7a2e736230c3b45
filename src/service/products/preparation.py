"""From a request to a batch of one customer, by the functions of the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import ibis
import numpy as np
import pandas as pd

from src.models.customers import Customers
from src.models.history import MAX_MONTHS, History
from src.products.clean import Clean, fill_rows, median_keys, valid_rows
from src.products.schema import Schema
from src.service.products.parquet import Table
from src.service.products.requests import Asked
from src.service.products.row import compile_row


@dataclass(frozen=True)
class KnownMonth:
    """What was held in a month, and whether the customer was active (None: not known)."""

    holdings: frozenset[str]
    active: bool | None = None


class Preparation:
    """Clean a profile and tell a history as the pipeline does.

    Parameters
    ----------
    schema, settings
        As the pipeline ran with them.
    medians : path
        What clean fills missing numbers with.
    lookback_months : int
        Months of history that the models learnt from.
    """

    def __init__(self, schema: Schema, settings: Clean, medians: str, lookback_months: int) -> None:
        self.schema = schema
        self.lookback_months = memory
        columns = {
            "customer": "int64",
            "month": "date",
            **dict.fromkeys(schema.numeric, "float64"),
            **dict.fromkeys(schema.categorical, "string"),
            **dict.fromkeys(schema.products, "boolean"),
        }
        self._nothing: dict[str, Any] = dict.fromkeys(columns)
        self._keys = median_keys(schema)
        valid = valid_rows(ibis.table(columns, name="rows"), schema, settings)
        levels = [*(["cell"] if self._keys else []), "overall"]
        fillers = {f"{level}_{name}": "float64" for level in levels for name in schema.numeric}
        self._valid = compile_row(valid)
        self._fill = compile_row(
            fill_rows(ibis.table({**valid.schema(), **fillers}, name="rows"), schema)
        )
        self._medians: dict[tuple[str | None, ...], dict[str, float | None]] = {
            tuple(line[key] for key in self._keys): {name: line[name] for name in schema.numeric}
            for line in Table.open(medians).file.read().to_pylist()
        }
        self._nowhere = tuple(None for _ in self._keys)
        income = ["income_missing"] if "income" in schema.numeric else []
        self._numbers = [*schema.numeric, *income]

    def clean(self, profile: dict[str, float | str | None]) -> dict[str, float | str]:
        """Repair a profile: by the rules of the clean stage, from its medians."""
        row = self._valid(self._nothing | profile)
        cell = self._medians.get(tuple(row[key] for key in self._keys), {})
        overall = self._medians[self._nowhere]
        for name in self.schema.numeric:
            row[f"cell_{name}"] = cell.get(name)
            row[f"overall_{name}"] = overall[name]
        filled = self._fill(row)
        return {name: filled[name] for name in [*self._numbers, *self.schema.categorical]}

    def profile(self, cleaned: dict[str, float | str]) -> pd.DataFrame:
        """A clean profile as the models read it, one row."""
        columns: dict[str, Any] = {name: [float(cleaned[name])] for name in self._numbers}
        for name in self.schema.categorical:
            columns[name] = _category(str(cleaned[name]))
        # Names as objects: pandas looks them up twice as fast as its own texts.
        return pd.DataFrame(columns, columns=pd.Index(list(columns), dtype=object))

    def history(self, months: Sequence[KnownMonth | None]) -> History:
        """Months as bits, the latest first; None where the bank did not know the customer."""
        present = active = 0
        held = dict.fromkeys(self.schema.products, 0)
        for ago, month in enumerate(months[:MAX_MONTHS]):
            if month is None:
                continue
            bit = 1 << ago
            present |= bit
            active |= bit if month.active else 0
            for product in month.holdings:
                held[product] |= bit
        return History(
            np.array([0]), np.array([present]), np.array([active]), np.array([[*held.values()]])
        ).recent(self.lookback_months)

    def customer(self, asked: Asked, known: Customers | None) -> tuple[Customers, bool]:
        """A batch of one, and whether his holdings are known.

        What the request does not give is taken from what the bank knows, if it knows him.
        """
        given = asked.profile.model_dump() if asked.profile is not None else {}
        blank = all(value is None for value in given.values())
        cleaned = self.clean(given)
        profile = self.profile(cleaned) if known is None or not blank else known.profile
        if asked.holdings is None:
            history = self.history([]) if known is None else known.history
            return Customers(profile, history), known is not None
        active = cleaned.get("active") == "1"
        if blank and known is not None:
            active = bool(known.history.active[0] & 1)
        earlier = [
            month and KnownMonth(frozenset(month.holdings), month.active)
            for month in asked.history or []
        ]
        history = self.history([KnownMonth(frozenset(asked.holdings), active), *earlier])
        return Customers(profile, history), True


@lru_cache(maxsize=10_000)  # a tenth of a millisecond each, and the same few come again and again
def _category(value: str) -> Any:
    return pd.Categorical.from_codes([0], pd.Index([value], dtype=object))

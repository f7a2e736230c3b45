"""From a request to a batch of one customer, by the rules of the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from src.models.customers import Customers
from src.models.history import MAX_MONTHS, History
from src.products.repair import Clean, Medians, median_keys, repair_profile
from src.products.schema import Schema
from src.products.windows import Windows
from src.service.products.parquet import Table
from src.service.products.requests import Asked


@dataclass(frozen=True)
class KnownMonth:
    """What was held in a month, and whether the customer was active (None: not known)."""

    holdings: frozenset[str]
    active: bool | None = None


class Preparation:
    """Clean a profile and encode a history as the pipeline does.

    Parameters
    ----------
    schema, settings
        As the pipeline ran with them.
    medians : path
        What clean imputes missing numbers by.
    windows : Windows
        The last month of the data, and how many months describe a customer.
    """

    def __init__(self, schema: Schema, settings: Clean, medians: str, windows: Windows) -> None:
        self.schema = schema
        self._settings = settings
        self._lookback_months = windows.lookback_months
        self._last = np.array([windows.last])
        keys = median_keys(schema)
        self._medians: Medians = {
            tuple(line[key] for key in keys): {name: line[name] for name in schema.numeric}
            for line in Table.open(medians).file.read().to_pylist()
        }

    def clean(self, profile: dict[str, float | str | None]) -> dict[str, float | str]:
        """Repair a profile: by the rules of the clean stage, from its medians."""
        return repair_profile(profile, self.schema, self._settings, self._medians)

    def profile(self, cleaned: dict[str, float | str]) -> pd.DataFrame:
        """A clean profile as the models read it, one row."""
        columns: dict[str, Any] = {
            name: [float(cleaned[name])] for name in self.schema.clean_numeric
        }
        for name in self.schema.categorical:
            columns[name] = _category(str(cleaned[name]))
        # Names as objects: pandas looks them up twice as fast as its own texts.
        return pd.DataFrame(columns, columns=pd.Index(list(columns), dtype=object))

    def history(self, months: Sequence[KnownMonth | None]) -> History:
        """Months as bits, the latest first; None where the bank did not know the customer."""
        present = active = 0
        held = dict.fromkeys(self.schema.products, 0)
        for place, month in enumerate(months[:MAX_MONTHS]):
            if month is None:
                continue
            bit = 1 << place
            present |= bit
            active |= bit if month.active else 0
            for product in month.holdings:
                held[product] |= bit
        return History(
            np.array([0]),
            self._last,
            np.array([present]),
            np.array([active]),
            np.array([[*held.values()]]),
        ).recent(self._lookback_months)

    def customer(self, asked: Asked, known: Customers | None) -> tuple[Customers, bool]:
        """A batch of one, and whether the customer's holdings are known.

        What the request does not give is taken from what the bank knows, if it knows them.
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

"""Log odds of additions, drops and holdings as sums of effects that can be seen in the file."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from src.simulation.calibration import Codes, Flags, Floats

SEGMENTS = ("TOP", "PARTICULARES", "UNIVERSITARIO", "missing")
CHANNELS = (
    "KHE", "KHQ", "KHM", "KHN", "KHK", "KAT", "KFC", "KFA", "RED", "other", "missing",
)  # fmt: skip
AGES = (0, 20, 23, 25, 30, 40, 50, 60, 70)
TENURES = (0, 3, 6, 12, 36, 96, 156)
INCOMES = (0, 70_000, 100_000, 155_000)
PROVINCES = ("28", "8", "other")
LEVELS: dict[str, tuple[str, ...]] = {
    "segment": SEGMENTS,
    "channel": CHANNELS,
    "age": tuple(map(str, AGES)),
    "tenure": tuple(map(str, TENURES)),
    "income": (*map(str, INCOMES), "missing"),
    "province": PROVINCES,
    "active": ("0", "1"),
}
LARGEST_PORTFOLIO = 7
WITHOUT_PRODUCTS_BUT_ACTIVE = LARGEST_PORTFOLIO + 1


def cell(codes: dict[str, Codes]) -> Codes:
    """One number per customer for the combination of levels of all attributes in LEVELS."""
    shape = [len(levels) for levels in LEVELS.values()]
    return np.ravel_multi_index([codes[name] for name in LEVELS], shape).astype(np.int32)


def age_level(ages: npt.NDArray[np.integer]) -> Codes:
    """Level of LEVELS['age'] for ages in years."""
    return _level(AGES, ages)


def tenure_level(tenures: npt.NDArray[np.integer]) -> Codes:
    """Level of LEVELS['tenure'] for tenures in months."""
    return _level(TENURES, tenures)


def income_level(incomes: npt.NDArray[np.float64]) -> Codes:
    """Level of LEVELS['income'] for incomes in EUR per year; NaN is the level ``missing``."""
    levels = _level(INCOMES, np.nan_to_num(incomes, nan=1.0))
    return np.where(np.isnan(incomes), len(INCOMES), levels).astype(np.int32)


def _level(edges: tuple[int, ...], values: npt.NDArray[np.generic]) -> Codes:
    return (np.searchsorted(edges, values, side="right") - 1).astype(np.int32)


@dataclass(frozen=True)
class View:
    """What the month before shows of each customer.

    Attributes
    ----------
    cells : array (customers,)
        Profile, from `cell`.
    held : array (products, customers)
        1 where held.
    just_added : array (products, customers)
        1 where added in the month before.
    active : array (customers,)
        The activity flag.
    new : array (customers,)
        Whether the relation is 2 to 23 months old.
    """

    cells: Codes
    held: npt.NDArray[np.int8]
    just_added: npt.NDArray[np.int8]
    active: Flags
    new: Flags


@dataclass(frozen=True)
class Effects:
    """Additive log odds of profile, portfolio size, held products and last month's additions.

    Attributes
    ----------
    by_cell : array (products, cells)
        Sum of the profile's effects for each combination of levels.
    by_portfolio : array (products, 9)
        Effect of holding 0…6, 7 or more products, and of holding none while active.
    by_held, by_just_added, by_held_when_new : array (products, products)
        Effect on the row's product of holding the column's product, of having added it in the
        month before, and of holding it in the first two years of the relation.
    """

    by_cell: Floats
    by_portfolio: Floats
    by_held: Floats
    by_just_added: Floats
    by_held_when_new: Floats

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> "Effects":
        """Build the lookups from a table of log odds: rows are features, columns products."""

        def rows(*names: str) -> Floats:
            return table.reindex(list(names), fill_value=0.0).to_numpy(np.float32).T

        by_cell = np.zeros((table.shape[1], 1), np.float32)
        for name, levels in LEVELS.items():
            by_level = rows(*(f"{name}={level}" for level in levels))
            by_cell = (by_cell[:, :, None] + by_level[:, None, :]).reshape(len(by_cell), -1)
        by_size = rows(*(f"portfolio={size}" for size in range(LARGEST_PORTFOLIO + 1)))
        by_active = by_size[:, :1] + rows("active_without_products=1")
        return cls(
            by_cell,
            np.hstack([by_size, by_active]),
            rows(*(f"held={product}" for product in table.columns)),
            rows(*(f"just_added={product}" for product in table.columns)),
            rows(*(f"held_when_new={product}" for product in table.columns)),
        )

    def log_odds(self, view: View) -> Floats:
        """Log odds without intercept, array (products, customers)."""
        sizes = np.minimum(view.held.sum(axis=0), LARGEST_PORTFOLIO)
        sizes[(sizes == 0) & view.active] = WITHOUT_PRODUCTS_BUT_ACTIVE
        total = self.by_held @ view.held.astype(np.float32)
        total += self.by_just_added @ view.just_added.astype(np.float32)
        total[:, view.new] += self.by_held_when_new @ view.held[:, view.new].astype(np.float32)
        for product in range(len(total)):
            total[product] += self.by_cell[product][view.cells]
            total[product] += self.by_portfolio[product][sizes]
        return total


@dataclass(frozen=True)
class Recency:
    """Log odds by months since an event and by how often it has happened.

    Attributes
    ----------
    by_months : array (products, 19)
        Effect of 0…17 months since the event; the last column (never) is 0.
    by_count : array (products, 4)
        Effect of 0, 1, 2, and 3 or more events so far.
    """

    by_months: Floats
    by_count: Floats

    NEVER = 18

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> "Recency":
        """Build the lookups from rows ``months=m`` (from m months on) and ``again=k``."""
        products = table.shape[1]
        by_months = np.zeros((products, cls.NEVER + 1), np.float32)
        by_count = np.zeros((products, 4), np.float32)
        for feature, row in table.iterrows():
            name, _, value = str(feature).partition("=")
            effects = row.to_numpy(np.float32)
            if name == "months":
                by_months[:, int(value) : cls.NEVER] = effects[:, None]
            else:
                by_count[:, int(value) :] = effects[:, None]
        return cls(by_months, by_count)

    def log_odds(
        self, product: int, months: npt.NDArray[np.int8], count: npt.NDArray[np.int8]
    ) -> Floats:
        """Effect for one product, array (customers,); `months` is NEVER if it never was."""
        effect: Floats = (
            self.by_months[product][months] + self.by_count[product][np.minimum(count, 3)]
        )
        return effect

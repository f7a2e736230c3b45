"""The calibration tables: facts about the real data, collected from public notebooks.

What each file of ``calibration/`` holds is written in ``calibration/README.md``.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

FOLDER = Path(__file__).parent / "calibration"
TOTAL_CUSTOMERS = 956_645
LEAVERS = 25_192

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Calibration:
    """Facts per month and product, and log-odds per feature and product.

    Attributes
    ----------
    months : list of str
        The 17 snapshot dates, oldest first.
    products : list of str
        The 24 raw product columns, in file order.
    customers : array (months,)
        Customers in each snapshot of the real data.
    owned, additions : array (months, products)
        Owners and additions in the real data.
    """

    months: list[str]
    products: list[str]
    customers: npt.NDArray[np.float64]
    owned: npt.NDArray[np.float64]
    additions: npt.NDArray[np.float64]
    addition_effects: pd.DataFrame
    drop_effects: pd.DataFrame
    holding_effects: pd.DataFrame
    return_effects: pd.DataFrame
    lapse_effects: pd.DataFrame
    populations: pd.DataFrame
    provinces: pd.DataFrame
    values: pd.DataFrame


def load() -> Calibration:
    """Read every table of the folder ``calibration``."""
    owned, additions = _table("owned", "month"), _table("additions", "month")
    return Calibration(
        months=[str(month) for month in owned.index],
        products=list(owned.columns),
        customers=_table("customers", "month")["customers"].to_numpy(np.float64),
        owned=owned.to_numpy(np.float64),
        additions=additions.to_numpy(np.float64),
        addition_effects=_table("addition_effects", "feature"),
        drop_effects=_table("drop_effects", "feature"),
        holding_effects=_table("holding_effects", "feature"),
        return_effects=_table("return_effects", "feature"),
        lapse_effects=_table("lapse_effects", "feature"),
        populations=_table("populations"),
        provinces=_table("provinces"),
        values=_table("values"),
    )


def _table(name: str, index: str | None = None) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.csv", index_col=index, keep_default_na=False)

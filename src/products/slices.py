"""Customer segments that metrics are reported for, and the table that compares revisions."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from src.models.customers import Customers


def slices_of(customers: Customers) -> dict[str, NDArray[np.bool_]]:
    """Who belongs to which slice: customers new to the bank, and each segment; (customers,)."""
    members = {}
    if "new_customer" in customers.profile:
        members["cold_start"] = (customers.profile["new_customer"] == "1").to_numpy()
    if "segment" in customers.profile:
        for segment in sorted(customers.profile["segment"].cat.categories):
            members[f"segment {segment}"] = (customers.profile["segment"] == segment).to_numpy()
    return members


def adder_table(adders: Customers, precision: dict[str, NDArray[np.float64]]) -> pa.Table:
    """What `src.compare` pairs: AP@7 of each model by customer, and the slices they belong to.

    Scores are the columns of float, slices those of bool; rows in the order of ids.
    """
    return pa.table({"customer": adders.history.customers, **precision, **slices_of(adders)})

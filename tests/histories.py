"""Histories of a few customers, for tests that care about some of the fields only."""

import numpy as np
from numpy.typing import ArrayLike

from src.models.history import History

MAY = np.datetime64("2016-05", "M")


def histories(
    present: ArrayLike,
    held: ArrayLike,
    active: ArrayLike = 0,
    customers: ArrayLike | None = None,
    last: np.datetime64 = MAY,
) -> History:
    """Months as bits, bit 0 is `last`; customers 0, 1, … where none are named."""
    known = np.asarray(present, dtype=np.int64)
    ids = np.arange(len(known)) if customers is None else np.asarray(customers)
    return History(
        customers=ids,
        last=np.full(len(known), last),
        present=known,
        active=np.broadcast_to(np.asarray(active, dtype=np.int64), known.shape),
        held=np.asarray(held, dtype=np.int64),
    )


def strangers(size: int, products: int = 1) -> History:
    """Customers of whom nothing is known."""
    return histories(np.zeros(size), np.zeros((size, products)))

"""Interleaving: take turns between the lists of several models, dropping repeats."""

import numpy as np

from src.models.contract import Scores
from src.ranking import top_k


def interleave(lists: list[Scores]) -> Scores:
    """Scores whose order is the interleaved one.

    The first model's best item comes first, then the second model's best, and so on; an item
    is kept where it turns up first. Held products are masked later, as for any scores.

    Parameters
    ----------
    lists : list of float32 arrays, shape (customers, items)
        One per model, in the order of turns.

    Returns
    -------
    float32 array, shape (customers, items)
        Minus the position in the interleaved list, repeats counted.
    """
    customers, items = lists[0].shape
    first = np.full((customers, items), np.inf, dtype=np.float32)
    for turn, scores in enumerate(lists):
        positions = np.empty((customers, items), dtype=np.float32)
        turns = np.arange(items, dtype=np.float32) * len(lists) + turn
        np.put_along_axis(positions, top_k(scores, items).astype(np.intp), turns[None, :], axis=1)
        np.minimum(first, positions, out=first)
    return -first

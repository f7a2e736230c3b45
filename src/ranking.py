"""Top-k of scores under a mask. Nothing else in the project knows how top-k is done."""

import numpy as np
from numpy.typing import NDArray

_ROWS_AT_ONCE = 65_536
_MOST_ITEMS = 2**15


def top_k(
    scores: NDArray[np.float32], k: int, masked: NDArray[np.bool_] | None = None
) -> NDArray[np.int16]:
    """Rank the k best items of each row; equal scores go to the item with the lower index.

    Parameters
    ----------
    scores : float32 array, shape (customers, items)
        Higher is better. Any finite value.
    k : int
        Length of a list; at most the number of items.
    masked : bool array, shape (customers, items), optional
        True where an item must not be recommended (the customer holds it).

    Returns
    -------
    int16 array, shape (customers, k)
        Item indices, best first; -1 where fewer than k items are left by the mask.

    Raises
    ------
    ValueError
        Shapes do not fit, k is out of range, there are more than 32,768 items, or a score is not
        finite.
    """
    customers, items = scores.shape
    if items > _MOST_ITEMS:
        raise ValueError(f"{items} items, but int16 indices name at most {_MOST_ITEMS}")
    if not 1 <= k <= items:
        raise ValueError(f"k is {k}, but must lie between 1 and the number of items, {items}")
    if masked is not None and masked.shape != scores.shape:
        raise ValueError(f"mask has shape {masked.shape}, scores have {scores.shape}")
    ranking = np.empty((customers, k), dtype=np.int16)
    for start in range(0, customers, _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        keys = _sortable(np.asarray(scores[rows], dtype=np.float32))
        if masked is not None:
            keys[masked[rows]] = np.iinfo(np.int64).max
        if k < items:
            keys.partition(k - 1, axis=1)
        best = np.sort(keys[:, :k], axis=1)
        ranking[rows] = np.where(best == np.iinfo(np.int64).max, -1, best & 0xFFFF)
    return ranking


def _sortable(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Pack score and item index into one integer whose ascending order is the ranking.

    One integer per cell keeps ties exact and lets NumPy sort with SIMD, without an argsort. The
    bits of a float order like integers once the negative ones are mirrored.
    """
    if not np.isfinite(scores).all():
        raise ValueError("scores hold NaN or infinity")
    bits = (scores + np.float32(0.0)).view(np.int32).astype(np.int64)  # -0.0 becomes 0.0
    ascending = np.where(bits < 0, np.int64(-(2**31)) - bits, bits)
    return (-ascending << 16) | np.arange(scores.shape[1], dtype=np.int64)

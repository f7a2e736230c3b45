"""Offline lists of known customers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.errors import InputError
from src.models.history import Ids
from src.service.products.parquet import Table, codes_of, ids_of

_NEEDED = {"customer", "rank", "product", "score"}


@dataclass(frozen=True)
class OfflineLists:
    """Offline lists of one kind.

    Attributes
    ----------
    items : int16 array, shape (customers, k)
        Best first, -1 behind the last; rows as in `Known`.
    scores : float32 array, shape (customers, k)
    """

    items: NDArray[np.int16]
    scores: NDArray[np.float32]

    @classmethod
    def read(cls, path: str, products: list[str], customers: Ids) -> "OfflineLists":
        """Read lists of recommend, and check them.

        Raises
        ------
        InputError
            The file is missing, damaged, empty, or says something that a list cannot say.
        """
        table = Table.open(path)
        table.require(_NEEDED)
        if not len(table):
            raise InputError(f"{path} has no row")
        rank = table.read("rank").to_numpy()
        owners = ids_of(table.read("customer"))
        if owners.dtype != customers.dtype:
            raise InputError(f"{path}: column customer is not of the type of the known ids")
        begins = rank == 1
        counts = begins[0] and (begins[1:] | (rank[1:] == rank[:-1] + 1)).all()
        if not counts or ((owners[1:] == owners[:-1]) == begins[1:]).any():
            raise InputError(f"{path}: column rank does not count 1, 2, … for every customer")
        starts = np.flatnonzero(begins)
        rows = _rows(owners[starts], customers, path)
        lengths = np.zeros(len(customers), dtype=np.int16)
        lengths[rows] = np.diff(starts, append=len(owners))
        del owners, begins
        shown = np.arange(lengths.max()) < lengths[:, None]
        scores = table.read("score").to_numpy()
        if not np.isfinite(scores).all():
            raise InputError(f"{path}: column score is not finite in some rows")
        lists = cls(np.full(shown.shape, -1, np.int16), np.zeros(shown.shape, np.float32))
        lists.items[shown] = codes_of(table.read("product"), products, f"{path}: product")
        lists.scores[shown] = scores
        return lists

    def of(self, row: int) -> tuple[list[int], list[float]]:
        """Items and scores of one customer."""
        items = self.items[row].tolist()
        end = items.index(-1) if items[-1] < 0 else len(items)
        return items[:end], self.scores[row, :end].tolist()

    def contains(self, items: NDArray[np.int16]) -> NDArray[np.bool_]:
        """Whether each of some items (customers, k) is in its customer's list."""
        found = np.zeros(items.shape, dtype=bool)
        for rank in range(self.items.shape[1]):
            found |= items == self.items[:, rank : rank + 1]
        return found & (items >= 0)


def _rows(owners: Ids, customers: Ids, path: str) -> NDArray[np.intp]:
    """Rows of the owners of lists among the known customers, both ascending."""
    rows = np.minimum(np.searchsorted(customers, owners), len(customers) - 1)
    unknown = customers[rows] != owners
    if unknown.any():
        raise InputError(
            f"{path}: {int(unknown.sum()):,} customers are not known (for example "
            f"{owners[unknown][0]})"
        )
    if (rows[1:] <= rows[:-1]).any():
        raise InputError(f"{path}: its rows are not in the order of customers")
    return rows

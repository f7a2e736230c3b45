"""Clean payments in memory: arrays, with clients, providers and attributes as codes."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from src.parts import read_table

ATTRIBUTES = ("region", "unit", "category", "operation")  # where the schema has them


@dataclass(frozen=True)
class Codes:
    """A column of text as codes.

    Attributes
    ----------
    codes : int32 array, shape (payments,)
        Index of each payment's label; -1 where there is none.
    labels : list of str
        Sorted.
    """

    codes: NDArray[np.int32]
    labels: list[str]


@dataclass(frozen=True)
class Payments:
    """Payments by client and day; one array entry each.

    Attributes
    ----------
    client : int32 array
        Index of the client in `clients`.
    provider : int32 array
        Index of the provider in `providers`; -1 where it is not known who was paid.
    day : int32 array
        Days since 1970-01-01.
    amount : float64 array
        NaN where it is missing.
    clients : array
        Ids, sorted.
    providers : list of str
        Sorted.
    attributes : dict of name -> Codes
        Those of `ATTRIBUTES` that the table has.
    """

    client: NDArray[np.int32]
    provider: NDArray[np.int32]
    day: NDArray[np.int32]
    amount: NDArray[np.float64]
    clients: NDArray[Any]
    providers: list[str]
    attributes: dict[str, Codes]

    @classmethod
    def open(cls, path: str | Path) -> "Payments":
        """Read the table that clean wrote; it is sorted by client and date."""
        table = read_table(path)
        client = coded(table["client"])
        provider = coded(table["provider"])
        return cls(
            client=client.codes,
            provider=provider.codes,
            day=table["date"].cast(pa.int32()).to_numpy(),
            amount=table["amount"].to_numpy(),
            clients=np.array(client.labels),
            providers=provider.labels,
            attributes={
                name: coded(table[name]) for name in ATTRIBUTES if name in table.column_names
            },
        )

    def __len__(self) -> int:
        """Return the number of payments."""
        return len(self.client)

    def of(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Payments":
        """Take some payments; codes keep their meaning."""
        return replace(
            self,
            client=self.client[rows],
            provider=self.provider[rows],
            day=self.day[rows],
            amount=self.amount[rows],
            attributes={
                name: replace(one, codes=one.codes[rows]) for name, one in self.attributes.items()
            },
        )

    def between(self, first: int, end: int) -> "Payments":
        """Take the payments of the days from `first` on and before `end`."""
        return self.of((self.day >= first) & (self.day < end))

    def latest(self, attribute: str) -> NDArray[np.intp]:
        """Code of each client's latest region, unit or the like, shape (clients,); -1 without one.

        Of two on one day, the one in the later row.
        """
        found = np.full(len(self.clients), -1, dtype=np.intp)
        codes = self.attributes[attribute].codes
        rows = np.flatnonzero(codes >= 0)
        if len(rows):
            starts = np.flatnonzero(np.diff(self.client[rows], prepend=-1))
            by_day = self.day[rows].astype(np.int64) * len(self) + rows
            last = np.maximum.reduceat(by_day, starts) % len(self)
            found[self.client[last]] = codes[last]
        return found


def coded(column: pa.ChunkedArray) -> Codes:
    """Codes of a column by the order of its labels, whatever order they come in."""
    encoded = column.combine_chunks().dictionary_encode()
    labels = encoded.dictionary
    order = pc.sort_indices(labels).to_numpy()
    places = np.empty(len(labels) + 1, dtype=np.int32)
    places[order] = np.arange(len(labels))
    places[-1] = -1
    codes = encoded.indices.fill_null(len(labels)).to_numpy()
    return Codes(places[codes], labels.take(pa.array(order)).to_pylist())

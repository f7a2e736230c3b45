"""The payments of one client, out of the table of all: read when they are asked for."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from src.errors import InputError
from src.models.history import Ids
from src.parts import refuse_folder
from src.payments.manifest import MEND

_TEXTS = ("provider", "region", "unit", "name")


@dataclass(frozen=True)
class Ledger:
    """Payments on disk, by client and day, and where those of each client begin.

    The file stays open, so that what is read is of one run, whatever a later one puts in its place.

    Attributes
    ----------
    file : ParquetFile
    columns : list of str
        Those that are read.
    clients : array, shape (clients,)
        Ids, rising.
    begins : int64 array, shape (clients + 1,)
        First row of each client, and the end.
    groups : int64 array, shape (row groups + 1,)
        First row of each row group, and the end.
    """

    file: pq.ParquetFile
    columns: list[str]
    clients: Ids
    begins: NDArray[np.int64]
    groups: NDArray[np.int64]

    @classmethod
    def open(cls, path: str | Path) -> "Ledger":
        """Find where each client's payments begin.

        Raises
        ------
        InputError
            The table is not sorted by client.
        """
        refuse_folder(path)
        names = pq.read_schema(path).names
        texts = [name for name in _TEXTS if name in names]
        # As codes: a third of the time of texts.
        file = pq.ParquetFile(path, read_dictionary=texts)
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        groups = np.cumsum([0, *sizes], dtype=np.int64)
        ids, starts = [], []
        for group, first in enumerate(groups[:-1].tolist()):
            column = file.read_row_group(group, columns=["client"]).column(0).combine_chunks()
            runs = pc.run_end_encode(column)
            ids.append(runs.values)
            starts.append(first + np.r_[0, runs.run_ends.to_numpy()[:-1]])
        owners = pa.chunked_array(ids, file.schema_arrow.field("client").type).to_numpy()
        first_rows = np.concatenate([*starts, [0]])[:-1]  # of no group, too
        new = np.r_[True, owners[1:] != owners[:-1]][: len(owners)]
        clients = owners[new]
        if not (clients[1:] > clients[:-1]).all():
            raise InputError(f"{path}: its rows are not in the order of clients; {MEND}")
        begins = np.r_[first_rows[new], groups[-1]].astype(np.int64)
        return cls(file, ["date", "amount", *texts], clients, begins, groups)

    def of(self, client: int | str) -> pa.Table:
        """Payments of a client, oldest first; none of one who is not known."""
        place = int(np.searchsorted(self.clients, client))
        if place == len(self.clients) or self.clients[place] != client:
            return self.file.schema_arrow.empty_table().select(self.columns)
        start, end = self.begins[place : place + 2].tolist()
        first, last = np.searchsorted(self.groups, [start, end - 1], side="right") - 1
        wanted = list(range(first, last + 1))
        table = self.file.read_row_groups(wanted, columns=self.columns, use_threads=False)
        return table.slice(start - int(self.groups[first]), end - start)

    def names(self) -> dict[str, str]:
        """Name of each provider, as it is written last; none if the table has no names."""
        found: dict[str, str] = {}
        if "name" in self.columns:
            for group in range(self.file.num_row_groups):
                table = self.file.read_row_group(group, columns=["provider", "name"]).drop_null()
                pairs = table.group_by(["provider", "name"]).aggregate([])
                found |= zip(pairs["provider"].to_pylist(), pairs["name"].to_pylist(), strict=True)
        return found

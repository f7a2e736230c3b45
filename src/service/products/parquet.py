"""Columns of parquet files, read one by one or a few at a time, and checked."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from src.errors import InputError
from src.models.history import Ids
from src.parts import refuse_folder


@dataclass(frozen=True)
class Table:
    """A parquet file, open: columns are read when they are needed, as all would fill memory."""

    path: str
    file: pq.ParquetFile

    @classmethod
    def open(cls, path: str) -> "Table":
        """Open a file.

        Raises
        ------
        InputError
            It is missing, or not whole.
        """
        refuse_folder(path)
        if not Path(path).is_file():
            raise InputError(f"{path} is missing; run dvc repro or dvc pull")
        try:
            return cls(path, pq.ParquetFile(path))
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(
                f"{path} is not a whole parquet file ({error}); get it again"
            ) from None

    def __len__(self) -> int:
        return int(self.file.metadata.num_rows)

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self.file.schema_arrow.names)

    def require(self, names: Iterable[str]) -> None:
        """Raise InputError if a column is absent."""
        if absent := sorted(set(names) - set(self.names)):
            raise InputError(f"{self.path} has no column {', '.join(absent)}")

    def read(self, name: str) -> pa.ChunkedArray:
        """Read a column in which every cell has a value.

        Raises
        ------
        InputError
            A cell has none.
        """
        (column,) = self.read_some([name])
        return column

    def read_some(self, names: list[str]) -> list[pa.ChunkedArray]:
        """Read columns as `read` does, side by side."""
        table = self.file.read(columns=names)
        for name in names:
            if nulls := table[name].null_count:
                raise InputError(f"{self.path}: column {name} has no value in {nulls:,} rows")
        return [table[name] for name in names]


def ids_of(column: pa.ChunkedArray) -> Ids:
    """Ids as History has them: int64, or text as objects."""
    return column.to_numpy()  # type: ignore[no-any-return]


def codes_of(column: pa.ChunkedArray, names: list[str], what: str) -> NDArray[np.int16]:
    """Places of a column's texts among `names`; -1 where there is none.

    Raises
    ------
    InputError
        A text is not among them.
    """
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    encoded = encoded.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # of no rows
        return np.zeros(0, dtype=np.int16)
    place = {name: index for index, name in enumerate(names)}
    found = encoded.dictionary.to_pylist()
    unknown = sorted(str(name) for name in found if name not in place)
    if unknown:
        raise InputError(f"{what} '{unknown[0]}' is not known")
    codes = np.array([*(place[name] for name in found), -1], dtype=np.int16)
    return np.asarray(codes[encoded.indices.fill_null(len(found)).to_numpy()])

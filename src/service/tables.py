"""Columns of parquet files, read one at a time and checked."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from src.errors import InputError
from src.models.history import Ids


def check_parquet(path: str) -> None:
    """Say whether a file is there and whole.

    Raises
    ------
    InputError
        It is not.
    """
    if not Path(path).is_file():
        raise InputError(f"{path} is missing; run dvc repro or dvc pull")
    try:
        pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} is not a whole parquet file ({error}); get it again") from None


def read_column(path: str, name: str) -> pa.ChunkedArray:
    """Read one column of a file: all at once would take three times the memory.

    Raises
    ------
    InputError
        A cell has no value.
    """
    column = pq.read_table(path, columns=[name])[name]
    if column.null_count:
        raise InputError(f"{path}: column {name} has no value in {column.null_count:,} rows")
    return column


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

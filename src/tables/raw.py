"""Raw files of a bank -> one typed table, sorted, and the rows that could not be read.

The files are first read with typed columns and written in one pass, assuming they are clean. Only
if the engine fails, or a row looks wrong, are they read again as text: to count what is wrong, then
to write the rest.
"""

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from src import parts
from src.engine import Engine, UnreadableError
from src.errors import InputError
from src.tables import files
from src.tables.cells import rejects, typed
from src.tables.columns import Columns, identity, of_kind
from src.tables.spelling import category
from src.tables.validation import check_values

_COMPRESSION = "lz4_raw"
_HEAD = 1000  # rows


@dataclass(frozen=True)
class Loaded:
    """What was read: rows written, rows set aside, nulls by column, and notes on the files."""

    rows: int
    rejected: int
    missing: dict[str, int]
    notes: list[str]


def load(
    engine: Engine,
    source: str,
    columns: Columns,
    order: Sequence[str],
    max_rejected_share: float,
    table: Path,
    rejected: Path,
    advice: str,
    params_file: str = "params.yaml",
) -> Loaded:
    """Read raw files, check them, and write what they say.

    Parameters
    ----------
    engine : Engine
    source : str
        As `files.find` takes it.
    columns : sequence of Column
        What the table gets: ids, timestamps, numbers as float64, categories as text in their one
        spelling, flags as booleans; null where the files say nothing.
    order : sequence of str
        Columns by which the table is sorted.
    max_rejected_share : float
        Share of unreadable rows above which the files are refused.
    table, rejected : Path
        Where to write the table, and the rows that cannot be read: reason, raw columns as text.
    advice : str
        What to do if there is no file.
    params_file : str
        Where columns are mapped: it is named where that has to change.

    Raises
    ------
    InputError
        The files as a whole cannot be trusted.
    """
    with tempfile.TemporaryDirectory(prefix=".unpacked-", dir=table.parent) as folder:
        found = files.find(source, Path(folder), columns, advice, params_file)
        try:
            rows = files.read(engine, found.files, columns, typed=True)
            _write(engine, rows, columns, order, table)
            in_doubt = _nulls(table)[identity(columns).name] > 0
        except UnreadableError:  # some cell is no date or no number, or the file is damaged
            in_doubt = True
        if in_doubt:
            text = files.read(engine, found.files, columns, typed=False)
            try:
                check_values(engine, text, columns, source, max_rejected_share, params_file)
            except InputError as error:  # it may name a file by where it was unpacked
                raise InputError(found.titled(str(error))) from None
            readable = typed(text, columns).drop_null(identity(columns).name)
            engine.write(readable, table, order, _COMPRESSION)
            engine.write(rejects(text, columns), rejected)
        else:
            names = ["reason", *(column.raw for column in columns)]
            nothing = pa.table({name: pa.array([], pa.string()) for name in names})
            pq.write_table(nothing, rejected, compression="zstd")
    return Loaded(_rows(table), _rows(rejected), _nulls(table), found.notes)


def _write(
    engine: Engine, rows: ir.Table, columns: Columns, order: Sequence[str], path: Path
) -> None:
    """Write the table, each category in its one spelling.

    To respell a column takes long, so it is done where the first rows ask for it; where later rows
    do, the table is written again.
    """
    names = {column.raw: column.name for column in of_kind(columns, "category")}
    head = engine.collect(rows.limit(_HEAD))
    odd = {names[raw] for raw in names if _oddly_spelt(head[raw].unique())}
    while True:
        as_spelt = set(names.values()) - odd
        engine.write(typed(rows, columns, as_spelt), path, order, _COMPRESSION)
        codes = sorted(as_spelt)
        written = [pq.ParquetFile(file, read_dictionary=codes) for file in parts.files(path)]
        found = {
            name
            for file in written
            for group, name in product(range(file.num_row_groups), as_spelt)
            for chunk in file.read_row_group(group, [name])[name].chunks
            if _oddly_spelt(chunk.dictionary)
        }
        if not found:
            return
        odd |= found


def _oddly_spelt(values: pa.Array) -> bool:
    return any(category(value) != value for value in values.to_pylist())


def _rows(path: Path) -> int:
    return sum(pq.read_metadata(file).num_rows for file in parts.files(path))


def _nulls(path: Path) -> dict[str, int]:
    """Nulls of each column, which the metadata of files know."""
    counts: Counter[str] = Counter()
    for file in parts.files(path):
        metadata = pq.read_metadata(file)
        counts.update(dict.fromkeys(metadata.schema.names, 0))
        for group in range(metadata.num_row_groups):
            for index, name in enumerate(metadata.schema.names):
                counts[name] += metadata.row_group(group).column(index).statistics.null_count
    return dict(counts)

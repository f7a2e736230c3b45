"""ingest: raw monthly snapshots -> one typed parquet per customer and month, and its quality.

The file is first read with typed columns and written in one pass, assuming it is clean. Only if the
engine fails, or a row looks wrong, is it read again as text: to count what is wrong, then to write
the rest.
"""

import sys
import tempfile
from itertools import product
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from src import params
from src.engine import Engine, UnreadableError, connect
from src.errors import InputError, run
from src.products import paths
from src.products.schema import Schema
from src.reporting import atomic, write_json
from src.tables import files
from src.tables.cells import rejects, typed
from src.tables.columns import Columns, of_kind
from src.tables.spelling import category
from src.tables.validation import check_keys, check_values

_ADVICE = (
    "set ingest.path in params.yaml to your snapshots, or make simulated ones with 'dvc repro "
    "pipelines/simulation/dvc.yaml'. (An experiment that runs elsewhere, --queue or --temp, sees "
    "own data only by an absolute path, or after 'dvc add' and a commit of the .dvc file)"
)
_ORDER = ["customer", "month"]
_COMPRESSION = "lz4_raw"
_HEAD = 1000  # rows


class Ingest(params.Section):
    """Parameters of the stage."""

    path: str
    max_rejected_share: float = Field(ge=0, lt=1)
    min_stay_share: float = Field(ge=0, lt=1)


def ingest(source: str, schema: Schema, settings: Ingest) -> dict[str, object]:
    """Read raw snapshots, check them, and write them typed and sorted by customer and month.

    Writes `paths.SNAPSHOTS` (customer, month, numeric as float64, categories as text, products as
    booleans; null where the file says nothing) and `paths.REJECTED` (reason, and the raw columns
    as text).

    Parameters
    ----------
    source : str
        As `files.find` takes it.
    schema : Schema
        Which raw column means what.
    settings : Ingest
        Its limits.

    Returns
    -------
    dict
        rows, rejected rows, customers, months, warnings, notes on the files, missing values per
        column; least, most and commonest value of each number.

    Raises
    ------
    InputError
        The file as a whole cannot be trusted; nothing is written.
    """
    engine = connect()
    columns = schema.columns
    with (
        atomic(paths.SNAPSHOTS) as table,
        atomic(paths.REJECTED) as rejected,
        tempfile.TemporaryDirectory(prefix=".unpacked-", dir=table.parent) as folder,
    ):
        found = files.find(source, Path(folder), columns, _ADVICE)
        try:
            rows = files.read(engine, found.files, columns, typed=True)
            _write(engine, rows, columns, table)
            in_doubt = _missing(table)["customer"] > 0
        except UnreadableError:  # some cell is no date or no number, or the file is damaged
            in_doubt = True
        if in_doubt:
            text = files.read(engine, found.files, columns, typed=False)
            try:
                check_values(engine, text, columns, source, settings.max_rejected_share)
            except InputError as error:  # it may name a file by where it was unpacked
                raise InputError(found.titled(str(error))) from None
            readable = typed(text, columns).drop_null("customer")
            engine.write(readable, table, _ORDER, _COMPRESSION)
            engine.write(rejects(text, columns), rejected)
        else:
            names = ["reason", *(column.raw for column in columns)]
            nothing = pa.table({name: pa.array([], pa.string()) for name in names})
            pq.write_table(nothing, rejected, compression="zstd")
        unread = pq.read_metadata(rejected).num_rows
        owner, month, *_ = columns
        return {
            "rows": pq.read_metadata(table).num_rows,
            "rejected": unread,
            **check_keys(table, owner, month, source, settings.min_stay_share),
            "notes": found.notes,
            "missing": _missing(table),
            "numbers": _numbers(engine, table, schema),
        }


def _write(engine: Engine, rows: ir.Table, columns: Columns, path: Path) -> None:
    """Write the table, each category in its one spelling.

    To respell a column takes long, so it is done where the first rows ask for it; where later rows
    do, the table is written again.
    """
    names = {column.raw: column.name for column in of_kind(columns, "category")}
    head = engine.collect(rows.select(list(names)).limit(_HEAD))
    odd = {names[raw] for raw in names if _oddly_spelt(head[raw].unique())}
    while True:
        as_spelt = set(names.values()) - odd
        engine.write(typed(rows, columns, as_spelt), path, _ORDER, _COMPRESSION)
        file = pq.ParquetFile(path, read_dictionary=sorted(as_spelt))
        found = {
            name
            for group, name in product(range(file.num_row_groups), as_spelt)
            for chunk in file.read_row_group(group, [name])[name].chunks
            if _oddly_spelt(chunk.dictionary)
        }
        if not found:
            return
        odd |= found


def _oddly_spelt(values: pa.Array) -> bool:
    return any(category(value) != value for value in values.to_pylist())


def _missing(path: Path) -> dict[str, int]:
    """Nulls of each column, which the file's metadata know."""
    metadata = pq.read_metadata(path)
    missing = dict.fromkeys(metadata.schema.names, 0)
    for group in range(metadata.num_row_groups):
        for index, name in enumerate(missing):
            missing[name] += metadata.row_group(group).column(index).statistics.null_count
    return missing


def _numbers(engine: Engine, path: Path, schema: Schema) -> dict[str, dict[str, float | None]]:
    """Lowest, highest and commonest value of each number: a sentinel stands out.

    Of values that are equally common, the least; None if a column has no value.
    """
    rows = engine.table(path)
    found: dict[str, dict[str, float | None]] = {}
    for name in schema.numeric:
        values = rows.select(value=rows[name]).drop_null()
        (told,) = engine.collect(
            values.aggregate(min=values["value"].min(), max=values["value"].max())
        ).to_pylist()
        # The engine's own mode is any of several, and not the same one each time.
        counted = values.group_by("value").aggregate(times=values.count())
        common = engine.collect(counted.order_by(ibis.desc("times"), "value").limit(1))
        found[name] = told | {"mode": next(iter(common["value"].to_pylist()), None)}
    return found


def main() -> None:
    """Run the stage as params.yaml says."""
    stage = params.load("ingest", Ingest)
    schema = params.load("schema", Schema)
    quality = ingest(stage.path, schema, stage)
    write_json(paths.QUALITY, quality)
    for line in [*quality["notes"], *quality["warnings"]]:  # type: ignore[misc]
        print(f"note: {line}", file=sys.stderr)


if __name__ == "__main__":
    run(main)

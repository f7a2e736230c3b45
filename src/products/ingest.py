"""ingest: raw monthly snapshots -> one typed parquet by customer and month, and its quality.

A file is read typed and written in one go, on trust. Only where the engine stumbles, or a row comes
out in doubt, is the file read again as text: first to count what is wrong, then to write the rest.
"""

import tempfile
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend
from pydantic import Field

from src import params
from src.engine import EngineError, connect
from src.errors import run
from src.products import paths, raw
from src.products.cells import rejects, snapshots
from src.products.refusals import check_keys, check_values
from src.products.schema import Schema
from src.reporting import atomic, write_json


class Ingest(params.Section):
    """Parameters of the stage."""

    path: str
    max_rejected_share: float = Field(ge=0, lt=1)


def ingest(source: str, schema: Schema, max_rejected_share: float) -> dict[str, object]:
    """Read raw snapshots, check them, and write them typed and sorted by customer and month.

    Writes `paths.SNAPSHOTS` (customer, month, numeric as float64, categories as text, products as
    booleans; null where the file says nothing) and `paths.REJECTED` (reason, and the raw columns
    as text).

    Parameters
    ----------
    source : str
        CSV, .csv.gz, .zip of CSV, parquet; a folder or a glob of them.
    schema : Schema
        Which raw column means what.
    max_rejected_share : float
        Share of unreadable rows above which the file is refused.

    Returns
    -------
    dict
        rows, rejected rows, customers, months, missing values per column.

    Raises
    ------
    InputError
        The file as a whole cannot be trusted; nothing is written.
    """
    connection = connect()
    with (
        atomic(paths.SNAPSHOTS) as table,
        atomic(paths.REJECTED) as rejected,
        tempfile.TemporaryDirectory(prefix=".unpacked-", dir=table.parent) as folder,
    ):
        files = raw.find(source, Path(folder))
        raw.check_columns(files, schema)
        try:
            typed = raw.read(connection, files, schema, typed=True)
            _write(connection, snapshots(typed, schema), table)
            in_doubt = _missing(table)["customer"] > 0
        except EngineError:  # some cell is no date or no number, or the file is damaged
            in_doubt = True
        if in_doubt:
            text = raw.read(connection, files, schema, typed=False)
            check_values(text, schema, source, max_rejected_share)
            _write(connection, snapshots(text, schema).drop_null("customer"), table)
            connection.to_parquet(rejects(text, schema), rejected, compression="zstd")
        else:
            names = ["reason", *schema.raw_columns]
            nothing = pa.table({name: pa.array([], pa.string()) for name in names})
            pq.write_table(nothing, rejected, compression="zstd")
        unread = pq.read_metadata(rejected).num_rows
        return {
            "rows": pq.read_metadata(table).num_rows,
            "rejected": unread,
            **check_keys(table, schema, source),
            "missing": _missing(table),
        }


def _write(connection: Backend, rows: ir.Table, path: Path) -> None:
    ordered = rows.order_by("customer", "month")
    connection.to_parquet(ordered, path, compression="lz4_raw")


def _missing(path: Path) -> dict[str, int]:
    """Nulls of each column, which the file's metadata know."""
    metadata = pq.read_metadata(path)
    missing = dict.fromkeys(metadata.schema.names, 0)
    for group in range(metadata.num_row_groups):
        for index, name in enumerate(missing):
            missing[name] += metadata.row_group(group).column(index).statistics.null_count
    return missing


def main() -> None:
    """Run the stage as params.yaml says."""
    stage = params.load("ingest", Ingest)
    schema = params.load("schema", Schema)
    write_json(paths.QUALITY, ingest(stage.path, schema, stage.max_rejected_share))


if __name__ == "__main__":
    run(main)

"""ingest: raw monthly snapshots -> one typed parquet by customer and month, and its quality.

A file is read typed and written in one go, on trust. Only where the engine stumbles, or a row comes
out in doubt, is the file read again as text: first to count what is wrong, then to write the rest.
"""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from src import params
from src.engine import UnreadableError, connect
from src.errors import run
from src.products import paths
from src.products.schema import Schema
from src.reporting import atomic, write_json
from src.tables import files
from src.tables.cells import rejects, typed
from src.tables.validation import check_keys, check_values

_ADVICE = (
    "set ingest.path in params.yaml to your snapshots, or make simulated ones with 'dvc repro "
    "pipelines/simulation/dvc.yaml'"
)
_ORDER = ["customer", "month"]
_COMPRESSION = "lz4_raw"


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
    engine = connect()
    columns = schema.columns
    with (
        atomic(paths.SNAPSHOTS) as table,
        atomic(paths.REJECTED) as rejected,
        tempfile.TemporaryDirectory(prefix=".unpacked-", dir=table.parent) as folder,
    ):
        found = files.find(source, Path(folder), _ADVICE)
        files.check_columns(found, columns)
        try:
            rows = files.read(engine, found, columns, typed=True)
            engine.write(typed(rows, columns), table, _ORDER, _COMPRESSION)
            in_doubt = _missing(table)["customer"] > 0
        except UnreadableError:  # some cell is no date or no number, or the file is damaged
            in_doubt = True
        if in_doubt:
            text = files.read(engine, found, columns, typed=False)
            check_values(engine, text, columns, source, max_rejected_share)
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
            **check_keys(table, owner, month, source),
            "missing": _missing(table),
        }


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

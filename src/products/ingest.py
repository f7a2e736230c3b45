"""ingest: raw monthly snapshots -> one typed parquet per customer and month, and its quality."""

import sys

from pydantic import Field

from src import params
from src.engine import connect
from src.errors import run
from src.products import paths
from src.products.schema import Schema
from src.reporting import atomic, write_json
from src.tables import raw
from src.tables.numbers import extremes
from src.tables.validation import check_keys

_ADVICE = (
    "set ingest.path in params.yaml to your snapshots, or make simulated ones with 'dvc repro "
    "pipelines/simulation/dvc.yaml'. (An experiment that runs elsewhere, --queue or --temp, sees "
    "own data only by an absolute path, or after 'dvc add' and a commit of the .dvc file)"
)
_ORDER = ["customer", "month"]


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
    with atomic(paths.SNAPSHOTS) as table, atomic(paths.REJECTED) as rejected:
        columns, share = schema.columns, settings.max_rejected_share
        read = raw.load(engine, source, columns, _ORDER, share, table, rejected, _ADVICE)
        owner, month, *_ = columns
        return {
            "rows": read.rows,
            "rejected": read.rejected,
            **check_keys(table, owner, month, source, settings.min_stay_share),
            "notes": read.notes,
            "missing": read.missing,
            "numbers": extremes(engine, engine.table(table), list(schema.numeric)),
        }


def main() -> None:
    """Run the stage as params.yaml says."""
    stage = params.load("ingest", Ingest)
    schema = params.load("schema", Schema)
    quality = ingest(stage.path, schema, stage)
    write_json(paths.QUALITY, {"source": stage.path, **quality})
    for line in [*quality["notes"], *quality["warnings"]]:  # type: ignore[misc]
        print(f"note: {line}", file=sys.stderr)


if __name__ == "__main__":
    run(main)

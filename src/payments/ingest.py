"""ingest: raw transactions -> one typed parquet by client and time, and its quality."""

import datetime
import sys
from itertools import pairwise

import ibis.expr.types as ir
from pydantic import Field

from src import params
from src.engine import Engine, connect
from src.errors import InputError, run
from src.payments import paths
from src.payments.schema import PARAMS, Schema
from src.reporting import atomic, write_json
from src.tables import raw
from src.tables.numbers import extremes

_ADVICE = (
    f"set ingest.path in {PARAMS} to your transactions, or make simulated ones with 'dvc repro "
    "pipelines/payments/dvc.yaml:simulate'. (An experiment that runs elsewhere, --queue or --temp, "
    "sees own data only by an absolute path, or after 'dvc add' and a commit of the .dvc file)"
)
_GAP = 7  # days without any payment that are worth a word; a holiday is shorter
_SHOWN = 3


class Ingest(params.Section):
    """Parameters of the stage."""

    path: str
    max_rejected_share: float = Field(ge=0, lt=1)


def ingest(source: str, schema: Schema, settings: Ingest) -> dict[str, object]:
    """Read raw transactions, check them, and write them typed and sorted by client and time.

    Writes `paths.PAYMENTS` (client, date as a timestamp, provider and attributes as text, amount as
    float64 and with the sign that the file gives it; null where the file says nothing) and
    `paths.REJECTED` (reason, and the raw columns as text).

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
        rows, rejected rows, clients, providers, first and last day, days between them without any
        payment, warnings, notes on the files, missing values per column; least, most and commonest
        amount.

    Raises
    ------
    InputError
        The file as a whole cannot be trusted; nothing is written.
    """
    engine = connect()
    with atomic(paths.PAYMENTS) as table, atomic(paths.REJECTED) as rejected:
        columns, share = schema.columns, settings.max_rejected_share
        # By all columns: rows that the first ones do not tell apart have a defined order, too.
        order = ["client", "date", *(one.name for one in columns[2:])]
        read = raw.load(
            engine, source, columns, order, share, table, rejected, _ADVICE, params_file=PARAMS
        )
        rows = engine.table(table)
        return {
            "rows": read.rows,
            "rejected": read.rejected,
            **_stream(engine, rows, schema, source),
            "notes": read.notes,
            "missing": read.missing,
            "numbers": extremes(engine, rows, ["amount"]),
        }


def _stream(engine: Engine, rows: ir.Table, schema: Schema, source: str) -> dict[str, object]:
    """Who pays whom on which days, and whether that can be a stream of payments."""
    daily = engine.collect(
        rows.group_by(day=rows.date.date()).aggregate(rows=rows.count()).order_by("day")
    )
    days = daily["day"].to_pylist()
    if not days:
        raise InputError(f"{source} has no readable row below its header; get the file again")
    if len(days) == 1:
        raise InputError(
            f"{source}: column {schema.date} is {days[0]} in every row, but what is paid again can "
            "only be seen between two days; add the payments of other days"
        )
    wrong = rows.amount > 0 if schema.paid == "negative" else rows.amount < 0
    (told,) = engine.collect(
        rows.aggregate(
            clients=rows.client.nunique(),
            providers=rows.provider.nunique(),
            amounts=rows.count(where=rows.amount != 0),
            wrong=rows.count(where=wrong),
        )
    ).to_pylist()
    if told["providers"] < 2:
        raise InputError(
            f"{source}: column {schema.provider} names {told['providers']} different providers, "
            f"but they are to be ranked; map schema.provider in {PARAMS} on the column that says "
            "who was paid"
        )
    return {
        "clients": told["clients"],
        "providers": told["providers"],
        "first_day": str(days[0]),
        "last_day": str(days[-1]),
        "days_without_payments": (days[-1] - days[0]).days + 1 - len(days),
        "warnings": [
            *_sign(told["amounts"], told["wrong"], schema, source),
            *_gaps(days),
        ],
    }


def _sign(amounts: int, wrong: int, schema: Schema, source: str) -> list[str]:
    """Whether amounts have the sign that the schema says; those of refunds have the other."""
    other = "positive" if schema.paid == "negative" else "negative"
    said = f"column {schema.amount} is {other} in {wrong:,} of {amounts:,} rows"
    cure = f"if these are payments, set schema.paid: {other} in {PARAMS}"
    if amounts and wrong == amounts:
        raise InputError(f"{source}: {said}, so all would be refunds; {cure}")
    return [f"{said}, which count as refunds: {cure}"] if wrong > amounts / 2 else []


def _gaps(days: list[datetime.date]) -> list[str]:
    """Say which runs of days are without any payment."""
    one = datetime.timedelta(days=1)
    gaps = [
        f"from {earlier + one} to {later - one}"
        for earlier, later in pairwise(days)
        if (later - earlier).days > _GAP
    ]
    if not gaps:
        return []
    shown = ", ".join(gaps[:_SHOWN]) + (f" and {len(gaps) - _SHOWN} more" * (len(gaps) > _SHOWN))
    return [f"no payment at all {shown}: is a part of the data missing?"]


def main() -> None:
    """Run the stage as params.yaml says."""
    stage = params.load("ingest", Ingest, PARAMS)
    schema = params.load("schema", Schema, PARAMS)
    quality = ingest(stage.path, schema, stage)
    write_json(paths.QUALITY, quality)
    for line in [*quality["notes"], *quality["warnings"]]:  # type: ignore[misc]
        print(f"note: {line}", file=sys.stderr)


if __name__ == "__main__":
    run(main)

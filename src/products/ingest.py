"""ingest: raw monthly snapshots -> one typed parquet by customer and month, and its quality.

A file is read typed and written in one go, on trust. Only where the engine stumbles, or a row comes
out in doubt, is the file read again as text: first to count what is wrong, then to write the rest.
"""

import re
import tempfile
from itertools import pairwise
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend
from pydantic import Field

from src import params
from src.engine import EngineError, connect
from src.errors import InputError, run
from src.products import paths, raw
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
        atomic(paths.SNAPSHOTS) as snapshots,
        atomic(paths.REJECTED) as rejected,
        tempfile.TemporaryDirectory(prefix=".unpacked-", dir=snapshots.parent) as folder,
    ):
        files = raw.find(source, Path(folder))
        raw.check_columns(files, schema)
        try:
            typed = raw.read(connection, files, schema, typed=True)
            _write(connection, _snapshots(typed, schema), snapshots)
            in_doubt = _missing(snapshots)["customer"] > 0
        except EngineError:  # some cell is no date or no number, or the file is damaged
            in_doubt = True
        if in_doubt:
            text = raw.read(connection, files, schema, typed=False)
            _check_values(text, schema, source, max_rejected_share)
            _write(connection, _snapshots(text, schema).drop_null("customer"), snapshots)
            connection.to_parquet(_rejects(text, schema), rejected, compression="zstd")
        else:
            names = ["reason", *schema.raw_columns]
            nothing = pa.table({name: pa.array([], pa.string()) for name in names})
            pq.write_table(nothing, rejected, compression="zstd")
        unread = pq.read_metadata(rejected).num_rows
        return {
            "rows": pq.read_metadata(snapshots).num_rows,
            "rejected": unread,
            **_check_keys(snapshots, schema, source),
            "missing": _missing(snapshots),
        }


def _write(connection: Backend, rows: ir.Table, path: Path) -> None:
    ordered = rows.order_by("customer", "month")
    connection.to_parquet(ordered, path, compression="lz4_raw")


def _snapshots(rows: ir.Table, schema: Schema) -> ir.Table:
    """Our columns from the raw ones; the customer of a row that is in doubt is null."""
    identity = _identity(rows, schema)
    in_doubt = ibis.or_(*_unfit(rows, schema).values(), *_bad_numbers(rows, schema).values())
    columns = {
        "customer": ibis.ifelse(in_doubt, ibis.null(identity.type()), identity),
        "month": _given(rows[schema.month]).try_cast("date"),
    }
    columns |= {name: _number(rows[column]) for name, column in schema.numeric.items()}
    for name, column in schema.categorical.items():
        columns[name] = _given(rows[column]).cast("string")
    columns |= {product: _flag(rows[product]) for product in schema.products}
    return rows.select(**columns)


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def trim(text: str) -> str:  # type: ignore[empty-body]
    """Remove blanks at both ends: SQL's own, ten times as fast as ``strip`` of any white space."""


def _given(cell: ir.Value) -> ir.Value:
    """Text without its padding, null where it says that nothing is there; others as they are."""
    return trim(cell).nullif("NA").nullif("") if cell.type().is_string() else cell


def _number(cell: ir.Value) -> ir.NumericValue:
    """Null for text that is no number, and for NaN, which is another spelling of nothing."""
    number = _given(cell).try_cast("float64")
    return ibis.ifelse(number.isnan(), ibis.null("float64"), number)


def _flag(cell: ir.Value) -> ir.BooleanValue:
    """Null for what is neither 0 nor 1."""
    if cell.type().is_boolean():
        return cell
    number = _number(cell)
    return ibis.cases((number == 0, False), (number == 1, True))


def _identity(rows: ir.Table, schema: Schema) -> ir.Value:
    """Customer of each row; null for what is not an id of the type in the schema."""
    owner = rows[schema.id]
    if schema.id_type == "string":
        return _given(owner.cast("string"))
    integer = owner.try_cast("int64")
    rounded = owner.try_cast("float64") != integer.cast("float64")  # 12.7 is cast to 13
    if owner.type().is_string():
        rounded = owner.contains(".") & rounded  # spares all others a cast
    return ibis.ifelse(rounded, ibis.null("int64"), integer)


def _unfit(rows: ir.Table, schema: Schema) -> dict[str, ir.BooleanValue]:
    """Where a column cannot be what the schema says; one such row and the file is refused."""
    unfit = {schema.month: _given(rows[schema.month]).try_cast("date").isnull()}
    for product in schema.products:
        cell = rows[product]
        if not cell.type().is_boolean():
            is_nan = _given(cell).try_cast("float64").isnan().fill_null(False)
            unfit[product] = _given(cell).notnull() & _flag(cell).isnull() & ~is_nan
    return unfit


def _bad_numbers(rows: ir.Table, schema: Schema) -> dict[str, ir.BooleanValue]:
    """Where a numeric column holds something that is no finite number."""
    bad = {}
    for column in schema.numeric.values():
        given = _given(rows[column])
        number = given.try_cast("float64")
        bad[column] = number.isinf().fill_null(False)
        if given.type().is_string():
            bad[column] |= given.notnull() & number.isnull()
    return bad


def _reason(rows: ir.Table, schema: Schema) -> ir.StringValue:
    """Why a single row cannot be read, or null; such rows are set aside."""
    owner = _given(rows[schema.id].cast("string"))
    cases = [
        (owner.isnull(), ibis.literal(f"{schema.id} is missing")),
        (_identity(rows, schema).isnull(), f"{schema.id} is not an integer: " + owner),
    ]
    for column, bad in _bad_numbers(rows, schema).items():
        cases.append((bad, f"{column} is not a number: " + _given(rows[column].cast("string"))))
    return ibis.cases(*cases)


def _rejects(rows: ir.Table, schema: Schema) -> ir.Table:
    reasoned = rows.select(
        reason=_reason(rows, schema),
        **{column: rows[column].cast("string") for column in schema.raw_columns},
    )
    return reasoned.filter(reasoned.reason.notnull()).order_by(reasoned.columns)


def _check_values(rows: ir.Table, schema: Schema, source: str, max_rejected_share: float) -> None:
    """Refuse a file that is damaged, has unfit columns or too many rows to reject."""
    unfit = _unfit(rows, schema)
    sums = {f"unfit {number}": bad.sum() for number, bad in enumerate(unfit.values())}
    # The engine looks at the bytes of a column only where it is used.
    sums |= {f"read {name}": rows[name].count() for name in schema.categorical.values()}
    try:
        counts = (
            rows.aggregate(rows=rows.count(), rejected=_reason(rows, schema).count(), **sums)
            .to_pyarrow()
            .to_pylist()[0]
        )
    except EngineError as error:
        raise InputError(_damage(str(error), source)) from None
    for number, (column, bad) in enumerate(unfit.items()):
        count = counts[f"unfit {number}"]
        if not count:
            continue
        want = "a date such as 2016-05-28" if column == schema.month else "0 or 1"
        names = ["customer", "value"]
        cells = [rows[name].cast("string").fill_null("") for name in (schema.id, column)]
        bad_rows = rows.filter(bad).select(**dict(zip(names, cells, strict=True)))
        example = bad_rows.order_by(names).limit(1).to_pyarrow().to_pylist()[0]
        raise InputError(
            f"{source}: column {column} is not {want} in {_rows(count)} (for example "
            f"'{example['value']}' of {schema.id} {example['customer']}); correct the file"
        )
    if counts["rejected"] > max_rejected_share * counts["rows"]:
        first = _rejects(rows, schema).limit(1).to_pyarrow().to_pylist()[0]["reason"]
        raise InputError(
            f"{source}: {counts['rejected']:,} of {_rows(counts['rows'])} cannot be read (for "
            f"example {first}), more than ingest.max_rejected_share ({max_rejected_share}) allows; "
            "correct the file"
        )


def _missing(path: Path) -> dict[str, int]:
    """Nulls of each column, which the file's metadata know."""
    metadata = pq.read_metadata(path)
    missing = dict.fromkeys(metadata.schema.names, 0)
    for group in range(metadata.num_row_groups):
        for index, name in enumerate(missing):
            missing[name] += metadata.row_group(group).column(index).statistics.null_count
    return missing


def _check_keys(path: Path, schema: Schema, source: str) -> dict[str, object]:
    """Check customers and months of the sorted table; count them."""
    customers, twice, example = 0, 0, ""
    months: set[np.datetime64] = set()
    last = None  # the last row of the batch before
    for batch in pq.ParquetFile(path).iter_batches(columns=["customer", "month"]):
        customer = batch["customer"].to_numpy(zero_copy_only=False)
        month = batch["month"].to_numpy(zero_copy_only=False)
        months.update(np.unique(month))
        if last is not None:
            customer = np.concatenate([last[0], customer])
            month = np.concatenate([last[1], month])
        same = customer[1:] == customer[:-1]
        customers += int(np.count_nonzero(~same)) + (last is None)
        repeats = np.flatnonzero(same & (month[1:] == month[:-1]))
        if len(repeats) and not twice:
            example = f"{customer[repeats[0]]}, {month[repeats[0]]}"
        twice += len(repeats)
        last = customer[-1:], month[-1:]
    if last is None:
        raise InputError(f"{source} has no readable row below its header; get the file again")
    if twice:
        raise InputError(
            f"{source}: {_rows(twice)} repeat the {schema.id} and {schema.month} of another (for "
            f"example {example}); keep one row per customer and month"
        )
    ordered = sorted(months)
    if len(ordered) == 1:
        raise InputError(
            f"{source}: column {schema.month} is {ordered[0]} in every row, but an addition can "
            "only be seen between two months; add the snapshots of other months"
        )
    for earlier, later in pairwise(ordered):
        if earlier.astype("datetime64[M]") == later.astype("datetime64[M]"):
            raise InputError(
                f"{source}: column {schema.month} has two dates in one month, {earlier} and "
                f"{later}; give all rows of a monthly snapshot the same date"
            )
    return {
        "customers": customers,
        "months": len(ordered),
        "first_month": str(ordered[0]),
        "last_month": str(ordered[-1]),
    }


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _damage(report: str, source: str) -> str:
    """Say in one sentence what the engine's long report says about a file."""
    file = re.search(r"^\s*file = (.+)$", report, re.MULTILINE)
    line = re.search(r"Line: (\d+)\s+Original Line: (.*)", report)
    width = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", report)
    where = file[1] if file else source
    if line:
        where += f", line {line[1]}"
    if width:
        where += f" ({width[2]} columns instead of {width[1]})"
    text = f": '{line[2][:60]}…'" if line else f": {report.splitlines()[0]}"
    if "not utf-8" in report:
        return f"{where} is not UTF-8{text}; save the file as UTF-8"
    return f"{where} is cut short or damaged{text}; get the file again"


def main() -> None:
    """Run the stage as params.yaml says."""
    stage = params.load("ingest", Ingest)
    schema = params.load("schema", Schema)
    write_json(paths.QUALITY, ingest(stage.path, schema, stage.max_rejected_share))


if __name__ == "__main__":
    run(main)

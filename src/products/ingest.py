"""ingest: raw monthly snapshots -> one typed parquet by customer and month, and its quality."""

import glob
import shutil
import tempfile
import zipfile
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend
from pydantic import Field

from src import params
from src.engine import connect
from src.errors import InputError, run
from src.products import paths
from src.products.schema import Schema
from src.reporting import atomic, write_json

# "no value" as raw files spell it; numbers are padded with blanks, so the spelling is as well.
_MISSING = ["", *(" " * blanks + "NA" for blanks in (0, 1, 5, 9))]


class Ingest(params.Section):
    """Parameters of the stage."""

    path: str
    max_rejected_share: float = Field(ge=0, lt=1)


def ingest(source: str, schema: Schema, max_rejected_share: float) -> dict[str, object]:
    """Read raw snapshots, check them, and write them typed and sorted by customer and month.

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
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        files = _files(source, Path(folder))
        _check_header(connection, files, source, schema)
        with atomic(paths.SNAPSHOTS) as snapshots, atomic(paths.REJECTED) as rejected:
            try:
                _write(connection, _read(connection, files, schema, typed=True), schema, snapshots)
                typed = True
            except duckdb.Error:  # some cell does not fit its type: read as text to say which
                typed = False
            raw = _read(connection, files, schema, typed=typed)
            try:
                if not typed:
                    _check_values(raw, schema, source)
                    _write(connection, raw, schema, snapshots)
                connection.to_parquet(_rejects(raw, schema), rejected)
            except duckdb.Error as error:
                raise InputError(_damage(error, source)) from None
            quality = _check_table(snapshots, schema, source)
            unread = pq.read_metadata(rejected).num_rows
            rows = pq.read_metadata(snapshots).num_rows
            if unread > max_rejected_share * (rows + unread):
                raise InputError(
                    f"{source}: {unread:,} of {rows + unread:,} rows are unreadable, more than "
                    f"ingest.max_rejected_share ({max_rejected_share}); {_first(rejected)}"
                )
    return {"rows": rows, "rejected": unread, **quality}


def _files(source: str, folder: Path) -> list[str]:
    """List the files behind a path, folder or glob; zip archives are unpacked into `folder`."""
    path = Path(source)
    if path.is_dir():
        names = sorted(str(file) for file in path.iterdir() if not file.name.startswith("."))
    else:
        names = sorted(glob.glob(source)) if not path.exists() else [source]  # noqa: PTH207
    if not names:
        raise InputError(
            f"{source} is missing: set ingest.path in params.yaml to your snapshots, or make "
            "simulated ones with 'dvc repro pipelines/simulation/dvc.yaml'"
        )
    files = []
    for name in names:
        if Path(name).stat().st_size == 0:
            raise InputError(f"{name} is empty")
        if not name.endswith(".zip"):
            files.append(name)
            continue
        try:
            with zipfile.ZipFile(name) as archive:
                for member in archive.infolist():
                    if member.is_dir():
                        continue
                    target = folder / f"{len(files)}-{Path(member.filename).name}"
                    with archive.open(member) as packed, target.open("wb") as plain:
                        shutil.copyfileobj(packed, plain)
                    files.append(str(target))
        except zipfile.BadZipFile as error:
            raise InputError(f"{name} is not a whole zip archive: {error}") from None
    kinds = {name.endswith(".parquet") for name in files}
    if len(kinds) > 1:
        raise InputError(f"{source} mixes parquet and CSV files; keep one kind in the folder")
    return files


def _read(connection: Backend, files: list[str], schema: Schema, *, typed: bool) -> ir.Table:
    """Raw columns; typed is fast and fails on the first bad cell, text takes anything."""
    if files[0].endswith(".parquet"):
        return connection.read_parquet(files)
    types = {}
    if typed:
        types = {schema.month: "DATE"}
        types |= dict.fromkeys(schema.numeric.values(), "DOUBLE")
        types |= dict.fromkeys(schema.products, "TINYINT")
        if schema.id_type == "integer":
            types[schema.id] = "BIGINT"
    header = connection.read_csv(
        files[0], header=True, delim=",", quote='"', escape='"', all_varchar=True
    ).columns
    return connection.read_csv(
        files,
        columns={name: types.get(name, "VARCHAR") for name in header},
        auto_detect=False,
        header=True,
        delim=",",
        quote='"',
        escape='"',
        nullstr=_MISSING,
    )


def _check_header(
    connection: Backend, files: list[str], source: str, schema: Schema
) -> None:
    for name in files:
        try:
            if name.endswith(".parquet"):
                columns = connection.read_parquet(name).columns
            else:
                columns = connection.read_csv(
                    name, header=True, delim=",", quote='"', escape='"', all_varchar=True
                ).columns
        except duckdb.Error as error:
            raise InputError(_damage(error, name)) from None
        absent = [column for column in schema.raw_columns if column not in columns]
        if absent:
            raise InputError(
                f"{source}: column {', '.join(absent)} is missing from {Path(name).name} (it has "
                f"{', '.join(columns[:6])}, …); add it, or map the schema section of params.yaml "
                "on your names"
            )


def _write(connection: Backend, raw: ir.Table, schema: Schema, path: Path) -> None:
    table = raw.filter(_reason(raw, schema).isnull()).select(**_columns(raw, schema))
    connection.to_parquet(table.order_by("customer", "month"), path, compression="lz4_raw")


def _columns(raw: ir.Table, schema: Schema) -> dict[str, ir.Value]:
    """Our columns from the raw ones; what cannot be cast is null."""
    identity = "int64" if schema.id_type == "integer" else "string"
    columns: dict[str, ir.Value] = {
        "customer": _trimmed(raw[schema.id]).try_cast(identity),
        "month": _trimmed(raw[schema.month]).try_cast("date"),
    }
    for name, column in schema.numeric.items():
        columns[name] = _trimmed(raw[column]).try_cast("float64")
    for name, column in schema.categorical.items():
        columns[name] = _trimmed(raw[column].cast("string"))
    for column in schema.products:
        columns[column] = _trimmed(raw[column]).try_cast("int8")
    return columns


def _trimmed(column: ir.Value) -> ir.Value:
    """Text without padding, null where it says that nothing is there; other types as they are."""
    return column.strip().nullif("NA").nullif("") if column.type().is_string() else column


def _reason(raw: ir.Table, schema: Schema) -> ir.StringValue:
    """Why a row cannot be read, or null. Rows without an owner or with a number that is none."""
    identity = "int64" if schema.id_type == "integer" else "string"
    owner = _trimmed(raw[schema.id])
    cases = [
        (owner.isnull(), ibis.literal(f"{schema.id} is missing")),
        (
            owner.try_cast(identity).isnull(),
            f"{schema.id} is not an integer: " + raw[schema.id].cast("string"),
        ),
    ]
    for column in schema.numeric.values():
        value = _trimmed(raw[column])
        if value.type().is_string():
            bad = value.notnull() & value.try_cast("float64").isnull()
            cases.append((bad, f"{column} is not a number: " + raw[column]))
    return ibis.cases(*cases)


def _rejects(raw: ir.Table, schema: Schema) -> ir.Table:
    reasoned = raw.mutate(reason=_reason(raw, schema))
    kept = reasoned.select("reason", *(name for name in raw.columns if name in reasoned.columns))
    return kept.filter(kept.reason.notnull()).order_by(kept.reason, kept[schema.id])


def _check_values(raw: ir.Table, schema: Schema, source: str) -> None:
    """Refuse months that are no dates and flags that are no numbers, with count and example."""
    for column, kind, want in [
        (schema.month, "date", "a date such as 2016-05-28"),
        *((product, "int8", "0 or 1") for product in schema.products),
    ]:
        text = _trimmed(raw[column])
        bad = raw.filter(text.try_cast(kind).isnull() & (text.notnull() | (kind == "date")))
        _refuse(bad, column, want, schema, source)


def _refuse(bad: ir.Table, column: str, want: str, schema: Schema, source: str) -> None:
    count = bad.count().execute()
    if count:
        row = bad.select(value=bad[column].cast("string"), owner=bad[schema.id].cast("string"))
        example = row.order_by("owner").limit(1).execute().iloc[0]
        raise InputError(
            f"{source}: column {column} is not {want} in {count:,} rows (example: "
            f"'{example['value']}', customer {example['owner']}); correct the file"
        )


def _check_table(path: Path, schema: Schema, source: str) -> dict[str, object]:
    """Check the sorted table as a whole; count what it holds."""
    metadata = pq.read_metadata(path)
    if metadata.num_rows == 0:
        raise InputError(f"{source}: no readable row below the header")
    missing = {}
    for index in range(metadata.num_columns):
        chunks = [
            metadata.row_group(group).column(index) for group in range(metadata.num_row_groups)
        ]
        name = chunks[0].path_in_schema
        missing[name] = sum(chunk.statistics.null_count for chunk in chunks)
        if name in schema.products:
            bounds = [chunk.statistics for chunk in chunks if chunk.statistics.has_min_max]
            if any(bound.min < 0 or bound.max > 1 for bound in bounds):
                table = connect().read_parquet(path)
                bad = table.filter(~table[name].isin([0, 1]) & table[name].notnull())
                names = schema.model_copy(update={"id": "customer"})
                _refuse(bad, name, "0 or 1", names, source)
    keys = pq.read_table(path, columns=["customer", "month"])
    customer = keys["customer"].to_numpy()
    month = keys["month"].to_numpy()
    same = customer[1:] == customer[:-1]
    twice = np.flatnonzero(same & (month[1:] == month[:-1]))
    if len(twice):
        raise InputError(
            f"{source}: {len(twice):,} rows repeat the same ({schema.id}, {schema.month}), for "
            f"example ({customer[twice[0]]}, {month[twice[0]]}); keep one row per customer and "
            "month"
        )
    months = np.unique(month)
    if len(months) < 2:
        raise InputError(
            f"{source}: column {schema.month} is {months[0]} in all {len(month):,} rows; an "
            "addition can only be seen between two months"
        )
    return {
        "customers": int(1 + np.count_nonzero(~same)),
        "months": len(months),
        "first_month": str(months[0]),
        "last_month": str(months[-1]),
        "missing": missing,
    }


def _damage(error: duckdb.Error, source: str) -> str:
    text = str(error)
    line = next((part for part in text.splitlines() if "Line:" in part), text.splitlines()[0])
    if "unicode" in text.lower() or "utf-8" in text.lower():
        return f"{source} is not UTF-8 ({line.strip()}); save it as UTF-8"
    return f"{source} is cut short or damaged ({line.strip()}); get the whole file again"


def _first(rejected: Path) -> str:
    return f"first reason: {pq.read_table(rejected, columns=['reason'])['reason'][0]}"


def main() -> None:
    """Run the stage as params.yaml says."""
    stage = params.load("ingest", Ingest)
    schema = params.load("schema", Schema)
    write_json(paths.QUALITY, ingest(stage.path, schema, stage.max_rejected_share))


if __name__ == "__main__":
    run(main)

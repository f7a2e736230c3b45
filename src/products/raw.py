"""Raw snapshot files: which they are, what columns they have, and how they are read."""

import csv
import glob
import gzip
import shutil
import zipfile
import zlib
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from src.errors import InputError
from src.products.schema import Schema

_KINDS = (".csv", ".csv.gz", ".zip", ".parquet")

# Nothing, as numbers of 3, 7 and 11 characters and all others spell it. Every further spelling
# would cost time in every cell, so the rest is left to the reading as text.
_MISSING = ["", *(" " * blanks + "NA" for blanks in (0, 1, 5, 9))]


def find(source: str, folder: Path) -> list[str]:
    """List the files behind a path, a folder or a glob, by name.

    Parameters
    ----------
    source : str
        ``.csv``, ``.csv.gz``, ``.zip`` of CSV or ``.parquet``; a folder or a glob of them.
    folder : Path
        Empty folder that zip archives are unpacked into.

    Raises
    ------
    InputError
        Nothing is there, a file is empty, an archive is damaged, or kinds are mixed.
    """
    path = Path(source)
    if path.is_dir():
        names = sorted(str(file) for file in path.iterdir() if _is_snapshot(file))
        if not names:
            raise InputError(f"{source} holds no {', '.join(_KINDS)} file")
    else:
        names = [source] if path.exists() else sorted(glob.glob(source))  # noqa: PTH207
    if not names:
        raise InputError(
            f"{source} is missing: set ingest.path in params.yaml to your snapshots, or make "
            "simulated ones with 'dvc repro pipelines/simulation/dvc.yaml'"
        )
    files = []
    for number, name in enumerate(names):
        if Path(name).stat().st_size == 0:
            raise InputError(f"{name} is empty; get the file again")
        files += _unpacked(name, folder / str(number)) if name.endswith(".zip") else [name]
    if len({name.endswith(".parquet") for name in files}) > 1:
        raise InputError(f"{source} mixes parquet and CSV files; keep one kind")
    return files


def check_columns(files: list[str], schema: Schema) -> None:
    """Check that each file has every column of the schema, once.

    Raises
    ------
    InputError
        A column is missing or occurs twice; the message names file and columns.
    """
    for name in files:
        columns = _columns(name)
        absent = [column for column in schema.raw_columns if column not in columns]
        if absent:
            raise InputError(
                f"{name}: column {', '.join(absent)} is missing (the file has "
                f"{', '.join(columns[:6])}, …); add it, or map the schema section of params.yaml "
                "on your names"
            )
        twice = [column for column in schema.raw_columns if columns.count(column) > 1]
        if twice:
            raise InputError(f"{name}: column {', '.join(twice)} occurs twice; keep one of them")


def read(connection: Backend, files: list[str], schema: Schema, *, typed: bool) -> ir.Table:
    """Read the columns of the schema.

    Parameters
    ----------
    connection : Backend
        The engine.
    files : list of str
        As `find` lists them; their columns may stand in different orders.
    schema : Schema
        Which columns to read.
    typed : bool
        CSV only: cells are read as dates, numbers and flags, which is fast and makes the engine
        raise on a cell that is none. Otherwise every cell is text. Ids are always text: the engine
        would round 12.7 to an integer.

    Returns
    -------
    Table
        ``schema.raw_columns`` in that order.
    """
    if files[0].endswith(".parquet"):
        return connection.read_parquet(files, union_by_name=True).select(schema.raw_columns)
    types = _types(files[0], schema) if typed else {}
    alike: dict[tuple[str, ...], list[str]] = {}
    for name in files:
        alike.setdefault(tuple(_columns(name)), []).append(name)
    tables = [
        connection.read_csv(
            names,
            columns={
                # Columns that nobody asks for may share a name; the engine wants distinct ones.
                (name if name in schema.raw_columns else f"unmapped {index}"): types.get(
                    name, "VARCHAR"
                )
                for index, name in enumerate(columns)
            },
            auto_detect=False,
            header=True,
            delim=",",
            quote='"',
            escape='"',
            nullstr=_MISSING,
        ).select(schema.raw_columns)
        for columns, names in alike.items()
    ]
    return ibis.union(*tables) if len(tables) > 1 else tables[0]


def _types(name: str, schema: Schema) -> dict[str, str]:
    """Types of the columns other than text, judged by the schema and the first row of a file."""
    columns, first_row = _head(name)
    first = dict(zip(columns, first_row, strict=False))
    # The engine takes "0" and "1" for flags, but not " 0" and "1.0": such columns stay text.
    flags = [product for product in schema.products if first.get(product) in {"0", "1"}]
    return {
        schema.month: "DATE",
        **dict.fromkeys(schema.numeric.values(), "DOUBLE"),
        **dict.fromkeys(flags, "BOOLEAN"),
    }


def _is_snapshot(file: Path) -> bool:
    hidden = file.name.startswith(".") or "__MACOSX" in file.parts
    return file.name.endswith(_KINDS) and not hidden


def _unpacked(name: str, folder: Path) -> list[str]:
    """Unpack a zip archive of CSV files: the engine does not read it in place."""
    folder.mkdir()
    files = []
    try:
        with zipfile.ZipFile(name) as archive:
            for member in archive.namelist():
                if not _is_snapshot(Path(member)):
                    continue
                target = folder / Path(member).name
                with archive.open(member) as packed, target.open("xb") as plain:
                    shutil.copyfileobj(packed, plain, 1 << 20)
                files.append(str(target))
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise InputError(f"{name} is not a whole zip archive ({error}); get it again") from None
    if not files:
        raise InputError(f"{name} holds no CSV file")
    return sorted(files)


def _columns(name: str) -> list[str]:
    """Column names of a file."""
    if not name.endswith(".parquet"):
        return _head(name)[0]
    try:
        return list(pq.read_schema(name).names)
    except pa.ArrowInvalid as error:
        raise InputError(f"{name} is not a whole parquet file ({error}); get it again") from None


def _head(name: str) -> tuple[list[str], list[str]]:
    """Header and first row of a CSV file. What is not UTF-8 is left to the engine to locate."""
    try:
        opener = gzip.open if name.endswith(".gz") else open
        with opener(name, "rt", encoding="utf-8-sig", errors="replace", newline="") as lines:
            rows = csv.reader(lines)
            columns, first_row = next(rows, []), next(rows, [])
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(f"{name} is cut short or damaged ({error}); get it again") from None
    if not columns:
        raise InputError(f"{name} is empty: its first line should name the columns")
    return columns, first_row

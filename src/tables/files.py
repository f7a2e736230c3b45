"""Files of a raw table: which they are, what columns they have, and how they are read."""

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

from src.engine import CellType, Engine
from src.errors import InputError
from src.tables.columns import Columns, of_kind

_KINDS = (".csv", ".csv.gz", ".zip", ".parquet")

# Nothing, as numbers of 3, 7 and 11 characters and all others spell it. Every further spelling
# would cost time in every cell, so the rest is left to the reading as text.
_MISSING = ["", *(" " * blanks + "NA" for blanks in (0, 1, 5, 9))]


def find(source: str, folder: Path, advice: str) -> list[str]:
    """List the files behind a path, a folder or a glob, by name.

    Parameters
    ----------
    source : str
        ``.csv``, ``.csv.gz``, ``.zip`` of CSV or ``.parquet``; a folder or a glob of them.
    folder : Path
        Empty folder that zip archives are unpacked into.
    advice : str
        What to do where nothing is there.

    Raises
    ------
    InputError
        Nothing is there, a file is empty, an archive is damaged, or kinds are mixed.
    """
    path = Path(source)
    if path.is_dir():
        names = sorted(str(file) for file in path.iterdir() if _is_table(file))
        if not names:
            raise InputError(f"{source} holds no {', '.join(_KINDS)} file")
    else:
        names = [source] if path.exists() else sorted(glob.glob(source))  # noqa: PTH207
    if not names:
        raise InputError(f"{source} is missing: {advice}")
    files = []
    for number, name in enumerate(names):
        if Path(name).stat().st_size == 0:
            raise InputError(f"{name} is empty; get the file again")
        files += _unpacked(name, folder / str(number)) if name.endswith(".zip") else [name]
    if len({name.endswith(".parquet") for name in files}) > 1:
        raise InputError(f"{source} mixes parquet and CSV files; keep one kind")
    return files


def check_columns(files: list[str], columns: Columns) -> None:
    """Check that each file has every column that is wanted, once.

    Raises
    ------
    InputError
        A column is missing or occurs twice; the message names file and columns.
    """
    for name in files:
        present = _columns(name)
        absent = [column.raw for column in columns if column.raw not in present]
        if absent:
            raise InputError(
                f"{name}: column {', '.join(absent)} is missing (the file has "
                f"{', '.join(present[:6])}, …); add it, or map the schema section of params.yaml "
                "on your names"
            )
        twice = [column.raw for column in columns if present.count(column.raw) > 1]
        if twice:
            raise InputError(f"{name}: column {', '.join(twice)} occurs twice; keep one of them")


def read(engine: Engine, files: list[str], columns: Columns, *, typed: bool) -> ir.Table:
    """Read the columns that are wanted.

    Parameters
    ----------
    engine : Engine
    files : list of str
        As `find` lists them; their columns may stand in different orders.
    columns : sequence of Column
    typed : bool
        CSV only: cells are read as dates, numbers and flags, which is fast and makes the engine
        raise on a cell that is none. Otherwise every cell is text. Ids are always text: the engine
        would round 12.7 to an integer.

    Returns
    -------
    Table
        The raw columns in the order of `columns`.
    """
    wanted = [column.raw for column in columns]
    if files[0].endswith(".parquet"):
        return engine.raw_parquet(files).select(wanted)
    types = _types(files[0], columns) if typed else {}
    alike: dict[tuple[str, ...], list[str]] = {}
    for name in files:
        alike.setdefault(tuple(_columns(name)), []).append(name)
    tables = []
    for present, names in alike.items():
        kinds: dict[str, CellType] = {}
        for index, name in enumerate(present):
            # Columns that nobody asks for may share a name; the engine wants distinct ones.
            kinds[name if name in wanted else f"unmapped {index}"] = types.get(name, "text")
        tables.append(engine.raw_csv(names, kinds, _MISSING).select(wanted))
    return ibis.union(*tables) if len(tables) > 1 else tables[0]


def _types(name: str, columns: Columns) -> dict[str, CellType]:
    """What cells other than text are read as, judged by the columns and a file's first row."""
    header, first_row = _head(name)
    first = dict(zip(header, first_row, strict=False))
    types: dict[str, CellType] = {}
    for column in of_kind(columns, "date", "number", "flag"):
        # The engine takes "0" and "1" for flags, but not " 0" and "1.0": such columns stay text.
        if column.kind != "flag" or first.get(column.raw) in {"0", "1"}:
            types[column.raw] = column.kind  # type: ignore[assignment]
    return types


def _is_table(file: Path) -> bool:
    hidden = file.name.startswith(".") or "__MACOSX" in file.parts
    return file.name.endswith(_KINDS) and not hidden


def _unpacked(name: str, folder: Path) -> list[str]:
    """Unpack a zip archive of CSV files: the engine does not read it in place."""
    folder.mkdir()
    files = []
    try:
        with zipfile.ZipFile(name) as archive:
            for member in archive.namelist():
                if not _is_table(Path(member)):
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

"""Files of a raw table: which they are, what columns they have, and how they are read."""

import csv
import glob
import gzip
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from src.engine import CellType, Engine
from src.errors import InputError
from src.tables.cells import stripped
from src.tables.columns import Columns, Kind, identity, of_kind

_CSV, _PARQUET, _ZIP = (".csv", ".txt", ".gz"), (".parquet", ".pq"), ".zip"
_SEPARATORS = (",", ";", "\t", "|")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SAFE = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=")

# Nothing, as numbers of 3, 7 and 11 characters and all others spell it. Every further spelling
# would cost time in every cell, so the rest is left to the reading as text.
_MISSING = ["", *(" " * blanks + "NA" for blanks in (0, 1, 5, 9))]


@dataclass(frozen=True)
class File:
    """A file that can be read.

    Attributes
    ----------
    title : str
        What the user calls it: a path, or an archive and its member.
    path : str
        Where it lies for the engine: itself, or unpacked, converted or linked.
    columns : list of str
        Names in its header.
    separator : str
        Of a CSV file; empty for parquet.
    first_row : list of str
        Cells of the first row of a CSV file.
    """

    title: str
    path: str
    columns: list[str]
    separator: str = ""
    first_row: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """The files behind a path that have the needed columns; what else was found or done."""

    files: list[File]
    notes: list[str]

    def titled(self, text: str) -> str:
        """The text with what the user calls each file in the place of where it lies."""
        for file in sorted(self.files, key=lambda one: -len(one.path)):
            text = text.replace(file.path, file.title)
        return text


def find(
    source: str, folder: Path, columns: Columns, advice: str, params_file: str = "params.yaml"
) -> Source:
    """Find the files of a table behind a path, a folder or a glob.

    Parameters
    ----------
    source : str
        CSV (``.csv``, ``.txt``, gzipped or not), parquet, or zip archives of them, nested or not; a
        folder with such files at any depth; or a glob of all these.
    folder : Path
        Empty folder for what is unpacked or converted.
    columns : sequence of Column
        The columns that are needed. A file with the id, the date and some of the flags must have
        all of them; a file without is another table and passed over.
    advice : str
        What to do if nothing is there.
    params_file : str
        Where columns are mapped.

    Raises
    ------
    InputError
        Nothing is there, a file is empty or lacks a column, an archive is damaged, kinds are mixed.
    """
    notes: list[str] = []
    found = []
    for number, (title, path) in enumerate(_tables(source, folder, advice, notes)):
        if Path(path).stat().st_size == 0:
            notes.append(f"{title} is empty and was passed over")
        else:
            found.append(_opened(title, path, folder / f"table{number}", columns, notes))
    if not found and notes:
        raise InputError(f"{source} holds no table: {'; '.join(notes)}")
    files = []
    for file in found:
        absent = [column.raw for column in columns if column.raw not in file.columns]
        if not absent:
            files.append(file)
        elif len(found) == 1 or _is_meant(file, columns):
            raise InputError(_lacks(file, absent, params_file))
        else:
            notes.append(f"{file.title} is another table (no {absent[0]}) and was passed over")
    if not files:
        most = min(found, key=lambda file: sum(one.raw not in file.columns for one in columns))
        absent = [column.raw for column in columns if column.raw not in most.columns]
        raise InputError(_lacks(most, absent, params_file))
    for file in files:
        _check_once(file, columns)
    if len({bool(file.separator) for file in files}) > 1:
        raise InputError(f"{source} mixes parquet and CSV files; keep one kind")
    return Source(files, sorted(notes))


def _is_meant(file: File, columns: Columns) -> bool:
    """Whether a file is meant to be of this table: it has the keys, and some of the flags."""
    dates = of_kind(columns, "date", "timestamp")
    keys = [identity(columns).raw, *(column.raw for column in dates)]
    flags = [column.raw for column in of_kind(columns, "flag")]
    has = set(file.columns)
    return has.issuperset(keys) and (not flags or bool(has & set(flags)))


def _lacks(file: File, absent: list[str], params_file: str) -> str:
    shown = ", ".join(absent[:6]) + (f" and {len(absent) - 6} more" if len(absent) > 6 else "")
    verb = "is" if len(absent) == 1 else "are"
    return (
        f"{file.title}: column {shown} {verb} missing (the file has {', '.join(file.columns[:6])}, "
        f"…); add it, or map the schema section of {params_file} on your names"
    )


def _check_once(file: File, columns: Columns) -> None:
    wanted = {column.raw for column in columns}
    twice = sorted({name for name in wanted if file.columns.count(name) > 1})
    if twice:
        raise InputError(f"{file.title}: column {', '.join(twice)} occurs twice; keep one of them")
    if file.separator:
        return
    # The engine ignores case, and would take whichever comes first.
    for name in wanted:
        alike = [other for other in file.columns if other.casefold() == name.casefold()]
        if len(alike) > 1:
            raise InputError(
                f"{file.title}: columns {' and '.join(sorted(alike))} differ in capitals only; "
                "rename one of them"
            )


def _tables(source: str, folder: Path, advice: str, notes: list[str]) -> Iterator[tuple[str, str]]:
    """Title and path of every table behind a source, archives unpacked; the rest is noted."""
    found = [source] if Path(source).exists() else sorted(glob.glob(source))  # noqa: PTH207
    if not found:
        raise InputError(f"{source} is missing: {advice}")
    names = [name for one in found for name in _files(Path(one))]
    if not names:
        raise InputError(f"{source} is an empty folder: {advice}")
    for number, name in enumerate(names):
        if len(names) == 1 and Path(name).stat().st_size == 0:
            raise InputError(f"{name} is empty; get the file again")
        yield from _unpacked(name, name, folder / f"file{number}", notes)


def _files(path: Path) -> list[str]:
    if path.is_dir():
        return sorted(str(file) for file in path.rglob("*") if file.is_file())
    return [str(path)]


def _unpacked(title: str, path: str, folder: Path, notes: list[str]) -> Iterator[tuple[str, str]]:
    name = Path(path).name
    lower = name.lower()
    if name.startswith((".", "_")) or "__MACOSX" in Path(title).parts:
        notes.append(f"{title} is no table and was passed over")
    elif lower.endswith(_ZIP):
        yield from _members(title, path, folder, notes)
    elif lower.endswith((*_CSV, *_PARQUET)):
        yield title, path
    else:
        known = ", ".join((*_CSV, *_PARQUET, _ZIP))
        notes.append(f"{title} is no {known} file and was passed over")


def _members(title: str, path: str, folder: Path, notes: list[str]) -> Iterator[tuple[str, str]]:
    """Unpack an archive: the engine does not read it in place."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(member for member in archive.namelist() if not member.endswith("/"))
            for number, member in enumerate(members):
                target = folder / str(number) / Path(member).name
                target.parent.mkdir(parents=True)
                with archive.open(member) as packed, target.open("xb") as plain:
                    shutil.copyfileobj(packed, plain, 1 << 20)
    except NotImplementedError as error:
        raise InputError(
            f"{title} is packed in a way that is not read here ({error}); unpack it, and name the "
            "folder or pack it anew"
        ) from None
    except RuntimeError as error:
        if "password" not in str(error) and "encrypted" not in str(error):
            raise
        raise InputError(f"{title} is encrypted; unpack it, and name the folder") from None
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise InputError(f"{title} is not a whole zip archive ({error}); get it again") from None
    if not members:
        raise InputError(f"{title} is an empty archive; get it again")
    for number, member in enumerate(members):
        inner = folder / str(number)
        unpacked = str(inner / Path(member).name)
        yield from _unpacked(f"{title}/{member}", unpacked, inner / "inside", notes)


def _opened(title: str, path: str, folder: Path, columns: Columns, notes: list[str]) -> File:
    """Look at the header of a table; give the engine a path and text that it reads as they are."""
    if path.lower().endswith(_PARQUET):
        try:
            schema = pq.read_schema(path)
        except pa.ArrowInvalid as error:
            cause = f"{title} is not a whole parquet file ({error})"
            raise InputError(f"{cause}; get it again") from None
        _check_types(title, schema, columns)
        for name in (column.raw for column in of_kind(columns, "timestamp")):
            if name in schema.names and getattr(schema.field(name).type, "tz", None):
                notes.append(f"{title}: {name} holds instants; their days are those of Greenwich")
        return File(title, _linked(path, folder, ".parquet"), list(schema.names))
    packed = path.lower().endswith(".gz")
    opener = gzip.open if packed else open
    try:
        with opener(path, "rb") as head:
            start = head.read(1 << 16)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise InputError(f"{title} is cut short or damaged ({error}); get it again") from None
    converted = _conversion(start)
    if converted:
        encoding, said = converted
        folder.mkdir(parents=True)
        target = folder / "converted.csv"
        with (
            opener(path, "rt", encoding=encoding, newline=None) as text,
            target.open("w", encoding="utf-8", newline="\n") as plain,
        ):
            shutil.copyfileobj(text, plain, 1 << 20)
        notes.append(f"{title} {said} and was converted")
        path, packed = str(target), False
        with target.open("rb") as head:
            start = head.read(1 << 16)
    else:
        path = _linked(path, folder, ".csv.gz" if packed else ".csv")
    lines = start.decode("utf-8-sig", errors="replace").splitlines()
    if not lines:
        raise InputError(f"{title} is empty: its first line should name the columns")
    if lines[0].lstrip().startswith("#"):
        raise InputError(
            f"{title}, line 1 is a comment ('{lines[0][:60]}'); remove it: the first line should "
            "name the columns"
        )
    separator = _separator(lines[0], columns)
    if separator != ",":
        shown = "tabs" if separator == "\t" else f"'{separator}'"
        notes.append(f"{title} is separated by {shown}")
    rows = csv.reader(lines[:50], delimiter=separator)
    header, first_row = next(rows, []), next(rows, [])
    if not header:
        raise InputError(f"{title} is empty: its first line should name the columns")
    return File(title, path, header, separator, tuple(first_row))


def _conversion(start: bytes) -> tuple[str, str] | None:
    """Encoding from which a text is converted, and why; None if the engine reads it as it is."""
    if start.startswith(_UTF16):
        return "utf-16", "is UTF-16"
    first, *others = start.split(b"\n", 40)[:-1] or [b""]
    if any(line.endswith(b"\r") != first.endswith(b"\r") for line in others):
        return "utf-8-sig", "mixes two kinds of line ends"
    return None


def _separator(header: str, columns: Columns) -> str:
    """The separator with which a header names most of the needed columns; a comma otherwise."""
    wanted = {column.raw for column in columns}

    def named(separator: str) -> int:
        return len(wanted & set(next(csv.reader([header], delimiter=separator), [])))

    return max(_SEPARATORS, key=named)


def _linked(path: str, folder: Path, ending: str) -> str:
    """A path without letters that the engine gives a meaning: stars, brackets, capitals."""
    if set(path) <= _SAFE and path.endswith(ending):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"linked{ending}"
    os.symlink(Path(path).resolve(), target)  # noqa: PTH211
    return str(target)


def _check_types(title: str, schema: pa.Schema, columns: Columns) -> None:
    """Refuse a parquet column of a type that cannot hold what is needed."""
    for column in columns:
        if column.raw not in schema.names:
            continue
        given = schema.field(column.raw).type
        if not _holds(given, column.kind):
            wanted = {
                "date": "dates",
                "timestamp": "dates",
                "number": "numbers",
                "flag": "flags (0 or 1)",
            }
            raise InputError(
                f"{title}: column {column.raw} is of type {given}, but should hold "
                f"{wanted.get(column.kind, 'text or whole numbers')}; write it so"
            )


def _holds(given: pa.DataType, kind: Kind) -> bool:
    types = pa.types
    if types.is_dictionary(given):
        given = given.value_type
    text = types.is_string(given) or types.is_large_string(given) or types.is_string_view(given)
    number = types.is_integer(given) or types.is_floating(given) or types.is_decimal(given)
    if types.is_null(given) or text:
        return True
    if kind in {"date", "timestamp"}:
        return bool(types.is_date(given) or types.is_timestamp(given))
    return bool(number or (types.is_boolean(given) and kind in {"flag", "category"}))


def read(engine: Engine, files: list[File], columns: Columns, *, typed: bool) -> ir.Table:
    """Read the columns that are needed.

    Parameters
    ----------
    engine : Engine
    files : list of File
        As `find` finds them; their columns may be in different orders.
    columns : sequence of Column
    typed : bool
        CSV only: cells are read as dates, numbers and flags, which is fast and makes the engine
        raise on a cell that is none. Otherwise every cell is text. Ids are always text: the engine
        would round 12.7 to an integer.

    Returns
    -------
    Table
        The raw columns in the order of `columns`; text without the blanks around it, and null where
        it says that nothing is there.
    """
    wanted = [column.raw for column in columns]
    if not files[0].separator:
        rows = engine.raw_parquet([file.path for file in files]).select(wanted)
        return engine.computed_once(stripped(_perhaps_null(rows)))
    types = _types(files[0], columns) if typed else {}
    alike: dict[tuple[str, ...], list[File]] = {}
    for file in files:
        alike.setdefault((file.separator, *file.columns), []).append(file)
    tables = []
    for (separator, *present), same in alike.items():
        kinds: dict[str, CellType | None] = {}
        for index, name in enumerate(present):
            # Columns that nobody asks for may share a name; the engine needs distinct ones.
            if name in wanted:
                kinds[name] = types.get(name, "text")
            else:
                kinds[f"unmapped {index}"] = None
        paths = [file.path for file in same]
        tables.append(engine.raw_csv(paths, kinds, _MISSING, separator).select(wanted))
    rows = ibis.union(*tables) if len(tables) > 1 else tables[0]
    return engine.computed_once(stripped(rows))


def _perhaps_null(rows: ir.Table) -> ir.Table:
    """The same: where an engine knows that a flag of a file has no nulls, it writes other bytes."""
    flags = [name for name, kind in rows.schema().items() if kind.is_boolean()]
    return rows.mutate(
        **{name: ibis.cases((rows[name], True), (~rows[name], False)) for name in flags}
    )


def _types(file: File, columns: Columns) -> dict[str, CellType]:
    """What cells other than text are read as, judged by the columns and a file's first row."""
    first = dict(zip(file.columns, file.first_row, strict=False))
    types: dict[str, CellType] = {}
    for column in of_kind(columns, "date", "number", "flag"):
        # The engine takes "0" and "1" for flags, but not " 0" and "1.0": such columns stay text.
        if column.kind != "flag" or first.get(column.raw) in {"0", "1"}:
            types[column.raw] = column.kind  # type: ignore[assignment]
    return types

"""A table that is one file, or, where it is too large for that, a folder of range parts.

The parts of a folder, ``part-00000.parquet`` and so on, are the sorted table below each other, cut
between keys. ``manifest.json`` says which belong to it, and what is in them, so that a folder that
was copied by halves is found before anybody reads it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from src.errors import InputError
from src.reporting import atomic, write_exact

MANIFEST = "manifest.json"
ROW_GROUP = 122_880  # rows, as in tables of one file

_CODECS = {"lz4_raw": "lz4"}  # the same in the words of engines and of Arrow


def files(path: str | Path) -> list[Path]:
    """The file of a table, or the parts of its folder, in order.

    Raises
    ------
    InputError
        The folder has no manifest, or other parts, rows or keys than its manifest says. Values are
        compared by `verify` only, which reads all of them.
    """
    folder = Path(path)
    if not folder.is_dir():
        return [folder]
    manifest = read_manifest(folder)
    named = [part["name"] for part in manifest["parts"]]
    there = sorted(file.name for file in folder.iterdir() if file.name != MANIFEST)
    if lacking := sorted(set(named) - set(there)):
        raise _wrong(folder, f"lacks {len(lacking)} of {len(named)} parts, such as {lacking[0]}")
    if others := sorted(set(there) - set(named)):
        raise _wrong(folder, f"holds {len(others)} files that are no part of it, as {others[0]}")
    last = None
    for part in manifest["parts"]:
        found = _summary(folder / part["name"], manifest["key"])
        for what, value in found.items():
            if part[what] != value:
                said = f"{part['name']} has {what} {value}, where {MANIFEST} says {part[what]}"
                raise _wrong(folder, f"disagrees with itself: {said}")
        if last is not None and found["first"] <= last:
            raise _wrong(folder, f"is out of order: {part['name']} begins before the last one ends")
        last = found["last"]
    if manifest["rows"] != sum(part["rows"] for part in manifest["parts"]):
        raise _wrong(folder, f"has parts of other than {manifest['rows']:,} rows together")
    return [folder / name for name in named]


def read_table(path: str | Path, columns: list[str] | None = None) -> pa.Table:
    """Read a table, file or folder, into memory; raises what `files` raises."""
    return pa.concat_tables([pq.read_table(file, columns=columns) for file in files(path)])


def refuse_folder(path: str | Path) -> None:
    """Raise InputError if a table is a folder, where it is read row by row from one open file."""
    if Path(path).is_dir():
        raise InputError(
            f"{path} is a folder of parts, which the service does not read: set "
            "rows_in_one_file in engine.yaml to more than its rows"
        )


def verify(path: str | Path) -> None:
    """Compare the values of a folder's parts with its manifest.

    Raises
    ------
    InputError
        One has others, or as `files`.
    """
    found = files(path)
    if not Path(path).is_dir():
        return
    for file, part in zip(found, read_manifest(path)["parts"], strict=True):
        if content_hash(pq.ParquetFile(file).iter_batches()) != part["hash"]:
            raise _wrong(Path(path), f"was changed: {file.name} has other values than when written")


def read_manifest(folder: str | Path) -> Any:
    """What is in a folder: rows, key (the column that sorts it), and parts.

    Raises
    ------
    InputError
        There is none, or it is damaged.
    """
    try:
        content = json.loads((Path(folder) / MANIFEST).read_bytes())
        columns = {"name", "rows", "first", "last", "hash"}
        whole = {"rows", "key", "parts"} == set(content) and all(
            set(part) == columns for part in content["parts"]
        )
    except FileNotFoundError:
        raise _wrong(Path(folder), f"has no {MANIFEST}, so what it holds may be a half") from None
    except (ValueError, TypeError):
        whole = False
    if not whole:
        raise _wrong(Path(folder), f"has a damaged {MANIFEST}")
    return content


def write_manifest(folder: str | Path, parts: Sequence[dict[str, Any]], key: str | None) -> None:
    """Write what `write_part` said of each part; last, as nobody reads a folder without it."""
    rows = sum(part["rows"] for part in parts)
    write_exact(Path(folder) / MANIFEST, {"rows": rows, "key": key, "parts": list(parts)})


def cuts(sources: Sequence[Path], rows_in_one: int, key: str | None) -> list[int]:
    """Where parts of about so many rows begin, and the end: rows of some sorted files.

    A part ends where a key does, so the cuts depend on the table alone, not on its files.
    """
    total = sum(pq.read_metadata(file).num_rows for file in sources)
    found = [0]
    while (start := found[-1] + rows_in_one) < total:
        found.append(start if key is None else _end_of_key(sources, start, total, key))
    return found if found[-1] == total else [*found, total]


def write_part(
    sources: Sequence[Path],
    schema: pa.Schema,
    rows: tuple[int, int],
    path: Path,
    key: str | None,
    compression: str,
) -> dict[str, Any]:
    """Write some rows of some sorted files as one; returns what the manifest says of it."""
    hasher = _Hasher(schema)
    codec = _CODECS.get(compression, compression)
    # Renamed when it is whole, as a task may be killed.
    with atomic(path) as target, pq.ParquetWriter(target, schema, compression=codec) as writer:
        waiting: list[pa.Table] = []
        for batch in _between(sources, *rows, schema.names):
            table = pa.Table.from_batches([batch]).cast(schema)
            hasher.update(table)
            waiting.append(table)
            while sum(map(len, waiting)) >= ROW_GROUP:
                whole = pa.concat_tables(waiting)
                writer.write_table(whole.slice(0, ROW_GROUP).combine_chunks())
                waiting = [whole.slice(ROW_GROUP)]
        if any(map(len, waiting)):
            writer.write_table(pa.concat_tables(waiting).combine_chunks())
    return {"name": path.name, **_summary(path, key), "hash": hasher.hexdigest()}


def content_hash(batches: Iterable[pa.RecordBatch]) -> str:
    """SHA-256 of names, types, nulls and values of rows in their order.

    Not of how a file keeps them: its compression, encodings, row groups, footer.
    """
    hasher = None
    for batch in batches:
        hasher = hasher or _Hasher(batch.schema)
        hasher.update(pa.Table.from_batches([batch]))
    return hasher.hexdigest() if hasher else ""


class _Hasher:
    """Digests of each column: it does not matter in which batches rows come."""

    def __init__(self, schema: pa.Schema) -> None:
        self._names = "".join(f"{field.name}\0{field.type}\0" for field in schema)
        self._columns = [[hashlib.sha256() for _ in range(3)] for _ in schema]

    def update(self, table: pa.Table) -> None:
        for (there, sizes, values), column in zip(self._columns, table.columns, strict=True):
            for chunk in column.chunks:
                there.update(chunk.is_valid().to_numpy(zero_copy_only=False))
                known = chunk.drop_null()
                if pa.types.is_integer(known.type) or pa.types.is_floating(known.type):
                    values.update(known.to_numpy().tobytes())
                else:
                    texts = known.cast(pa.large_string())
                    _, ends, letters = texts.buffers()
                    begin = texts.offset
                    places = np.frombuffer(ends, np.int64)[begin : begin + len(texts) + 1]
                    sizes.update(np.diff(places).tobytes())
                    if letters is not None and len(places):
                        values.update(memoryview(letters)[places[0] : places[-1]])

    def hexdigest(self) -> str:
        whole = hashlib.sha256(self._names.encode())
        for digests in self._columns:
            whole.update(b"".join(digest.digest() for digest in digests))
        return whole.hexdigest()


def _between(
    sources: Sequence[Path], start: int, stop: int, columns: list[str]
) -> Iterator[pa.RecordBatch]:
    """Rows of some files below each other, from one on and before another."""
    place = 0
    for source in sources:
        file = pq.ParquetFile(source)
        for group in range(file.num_row_groups):
            size = file.metadata.row_group(group).num_rows
            if place < stop and place + size > start:
                inside = place
                for batch in file.iter_batches(ROW_GROUP, row_groups=[group], columns=columns):
                    low, high = max(start - inside, 0), min(stop - inside, len(batch))
                    if low < high:
                        yield batch.slice(low, high - low)
                    inside += len(batch)
            place += size


def _end_of_key(sources: Sequence[Path], row: int, total: int, key: str) -> int:
    """The first row from `row` on that has another key than the row before `row`."""
    place, own = row - 1, None
    for batch in _between(sources, row - 1, total, [key]):
        values = batch.column(0)
        own = values[0] if own is None else own
        other = pc.index(pc.not_equal(values, own), True).as_py()
        if other >= 0:
            return place + int(other)
        place += len(batch)
    return total


def _summary(path: Path, key: str | None) -> dict[str, Any]:
    """Rows of a part, and its first and last key, which the file's metadata know."""
    try:
        metadata = pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise _wrong(path.parent, f"has a damaged part: {path.name} ({error})") from None
    first = last = None
    if key is not None:
        place = metadata.schema.names.index(key)
        first, last = (
            _plain(getattr(metadata.row_group(group).column(place).statistics, bound))
            for group, bound in ((0, "min"), (metadata.num_row_groups - 1, "max"))
        )
    return {"rows": metadata.num_rows, "first": first, "last": last}


def _plain(key: Any) -> int | str:
    return key if isinstance(key, int) else str(key)


def _wrong(folder: Path, fault: str) -> InputError:
    return InputError(
        f"{folder} {fault}; get the folder again (dvc pull), or run the stage that writes it"
    )

"""Tables in one file, or in a folder of range parts with a manifest."""

import datetime
import json
import shutil
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src import parts
from src.engine.duckdb import DuckDB
from src.errors import InputError
from src.manifest import Manifest
from src.models.history import History
from src.parts import content_hash, cuts, read_table, verify, write_manifest, write_part
from src.service.payments.ledger import Ledger
from src.service.products.parquet import Table

TABLE = pa.table(
    {
        "customer": pa.array([1, 1, 1, 2, 2, 3, 4, 4]),
        "month": [datetime.date(2016, month, 28) for month in (1, 2, 3, 1, 2, 3, 1, 2)],
        "segment": ["a", None, "", "ñ", "a", "b", "c", None],
        "age": [1.5, None, -0.0, float("nan"), 5.0, 6.0, 7.0, 8.0],
        "card": [True, None, False, True, True, False, None, True],
    }
)


def folder(rows_in_one: int, path: Path = Path("table.parquet"), table: pa.Table = TABLE) -> Path:
    """Two sorted files, as a cluster leaves them, cut anew into a folder."""
    path.mkdir()
    sources = [path.with_suffix(".1"), path.with_suffix(".2")]
    for source, rows in zip(sources, (table.slice(0, 3), table.slice(3)), strict=True):
        pq.write_table(rows, source, row_group_size=2)
    places = cuts(sources, rows_in_one, "customer")
    said = [
        write_part(
            sources, table.schema, (start, end), path / f"part-{number:05d}.parquet",
            "customer", "zstd",
        )
        for number, (start, end) in enumerate(pairwise(places))
    ]  # fmt: skip
    write_manifest(path, said, "customer")
    for source in sources:
        source.unlink()
    return path


pytestmark = pytest.mark.usefixtures("workspace")


def described(path: Path) -> list[tuple[object, ...]]:
    content = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    return [(part["name"], part["rows"], part["first"], part["last"]) for part in content["parts"]]


def test_parts_end_where_a_key_does() -> None:
    assert described(folder(2)) == [
        ("part-00000.parquet", 3, 1, 1),
        ("part-00001.parquet", 2, 2, 2),
        ("part-00002.parquet", 3, 3, 4),
    ]
    content = json.loads(Path("table.parquet/manifest.json").read_text(encoding="utf-8"))
    assert (content["rows"], content["key"]) == (8, "customer")


@pytest.mark.parametrize(("rows_in_one", "sizes"), [(1, [3, 2, 1, 2]), (4, [5, 3]), (9, [8])])
def test_parts_are_the_table(rows_in_one: int, sizes: list[int]) -> None:
    path = folder(rows_in_one)
    assert [rows for _, rows, _, _ in described(path)] == sizes
    assert repr(read_table(path).to_pylist()) == repr(TABLE.to_pylist())  # a NaN is not itself
    verify(path)


def test_a_folder_is_the_same_however_its_rows_were_divided() -> None:
    folder(2)
    path = Path("again.parquet")
    path.mkdir()
    pq.write_table(TABLE, "whole")
    said = [
        write_part([Path("whole")], TABLE.schema, rows, path / name, "customer", "zstd")
        for rows, name in (
            ((0, 3), "part-00000.parquet"),
            ((3, 5), "part-00001.parquet"),
            ((5, 8), "part-00002.parquet"),
        )
    ]
    write_manifest(path, said, "customer")
    for file in Path("table.parquet").iterdir():
        assert file.read_bytes() == (path / file.name).read_bytes()


def test_readers_take_a_folder() -> None:
    engine = DuckDB.connect()
    whole = engine.collect(engine.table(folder(2)).order_by(["customer", "month"]))
    assert repr(whole.to_pylist()) == repr(TABLE.to_pylist())
    runs = engine.runs("table.parquet", "customer")
    found = [engine.collect(run)["customer"].to_pylist() for run in runs]
    assert found == [[1, 1, 1], [2, 2], [3, 4, 4]]


def test_the_service_reads_no_folder() -> None:
    path = str(folder(2))
    for read in (Table.open, Ledger.open):
        with pytest.raises(InputError, match=r"^table\.parquet is a folder of parts, which the "):
            read(path)


def test_a_folder_has_a_hash_of_all_its_parts() -> None:
    path, ours = folder(2), Manifest("run.json", "run it again")

    def hashed() -> object:
        ours.write([str(path)])
        return ours.read([str(path)])

    before = hashed()
    assert hashed() == before
    swap(path)
    assert hashed() != before


def test_history_reads_a_folder() -> None:
    table = pa.table({"customer": [1, 2, 3], "present": [1, 3, 7], "card": [0, 1, 5]})
    for path in (folder(1, table=table), Path("one.parquet")):
        if not path.exists():
            pq.write_table(table, path)
        history = History.read(path, ["card"], np.datetime64("2016-05", "M"))
        assert history.customers.tolist() == [1, 2, 3]
        assert history.held.tolist() == [[0], [1], [5]]


def test_what_is_hashed_is_what_rows_hold() -> None:
    def hashed(table: pa.Table, **how: Any) -> str:
        pq.write_table(table, "hashed", **how)
        return content_hash(pq.ParquetFile("hashed").iter_batches(how.get("row_group_size", 100)))

    same = hashed(TABLE)
    assert hashed(TABLE, row_group_size=3, compression="gzip", use_dictionary=False) == same
    assert hashed(pa.concat_tables([TABLE.slice(0, 5), TABLE.slice(5)])) == same
    texts = TABLE["segment"].to_pylist()
    ages = TABLE["age"].to_pylist()
    others = [
        TABLE.slice(1),
        TABLE.rename_columns(["customer", "month", "segment", "age", "loan"]),
        TABLE.take(pa.array([1, 0, 2, 3, 4, 5, 6, 7])),
        TABLE.set_column(2, "segment", pa.array([*texts[:-3], "bc", "", None])),
        TABLE.set_column(2, "segment", pa.array(["a", "", None, *texts[3:]])),
        TABLE.set_column(3, "age", pa.array([*ages[:2], 0.0, *ages[3:]])),
        TABLE.set_column(0, "customer", TABLE["customer"].cast(pa.int32())),
    ]
    assert len({same, *map(hashed, others)}) == len(others) + 1


def lose(path: Path) -> None:
    (path / "part-00001.parquet").unlink()


def lose_manifest(path: Path) -> None:
    (path / "manifest.json").unlink()


def cut_manifest(path: Path) -> None:
    file = path / "manifest.json"
    file.write_bytes(file.read_bytes()[:90])


def add(path: Path) -> None:
    shutil.copy(path / "part-00000.parquet", path / "part-00007.parquet")


def swap(path: Path) -> None:
    shutil.copy(path / "part-00000.parquet", path / "part-00002.parquet")


def shorten(path: Path) -> None:
    table = pq.read_table(path / "part-00001.parquet")
    pq.write_table(table.slice(1), path / "part-00001.parquet")


def cut(path: Path) -> None:
    file = path / "part-00001.parquet"
    file.write_bytes(file.read_bytes()[:-9])


def declare(path: Path) -> None:
    file = path / "manifest.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"rows": 8', '"rows": 9'))


def reorder(path: Path) -> None:
    content = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    content["parts"].reverse()
    (path / "manifest.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lose, r"lacks 1 of 3 parts, such as part-00001\.parquet; get the folder again"),
        (lose_manifest, r"has no manifest\.json, so what it holds may be a half; get"),
        (cut_manifest, r"has a damaged manifest\.json; get"),
        (add, r"holds 1 files that are no part of it, as part-00007\.parquet; get"),
        (swap, r"part-00002\.parquet has first 1, where manifest\.json says 3; get"),
        (shorten, r"part-00001\.parquet has rows 1, where manifest\.json says 2; get"),
        (cut, r"has a damaged part: part-00001\.parquet \(.*\); get"),
        (declare, r"has parts of other than 9 rows together; get"),
        (reorder, r"is out of order: part-00001\.parquet begins before the last one ends; get"),
    ],
)
def test_a_folder_that_is_not_whole_is_refused(
    damage: Callable[[Path], None], sentence: str
) -> None:
    path = folder(2)
    damage(path)
    for read in (parts.files, read_table, DuckDB.connect().table):
        with pytest.raises(InputError, match=rf"^table\.parquet .*{sentence}"):
            read(path)


def test_values_are_compared_by_verify() -> None:
    path = folder(2)
    table = pq.read_table(path / "part-00001.parquet")
    changed = table.set_column(3, "age", pa.array([4.0, 5.5]))
    pq.write_table(changed, path / "part-00001.parquet")
    assert len(parts.files(path)) == 3
    with pytest.raises(InputError, match=r"was changed: part-00001\.parquet has other values"):
        verify(path)

"""What `Engine` promises, kept by Spark as it is by DuckDB."""

import datetime
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from src.engine import CellType, Engine, SparkSettings, UnreadableError, connect
from src.engine.duckdb import DuckDB
from src.models.factorization import AlsSettings, new_als
from src.parts import ROW_GROUP, files, read_table, verify
from src.tables.cells import stripped
from tests.spark.conftest import choose
from tests.spark.toy import Factor, Numbers, multiplied

if TYPE_CHECKING:
    from src.engine.spark import Spark

pytestmark = pytest.mark.usefixtures("workspace")

ROWS = pa.table({"customer": [3, 1, 2, 1], "place": [4, 3, 2, 1]})
TYPES: dict[str, CellType] = {"id": "text", "day": "date", "age": "number", "card": "flag"}
HEADER = b"id,day,age,card\n"


def opened(engine: Engine, table: pa.Table, name: str = "table.parquet"):  # type: ignore[no-untyped-def]
    pq.write_table(table, name)
    return engine.table(name)


def test_engine_yaml_chooses(spark: Engine, settings: SparkSettings) -> None:
    assert isinstance(connect(), DuckDB)  # there is no such file here
    choose("duckdb", settings)
    assert isinstance(connect(), DuckDB)
    choose("spark", settings)
    assert type(connect()) is type(spark)


def test_integers_beside_a_null_keep_their_digits(spark: Engine) -> None:
    table = pa.table({"number": [2**63 - 1, None, 2**53 + 1]})
    assert spark.collect(opened(spark, table).order_by("number"))["number"].to_pylist() == [
        2**53 + 1,
        2**63 - 1,
        None,
    ]


@pytest.fixture(scope="module")
def many() -> pa.Table:
    numbers = range(300_007)
    return pa.table(
        {
            "customer": [number * 7919 % 300_007 for number in numbers],
            "text": [f"é{number % 97}" if number % 5 else None for number in numbers],
            "share": [number / 7 if number % 3 else None for number in numbers],
            "day": [datetime.date(2016, 5, 1 + number % 28) for number in numbers],
            "held": [None if number % 11 else number % 2 == 0 for number in numbers],
        }
    )


@pytest.mark.parametrize("compression", ["zstd", "lz4_raw"])
def test_a_table_of_several_row_groups_has_the_same_bytes(
    spark: Engine, duck: DuckDB, many: pa.Table, compression: str
) -> None:
    files = []
    for name, engine in (("spark", spark), ("duckdb", duck)):
        rows = opened(engine, many)
        # Columns of expressions, as those of the stages are: that one has no null is not known.
        rows = rows.mutate(
            customer=(rows.customer + 1).nullif(-1), day=rows.day.nullif(datetime.date(2000, 1, 1))
        )
        engine.write(rows, f"{name}.parquet", ["customer"], compression)
        files.append(Path(f"{name}.parquet").read_bytes())
    metadata = pq.read_metadata("spark.parquet")
    assert [metadata.row_group(n).num_rows for n in range(3)] == [ROW_GROUP, ROW_GROUP, 54_247]
    assert files[0] == files[1]


def test_nothing_is_written_as_nothing(spark: Engine, duck: DuckDB) -> None:
    for name, engine in (("spark", spark), ("duckdb", duck)):
        rows = opened(engine, ROWS)
        engine.write(rows.filter(rows.customer > 9), f"{name}.parquet", ["customer"])
        engine.write_runs([rows.filter(rows.customer > 9)], f"{name}_runs.parquet", ["customer"])
    assert Path("spark.parquet").read_bytes() == Path("duckdb.parquet").read_bytes()
    assert Path("spark_runs.parquet").read_bytes() == Path("duckdb_runs.parquet").read_bytes()


def test_scratch_is_empty_again(spark: Engine, settings: SparkSettings) -> None:
    rows = opened(spark, ROWS)
    spark.write(rows, "whole.parquet", ["customer", "place"])
    assert pq.read_table("whole.parquet")["place"].to_pylist() == [1, 3, 2, 4]
    own = Path(settings.scratch)
    assert list(own.glob("spark-*/*/part-*")) == []
    assert [path for path in own.glob("spark-*/*.parquet") if not path.is_symlink()] == []


def test_a_cached_table_is_gone_after_its_block(spark: Engine) -> None:
    from pyspark.errors import AnalysisException

    with spark.cached(opened(spark, ROWS)) as kept:
        assert spark.collect(kept.order_by("place"))["place"].to_pylist() == [1, 2, 3, 4]
    with pytest.raises(AnalysisException, match="TABLE_OR_VIEW_NOT_FOUND"):
        spark.collect(kept)


def test_runs_divide_between_keys_and_are_the_table(
    spark: Engine, duck: DuckDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.engine.duckdb._ROW_GROUPS_AT_ONCE", 1)
    table = pa.table({"customer": [1, 2, 2, 2, 3, 3, 3, 4, 9], "place": range(9)})
    pq.write_table(table, "sorted.parquet", row_group_size=2)
    files = []
    for name, engine in (("spark", spark), ("duckdb", duck)):
        runs = engine.runs("sorted.parquet", "customer")
        engine.write_runs(runs, f"{name}.parquet", ["customer", "place"])
        files.append(Path(f"{name}.parquet").read_bytes())
    assert files[0] == files[1]
    assert pq.read_table("spark.parquet").to_pydict() == table.to_pydict()


def test_a_table_that_is_not_there(spark: Engine) -> None:
    with pytest.raises(UnreadableError, match=r"PATH_NOT_FOUND"):
        spark.table("nothing.parquet")


# a folder of parts


@pytest.mark.parametrize("order", [["customer"], []])
def test_a_table_that_is_too_large_for_a_file(
    spark: "Spark", duck: DuckDB, settings: SparkSettings, many: pa.Table, order: list[str]
) -> None:
    small = replace(spark, rows_in_one_file=100_000)
    divided = spark.backend._session.conf
    folders = [Path("first.parquet"), Path("second.parquet")]
    for partitions, folder in zip((2, 5), folders, strict=True):
        divided.set("spark.sql.shuffle.partitions", partitions)
        folder.write_text("old", encoding="utf-8")
        small.write(opened(spark, many), folder, order)
        verify(folder)
    divided.set("spark.sql.shuffle.partitions", settings.shuffle_partitions)
    assert [pq.read_metadata(file).num_rows for file in files(folders[0])] == [
        100_000, 100_000, 100_000, 7,
    ]  # fmt: skip
    ordered = many.sort_by("customer")
    assert read_table(folders[0]).equals(ordered if order else many)
    for engine in (spark, duck):
        found = engine.table(folders[0]).order_by("customer")
        assert engine.collect(found).equals(ordered)
    for file in folders[0].iterdir():
        assert file.read_bytes() == (folders[1] / file.name).read_bytes()
    assert list(Path(settings.scratch).glob("spark-*/*/part-*")) == []


def test_runs_that_are_too_large_for_a_file(spark: "Spark", duck: DuckDB) -> None:
    table = pa.table({"customer": [1, 2, 2, 2, 3, 3, 3, 4, 9], "place": range(9)})
    rows = opened(spark, table)
    runs = [rows.filter(rows.customer < 3), rows.filter(rows.customer >= 3)]
    small = replace(spark, rows_in_one_file=3)
    for _ in range(2):  # in the place of another one, too
        small.write_runs(runs, "folder.parquet", ["customer", "place"])
    assert [pq.read_metadata(file).num_rows for file in files("folder.parquet")] == [4, 3, 2]
    assert read_table("folder.parquet").to_pydict() == table.to_pydict()
    verify("folder.parquet")
    whole = table.to_pylist()
    for engine in (spark, duck):
        again = engine.runs("folder.parquet", "customer")
        found = [row for run in again for row in engine.collect(run.order_by("place")).to_pylist()]
        assert found == whole
    spark.write_runs(runs, "folder.parquet", ["customer", "place"])  # as a file again
    assert pq.read_table("folder.parquet").to_pydict() == table.to_pydict()


# work on parts


def test_work_is_done_in_tasks_part_by_part(
    spark: Engine, duck: DuckDB, settings: SparkSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.lists._AT_ONCE", 2)
    factor, numbers = Factor(10, os.getpid()), Numbers(np.arange(1, 6))
    ours, theirs = (
        list(engine.by_parts(multiplied, factor, numbers, "numbers")) for engine in (spark, duck)
    )
    found = [part.pop("process")["process"].to_pylist() for part in theirs]
    assert found == [[os.getpid()]] * 3
    others = {part.pop("process")["process"].to_pylist()[0] for part in ours}
    assert os.getpid() not in others
    assert [{name: table.to_pydict() for name, table in part.items()} for part in ours] == [
        {"product": {"value": [1, 2], "product": [10, 20]}, "odd ones": {"label": ["odd"]}},
        {"product": {"value": [3, 4], "product": [30, 40]}, "odd ones": {"label": ["odd"]}},
        {"product": {"value": [5], "product": [50]}, "odd ones": {"label": ["odd"]}},
    ]
    for our, their in zip(ours, theirs, strict=True):
        assert [table.schema for table in our.values()] == [
            table.schema for table in their.values()
        ]
    assert list(Path(settings.scratch).glob("spark-*/*/results")) == []


def test_no_rows_are_no_parts(spark: Engine) -> None:
    nobody = Numbers(np.zeros(0, dtype=np.int64))
    assert list(spark.by_parts(multiplied, Factor(10, 0), nobody, "nothing")) == []


def test_an_error_in_a_task_is_told(spark: Engine, settings: SparkSettings) -> None:
    from pyspark.errors import PythonException

    with pytest.raises(PythonException, match="ValueError: nothing is multiplied by 0"):
        list(spark.by_parts(multiplied, Factor(10, 0), Numbers(np.arange(5)), "numbers"))
    assert list(Path(settings.scratch).glob("spark-*/*/results")) == []


# factors


def shares(*held: list[float]) -> pa.Table:
    """What some customers hold, as rows."""
    usage = np.array(held, dtype=np.float32)
    customers, items = np.nonzero(usage)
    numbers = {"customer": customers.astype(np.int32), "item": items.astype(np.int32)}
    return pa.table({**numbers, "share": usage[customers, items]})


def later(start: int, table: pa.Table) -> pa.Table:
    """The same rows of customers who are counted from another number."""
    moved = pc.cast(pc.add(table["customer"], start), pa.int32())
    return table.set_column(0, "customer", moved)


# Whoever uses one of items 0-2 uses the others, too; likewise 3-5; nobody uses item 6.
GROUPS = [[1, 1, 0.5, 0, 0, 0, 0]] * 8 + [[0, 0, 0, 1, 1, 0.5, 0]] * 8
LEARN: dict[str, Any] = {
    "factors": 2,
    "iterations": 6,
    "regularization": 10.0,
    "alpha": 10.0,
    "seed": 1,
}


def of_implicit() -> NDArray[np.float32]:
    """Products of its factors of items, which no rotation of the factors changes."""
    usage = sp.csr_matrix(np.array(GROUPS, dtype=np.float32))
    with threadpool_limits(limits=1, user_api="blas"):
        model = new_als(AlsSettings(**LEARN | {"iterations": 300}))
        model.fit(usage, show_progress=False)
    return np.asarray(model.item_factors @ model.item_factors.T)


def test_factors_are_implicits_where_all_counts_are_the_same(
    spark: Engine, settings: SparkSettings
) -> None:
    parts = [shares(*GROUPS[:10]), later(10, shares(*GROUPS[10:]))]
    found = spark.factorize(parts, 7, **LEARN)
    again = spark.factorize(parts, 7, **LEARN)
    assert found.dtype == np.float32
    assert found.tobytes() == again.tobytes()
    assert found[6].tolist() == [0, 0]
    assert found @ found.T == pytest.approx(of_implicit(), abs=1e-2)
    assert list(Path(settings.scratch).glob("spark-*/*/shares")) == []


def test_several_blocks_of_customers_find_the_same_factors(
    spark: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("src.engine.spark._RATINGS_IN_BLOCK", 20)
    parts = [shares(*GROUPS[:10]), later(10, shares(*GROUPS[10:]))]
    found = spark.factorize(parts, 7, **LEARN)
    assert found @ found.T == pytest.approx(of_implicit(), abs=1e-2)


def test_a_system_without_a_solution_has_no_factors(spark: Engine) -> None:
    found = spark.factorize([shares([1, 0])], 2, **LEARN | {"factors": 8, "regularization": 0.0})
    assert np.isnan(found).all()


def test_no_shares_are_no_factors(spark: Engine) -> None:
    assert spark.factorize([], 2, **LEARN).tolist() == [[0, 0]] * 2


# raw files

PAGES = {
    "plain": HEADER + b'"a, b",2016-05-28, 35,1\n12.7,NA,,0\n',
    "bom": b"\xef\xbb\xbf" + HEADER + b"1,2016-05-28,35,1\n",
    "crlf": HEADER.replace(b"\n", b"\r\n") + b"1,2016-05-28,35,1\r\n",
    "quotes": HEADER + b'"say ""x""",2016-05-28,35,1\n',
    "break": HEADER + b'"one\ntwo",2016-05-28,35,1\n',
    "blanks": HEADER + "\xa0 8 \xa0,2016-05-28, 35 ,1\n".encode(),
    "letters": HEADER + "Ñandú,2016-05-28,35,1\n".encode(),
}
DAMAGED = {
    "short": HEADER + b"1,2016-05-28,35,1\n2,2016-05-28\n",
    "latin": HEADER + b"CORU\xd1A,2016-05-28,35,1\n",
}


@pytest.mark.parametrize("page", PAGES)
def test_csv_is_read_alike(spark: Engine, duck: DuckDB, page: str) -> None:
    Path("raw.csv").write_bytes(PAGES[page])

    def read(engine: Engine) -> pa.Table:
        return engine.collect(stripped(engine.raw_csv(["raw.csv"], TYPES, ["", "NA"], ",")))

    assert read(spark).to_pydict() == read(duck).to_pydict()


@pytest.mark.parametrize("page", DAMAGED)
def test_damage_is_said_alike(spark: Engine, duck: DuckDB, page: str) -> None:
    Path("raw.csv").write_bytes(DAMAGED[page])
    said = []
    for engine in (spark, duck):
        with pytest.raises(UnreadableError) as caught:
            engine.collect(engine.raw_csv(["raw.csv"], TYPES, [""], ","))
        said.append((str(caught.value), caught.value.where, caught.value.fault))
    assert said[0] == said[1]


def test_raw_parquet_is_matched_by_name(spark: Engine, duck: DuckDB) -> None:
    ours = {"id": pa.array([1], pa.uint32()), "card": [True], "no": [[1]], "when": [None]}
    pq.write_table(pa.table(ours), "1.parquet")
    pq.write_table(pa.table({"card": [False], "id": [2], "share": [0.5]}), "2.parquet")

    def read(engine: Engine) -> list[dict[str, object]]:
        rows = engine.raw_parquet(["1.parquet", "2.parquet"])
        table = engine.collect(rows.select("id", "card", "share").order_by("id"))
        return list(table.to_pylist())

    assert read(spark) == [
        {"id": 1, "card": True, "share": None},
        {"id": 2, "card": False, "share": 0.5},
    ]
    assert read(spark) == read(duck)


def test_rows_are_written_as_csv_in_their_order(spark: Engine) -> None:
    spark.write_csv(pa.table({"name": ["b", "a, a"], "place": [2, None]}), "rows.csv", header=True)
    assert Path("rows.csv").read_text() == 'name,place\nb,2\n"a, a",\n'

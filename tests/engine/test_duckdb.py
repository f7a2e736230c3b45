"""What `Engine` promises, kept by DuckDB."""

import datetime
import signal
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.engine import CellType, UnreadableError, connect
from src.engine import duckdb as engine_module
from src.engine.duckdb import DuckDB
from src.errors import InputError, ResourceError

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def engine() -> DuckDB:
    return DuckDB.connect()


def setting(engine: DuckDB, name: str) -> object:
    (value,) = engine.backend.raw_sql(f"SELECT current_setting('{name}')").fetchone()
    return value


def test_connect_starts_it() -> None:
    assert isinstance(connect(), DuckDB)


# memory


@pytest.mark.parametrize(
    ("free", "limit"),
    [
        (0.5, "1.0GB"),  # at least
        (10.0, "1.0GB"),
        (15.0, "1.5GB"),  # a tenth
        (20.0, "2.0GB"),
        (512.0, "2.0GB"),  # at most
        (float("inf"), "2.0GB"),  # the system does not tell
    ],
)
def test_a_tenth_of_the_free_memory(free: float, limit: str) -> None:
    assert engine_module._share_of(free) == limit


def test_the_default_is_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEXTBEST_MEMORY", raising=False)
    monkeypatch.setattr(engine_module, "free_memory", lambda: 20.0)
    assert setting(DuckDB.connect(), "memory_limit") == "1.8 GiB"  # 2 GB


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "free_memory", lambda: 20.0)
    monkeypatch.setenv("NEXTBEST_MEMORY", "512MiB")
    assert setting(DuckDB.connect(), "memory_limit") == "512.0 MiB"


def files_of_linux(monkeypatch: pytest.MonkeyPatch, **files: str) -> None:
    """Let /proc/meminfo and the control group's files say something else, or be missing."""
    said = {
        "/proc/meminfo": files.get("meminfo"),
        "/sys/fs/cgroup/memory.max": files.get("limit"),
        "/sys/fs/cgroup/memory.current": files.get("used"),
    }

    def read(path: Path, **_: object) -> str:
        content = said[str(path)]
        if content is None:
            raise FileNotFoundError(path)
        return content

    monkeypatch.setattr(Path, "read_text", read)


MEMINFO = "MemTotal:       32000000 kB\nMemFree:  1 kB\nMemAvailable:    8000000 kB\n"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({"meminfo": MEMINFO, "limit": "max\n", "used": "5\n"}, 8_000_000 * 1024 / 1e9),
        ({"meminfo": MEMINFO}, 8_000_000 * 1024 / 1e9),
        ({"meminfo": MEMINFO, "limit": "6000000000\n", "used": "1000000000\n"}, 5.0),
        ({"meminfo": MEMINFO, "limit": "60000000000\n", "used": "0\n"}, 8_000_000 * 1024 / 1e9),
        ({}, float("inf")),
    ],
)
def test_free_is_what_the_machine_and_the_control_group_leave(
    files: dict[str, str], free: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    files_of_linux(monkeypatch, **files)
    assert engine_module.free_memory() == pytest.approx(free)


def test_what_does_not_fit_is_spilled_to_a_folder(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert setting(DuckDB.connect(), "temp_directory") == "data/tmp"
    monkeypatch.setenv("NEXTBEST_TMP", str(workspace / "elsewhere" / "deep"))
    assert setting(DuckDB.connect(), "temp_directory") == str(workspace / "elsewhere" / "deep")
    assert (workspace / "elsewhere" / "deep").is_dir()


def test_memory_that_does_not_suffice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTBEST_MEMORY", "20MB")
    engine = DuckDB.connect()
    engine.backend.raw_sql("SET max_temp_directory_size = '0KB'")
    noise = np.random.default_rng(0).random((4, 500_000))
    pq.write_table(pa.table(list(noise), names=["a", "b", "c", "d"]), "noise.parquet")
    with pytest.raises(ResourceError, match=r"^Out of Memory Error: .* used"):
        engine.write(engine.table("noise.parquet"), "sorted.parquet", order=["a"])


# tables of ours


ROWS = pa.table({"customer": [3, 1, 2, 1], "place": [4, 3, 2, 1]})


def test_a_table_is_written_in_its_order(engine: DuckDB) -> None:
    engine.write(ibis.memtable(ROWS), "ordered.parquet", order=["customer", "place"])
    engine.write(ibis.memtable(ROWS), "plain.parquet", compression="lz4_raw")
    assert pq.read_table("ordered.parquet").to_pydict() == {
        "customer": [1, 1, 2, 3],
        "place": [1, 3, 2, 4],
    }
    assert pq.read_table("plain.parquet").to_pydict() == ROWS.to_pydict()
    kinds = [
        pq.read_metadata(name).row_group(0).column(0).compression
        for name in ("ordered.parquet", "plain.parquet")
    ]
    assert kinds == ["ZSTD", "LZ4"]


def test_a_table_is_opened_and_collected(engine: DuckDB) -> None:
    pq.write_table(ROWS, "table.parquet")
    table = engine.table("table.parquet")
    ones = table.filter(table.customer == 1)
    assert engine.collect(ones).to_pydict() == {"customer": [1, 1], "place": [3, 1]}


def tables_in(engine: DuckDB) -> list[str]:
    found = engine.backend.raw_sql("SELECT table_name FROM duckdb_tables()").fetchall()
    return [name for (name,) in found]


def test_a_cached_table_is_gone_after_its_block(engine: DuckDB) -> None:
    pq.write_table(ROWS, "table.parquet")
    with engine.cached(engine.table("table.parquet")) as kept:
        Path("table.parquet").unlink()  # nobody needs it any more
        (name,) = tables_in(engine)
        assert engine.collect(kept.order_by("place"))["place"].to_pylist() == [1, 2, 3, 4]
    assert tables_in(engine) == []
    with pytest.raises(duckdb.CatalogException, match=f"{name} does not exist"):
        engine.collect(kept)


def test_a_cached_table_is_gone_after_a_failure(engine: DuckDB) -> None:
    with (
        pytest.raises(KeyError, match="inside"),
        engine.cached(ibis.memtable(ROWS)),
    ):
        raise KeyError("inside")
    assert tables_in(engine) == []


# runs

# Row groups of two rows; the second and the third begin within customers 2 and 3.
KEYS = [1, 2, 2, 2, 3, 3, 3, 4, 9]


@pytest.fixture
def path() -> str:
    table = pa.table({"customer": KEYS, "place": range(len(KEYS))})
    pq.write_table(table, "sorted.parquet", row_group_size=2)
    return "sorted.parquet"


@pytest.mark.parametrize(
    ("at_once", "expected"),
    [
        (1, [[1], [2, 2, 2], [3, 3, 3, 4], [9]]),
        (2, [[1, 2, 2, 2], [3, 3, 3, 4], [9]]),
        (16, [KEYS]),
    ],
)
def test_runs_divide_between_keys_and_are_the_table(
    engine: DuckDB,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    at_once: int,
    expected: list[list[int]],
) -> None:
    monkeypatch.setattr(engine_module, "_ROW_GROUPS_AT_ONCE", at_once)
    parts = [engine.collect(run.order_by("place")) for run in engine.runs(path, "customer")]
    shown = [part["customer"].to_pylist() for part in parts if part.num_rows]
    assert shown == expected
    assert pa.concat_tables(parts).to_pydict() == pq.read_table(path).to_pydict()


def test_texts_may_be_keys(engine: DuckDB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "_ROW_GROUPS_AT_ONCE", 1)
    pq.write_table(pa.table({"customer": ["a", "b", "b", "c"]}), "texts.parquet", row_group_size=2)
    parts = [engine.collect(run) for run in engine.runs("texts.parquet", "customer")]
    assert [part["customer"].to_pylist() for part in parts] == [["a"], ["b", "b", "c"]]


def test_runs_are_written_one_below_the_other_each_sorted(engine: DuckDB) -> None:
    second = pa.table({"customer": [9, 8], "place": [5, 6]})
    runs = [ibis.memtable(ROWS), ibis.memtable(second)]
    engine.write_runs(runs, "runs.parquet", ["customer", "place"])
    assert pq.read_table("runs.parquet").to_pydict() == {
        "customer": [1, 1, 2, 3, 8, 9],
        "place": [1, 3, 2, 4, 6, 5],
    }
    assert pq.read_metadata("runs.parquet").row_group(0).column(0).compression == "ZSTD"


# raw files


TYPES: dict[str, CellType] = {"id": "text", "day": "date", "age": "number", "card": "flag"}


def write(name: str, content: bytes) -> list[str]:
    Path(name).write_bytes(content)
    return [name]


def test_cells_are_of_their_types(engine: DuckDB) -> None:
    files = write("raw.csv", b'id,day,age,card\n"a, b",2016-05-28, 35,1\n12.7,NA,,0\n')
    assert engine.collect(engine.raw_csv(files, TYPES, ["", "NA"], ",")).to_pylist() == [
        {"id": "a, b", "day": datetime.date(2016, 5, 28), "age": 35.0, "card": True},
        {"id": "12.7", "day": None, "age": None, "card": False},
    ]


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_cells_lie_between_separators(engine: DuckDB, separator: str) -> None:
    lines = ["id,day,age,card", f'"a{separator} b",2016-05-28,35,1', "x,NA,,0"]
    text = "".join(line.replace(",", separator) + "\n" for line in lines)
    files = write("raw.csv", text.encode())
    assert engine.collect(engine.raw_csv(files, TYPES, ["", "NA"], separator)).to_pylist() == [
        {"id": f"a{separator} b", "day": datetime.date(2016, 5, 28), "age": 35.0, "card": True},
        {"id": "x", "day": None, "age": None, "card": False},
    ]


@pytest.mark.parametrize(
    ("rows", "where", "fault"),
    [
        (
            b"1,2016-05-28,35,1\n2,2016-05-28,old,0\n",
            "raw.csv, line 3",
            "is cut short or damaged: '2,2016-05-28,old,0…'; get the file again",
        ),
        (
            b"1,2016-05-28,35,1\n2,2016-05-28\n",
            "raw.csv, line 3 (2 columns instead of 4)",
            "is cut short or damaged: '2,2016-05-28…'; get the file again",
        ),
        (
            b"CORU\xd1A,2016-05-28,35,1\n",
            "raw.csv, line 2",
            "is not UTF-8: 'CORU??,2016-05-28,35,1…'; save the file as UTF-8",
        ),
    ],
)
def test_a_csv_that_cannot_be_read(engine: DuckDB, rows: bytes, where: str, fault: str) -> None:
    files = write("raw.csv", b"id,day,age,card\n" + rows)
    with pytest.raises(UnreadableError) as caught:
        engine.collect(engine.raw_csv(files, TYPES, [""], ","))
    assert caught.value.where == f"{Path.cwd()}/{where}"
    assert caught.value.fault == fault
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there(engine: DuckDB) -> None:
    with pytest.raises(UnreadableError, match=r"nothing\.parquet"):
        engine.table("nothing.parquet")


def test_raw_parquet_is_matched_by_name(engine: DuckDB) -> None:
    pq.write_table(pa.table({"id": [1], "card": [True]}), "1.parquet")
    pq.write_table(pa.table({"card": [False], "id": [2]}), "2.parquet")
    table = engine.raw_parquet(["1.parquet", "2.parquet"]).order_by("id")
    assert engine.collect(table).to_pydict() == {"id": [1, 2], "card": [True, False]}


@pytest.mark.parametrize(("header", "first"), [(True, "name,place\n"), (False, "")])
def test_rows_are_written_as_csv_in_their_order(engine: DuckDB, header: bool, first: str) -> None:
    rows = pa.table({"name": ["b", "a, a", 'c "c"'], "place": [2, None, 1]})
    engine.write_csv(rows, "rows.csv", header=header)
    assert Path("rows.csv").read_text() == first + 'b,2\n"a, a",\n"c ""c""",1\n'


def test_an_interrupt_stays_one(engine: DuckDB) -> None:
    class Interrupted:
        def to_pyarrow(self) -> pa.Table:
            raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")

    with pytest.raises(KeyboardInterrupt):
        engine.collect(Interrupted())


def test_an_interrupt_ends_a_query_that_runs(engine: DuckDB) -> None:
    numbers = ibis.range(10**6).unnest().name("number").as_table()
    pairs = numbers.cross_join(numbers.view()).aggregate(sum=lambda rows: rows.number.sum())
    # DuckDB raises an error of its own in place of what the handler of a signal raises
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            engine.collect(pairs)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_it_has_no_cluster_to_factorise_on(engine: DuckDB) -> None:
    sentence = r"^there is no cluster to factorise on: name one in engine\.yaml .* or set 'trainer'"
    with pytest.raises(InputError, match=sentence):
        engine.factorize([], 3, factors=2, iterations=1, regularization=0.1, alpha=1, seed=7)

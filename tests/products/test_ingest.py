import datetime
import errno
import gzip
import os
import resource
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from src.engine.duckdb import DuckDB
from src.errors import InputError, run
from src.products import ingest as stage
from src.products import paths
from src.products.ingest import Ingest, ingest
from src.products.schema import Schema
from tests.clones import interruptible

pytestmark = pytest.mark.usefixtures("workspace")

ROOT = Path(__file__).parents[2]

HEADER = "fecha,id,edad,renta,prov,nombre,card,loan,plan"
ROWS = [
    "2016-02-28,7, 35,87218.1, 8,BARCELONA,0,1, 0",
    "2016-01-28,7, 35,,28,MADRID,1,0, 1",
    "2016-01-28,2, NA,         NA,NA,,0,0,NA",
    '2016-02-28,2,101,1.5,28,"A, B",1,1, 1',
]


def bank(**changes: Any) -> Schema:
    content = {
        "id": "id",
        "month": "fecha",
        "numeric": {"age": "edad", "income": "renta"},
        "categorical": {"province": "prov"},
        "products": {name: {"en": name, "ru": name} for name in ("card", "loan", "plan")},
    }
    return Schema.model_validate(content | changes)


def limits(max_rejected_share: float) -> Ingest:
    return Ingest(path="", max_rejected_share=max_rejected_share, min_stay_share=0.05)


STRICT, TENTH = limits(0.0), limits(0.1)


def lines(*rows: str, header: str = HEADER) -> bytes:
    return "".join(f"{row}\n" for row in (header, *rows)).encode()


def write(content: bytes, name: str = "train.csv") -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content)
    return name


def snapshots() -> pa.Table:
    return pq.read_table(paths.SNAPSHOTS)


def digests() -> list[bytes]:
    return [Path(path).read_bytes() for path in (paths.SNAPSHOTS, paths.REJECTED)]


def left_over() -> list[str]:
    return sorted(path.name for path in Path("data/products").iterdir())


OUTPUTS = ["rejected.parquet", "snapshots.parquet"]
JANUARY, FEBRUARY = datetime.date(2016, 1, 28), datetime.date(2016, 2, 28)
TABLE = {
    "customer": [2, 2, 7, 7],
    "month": [JANUARY, FEBRUARY, JANUARY, FEBRUARY],
    "age": [None, 101.0, 35.0, 35.0],
    "income": [None, 1.5, None, 87218.1],
    "province": [None, "28", "28", "8"],
    "card": [False, True, True, False],
    "loan": [False, True, False, True],
    "plan": [None, True, True, False],
}
QUALITY: dict[str, Any] = {
    "rows": 4,
    "rejected": 0,
    "customers": 2,
    "months": 2,
    "first_month": "2016-01-28",
    "last_month": "2016-02-28",
    "warnings": [],
    "notes": [],
    "missing": {
        "customer": 0,
        "month": 0,
        "age": 1,
        "income": 2,
        "province": 1,
        "card": 0,
        "loan": 0,
        "plan": 1,
    },
    "numbers": {
        "age": {"min": 35.0, "max": 101.0, "mode": 35.0},
        "income": {"min": 1.5, "max": 87218.1, "mode": 1.5},  # both are equally common
    },
}


def gz(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def test_rows_are_typed_and_sorted() -> None:
    assert ingest(write(lines(*ROWS)), bank(), STRICT) == QUALITY
    assert snapshots().to_pydict() == TABLE
    assert {name: str(kind) for name, kind in zip(*schema_of(snapshots()), strict=True)} == {
        "customer": "int64",
        "month": "date32[day]",
        "age": "double",
        "income": "double",
        "province": "string",
        "card": "bool",
        "loan": "bool",
        "plan": "bool",
    }
    rejected = pq.read_table(paths.REJECTED)
    assert rejected.num_rows == 0
    assert rejected.column_names == ["reason", *(column.raw for column in bank().columns)]


def schema_of(table: pa.Table) -> tuple[list[str], list[pa.DataType]]:
    return table.schema.names, table.schema.types


def _gz() -> str:
    return write(gz(lines(*ROWS)), "train.csv.gz")


def _folder() -> str:
    write(lines(*ROWS[1:3]), "monthly/1.csv")
    other = "plan,loan,card,prov,renta,edad,id,fecha"  # without nombre, in another order
    write(lines(" 0,1,0, 8,87218.1, 35,7,2016-02-28", header=other), "monthly/2.csv")
    write(gz(lines(ROWS[3])), "monthly/3.csv.gz")
    write(b"outs:\n", "monthly/1.csv.dvc")
    return "monthly"


def _glob() -> str:
    return _folder() + "/*[vz]"


def _zip() -> str:
    with zipfile.ZipFile("train.zip", "w") as archive:
        archive.writestr("a/2016-01.csv", lines(*ROWS[1:3]))
        archive.writestr("a/2016-02.csv", lines(ROWS[0], ROWS[3]))
        archive.writestr("__MACOSX/a/2016-02.csv", b"junk")
        archive.writestr("README.txt", b"junk")
    return "train.zip"


def _parquet() -> str:
    frame = pd.DataFrame(
        {
            "id": [7, 7, 2, 2],
            "fecha": pd.to_datetime(["2016-02-28", "2016-01-28", "2016-01-28", "2016-02-28"]),
            "edad": [35, 35, None, 101],
            "renta": [87218.1, None, None, 1.5],
            "prov": [8, 28, None, 28],
            "card": [0, 1, 0, 1],
            "loan": [True, False, False, True],
            "plan": [0.0, 1.0, float("nan"), 1.0],
        }
    ).astype({"prov": "Int64"})
    frame.to_parquet("train.parquet")
    return "train.parquet"


def _text_parquet() -> str:
    columns = HEADER.split(",")
    cells = [row.replace('"A, B"', "A").split(",") for row in ROWS]
    pq.write_table(pa.table(dict(zip(columns, zip(*cells, strict=True), strict=True))), "t.parquet")
    return "t.parquet"


def _windows() -> str:
    return write(b"\xef\xbb\xbf" + lines(*ROWS).replace(b"\n", b"\r\n"))


def _decimal_flags() -> str:
    return write(lines(*ROWS).replace(b",0,", b",0.0,").replace(b",1,", b",1.0,"))


def _decimal_ids() -> str:
    return write(lines(*ROWS).replace(b"-28,7,", b"-28,7.0,").replace(b", 8,", b",8.0,"))


PASSED_OVER = (
    "monthly/1.csv.dvc is no .csv, .txt, .gz, .parquet, .pq, .zip file and was passed over"
)


@pytest.mark.parametrize(
    ("make", "notes"),
    [
        (_gz, []),
        (_folder, [PASSED_OVER]),
        (_glob, []),
        (
            _zip,
            [
                "train.zip/README.txt is another table (no id) and was passed over",
                "train.zip/__MACOSX/a/2016-02.csv is no table and was passed over",
            ],
        ),
        (_text_parquet, []),
        (_windows, []),
        (_decimal_flags, []),
        (_decimal_ids, []),
    ],
)
def test_every_form_of_the_same_snapshots_gives_the_same_bytes(
    make: Callable[[], str], notes: list[str]
) -> None:
    ingest(write(lines(*ROWS)), bank(), STRICT)
    expected = digests()
    assert ingest(make(), bank(), STRICT) == QUALITY | {"notes": notes}
    assert digests() == expected
    assert left_over() == OUTPUTS


def test_categories_are_respelt_though_only_later_rows_ask_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [f"2016-0{month}-28,{customer},,,28,x,0,1,0" for month in (1, 2) for customer in (1, 2)]
    ingest(write(lines(*rows)), bank(), STRICT)
    expected = digests()
    monkeypatch.setattr("src.tables.raw._HEAD", 3)
    ingest(write(lines(*rows[:3], rows[3].replace(",28,", ",28.0,"))), bank(), STRICT)
    assert digests() == expected


def test_a_bank_that_knows_nothing_of_its_customers() -> None:
    ingest(write(lines(*ROWS)), bank(numeric={}, categorical={}), STRICT)
    columns = ("customer", "month", "card", "loan", "plan")
    assert snapshots().to_pydict() == {name: TABLE[name] for name in columns}


def test_typed_parquet() -> None:
    assert ingest(_parquet(), bank(), STRICT) == QUALITY
    assert snapshots().to_pydict() == TABLE


def test_bytes_depend_neither_on_threads_nor_on_row_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        f"2016-{month:02d}-28,{customer},{customer % 90}, {customer},{customer % 52},x,0,1,0"
        for month in (1, 2)
        for customer in range(70_000)  # more than one row group
    ]
    quality = ingest(write(lines(*rows)), bank(), STRICT)
    expected = digests()
    write(lines(*reversed(rows)))

    def single() -> DuckDB:
        engine = DuckDB.connect()
        engine.backend.raw_sql("SET threads = 1")
        return engine

    monkeypatch.setattr(stage, "connect", single)
    assert ingest("train.csv", bank(), STRICT) == quality
    assert digests() == expected
    assert quality["customers"] == 70_000
    assert quality["numbers"] == {  # of values that are equally common, the least
        "age": {"min": 0.0, "max": 89.0, "mode": 0.0},
        "income": {"min": 0.0, "max": 69_999.0, "mode": 0.0},
    }


def test_a_number_that_nobody_has() -> None:
    rows = [row.replace(", 35,", ",,").replace(",101,", ",NA,") for row in ROWS]
    quality = ingest(write(lines(*rows)), bank(), STRICT)
    assert quality["numbers"] == {
        "age": {"min": None, "max": None, "mode": None},
        "income": QUALITY["numbers"]["income"],
    }


def test_ids_that_are_nan_are_set_aside() -> None:
    _parquet()
    table = pq.read_table("train.parquet")
    more = pa.concat_tables([table, table.slice(0, 1)])
    ids = pa.array([7.0, 7.0, 2.0, 2.0, float("nan")])
    pq.write_table(more.set_column(0, "id", ids), "train.parquet")
    quality = ingest("train.parquet", bank(), limits(0.2))
    assert (quality["rows"], quality["rejected"]) == (4, 1)
    assert snapshots().to_pydict() == TABLE
    reasons = pq.read_table(paths.REJECTED)["reason"].to_pylist()
    assert reasons == ["id is not an integer: nan"]


def test_another_bank() -> None:
    names = ["a", "b", "c", "d", "e"]
    schema = bank(
        id="client",
        id_type="string",
        month="asof",
        numeric={},
        categorical={"segment": "tier"},
        products={name: {"en": name, "ru": name} for name in names},
    )
    header = "client,asof,tier,a,b,c,d,e"
    rows = [
        "x-2,2020-01-31,gold,0,0,0,0,1",
        " 07,2020-02-29,,1,1,1,1,1",
        "07,2020-01-31,NA,0,,0,0,0",
    ]
    ingest(write(lines(*rows, header=header)), schema, STRICT)
    january, february = datetime.date(2020, 1, 31), datetime.date(2020, 2, 29)
    assert snapshots().to_pydict() == {
        "customer": ["07", "07", "x-2"],
        "month": [january, february, january],
        "segment": [None, None, "gold"],
        "a": [False, True, False],
        "b": [None, True, False],
        "c": [False, True, False],
        "d": [False, True, False],
        "e": [False, True, True],
    }


def test_a_text_id_that_is_missing_is_set_aside() -> None:
    schema = bank(id_type="string")
    quality = ingest(write(lines(*ROWS, "2016-02-28,,30,1,28,X,0,0, 0")), schema, limits(0.5))
    assert (quality["rows"], quality["rejected"]) == (4, 1)
    assert snapshots()["customer"].to_pylist() == ["2", "2", "7", "7"]
    assert pq.read_table(paths.REJECTED)["reason"].to_pylist() == ["id is missing"]


def test_unreadable_rows_are_set_aside_with_their_reason() -> None:
    bad = [
        "2016-02-28,,30,1,28,X,0,0, 0",
        "2016-02-28,NA,31,1,28,X,0,0, 0",
        "2016-02-28,12.7,32,1,28,X,0,0, 0",
        "2016-02-28,abc,33,1,28,X,0,0, 0",
        "2016-02-28,8,old,1,28,X,0,0, 0",
        "2016-02-28,9,34,inf,28,X,0,0, 0",
    ]
    quality = ingest(
        write(lines(*ROWS, *bad, "2016-02-28,11.0,36,nan,28,X,0,0, 0")), bank(), limits(0.6)
    )
    assert (quality["rows"], quality["rejected"]) == (5, 6)
    assert snapshots().slice(0, 4).to_pydict() == TABLE
    assert snapshots().slice(4).to_pylist() == [
        {
            "customer": 11,
            "month": FEBRUARY,
            "age": 36.0,
            "income": None,
            "province": "28",
            "card": False,
            "loan": False,
            "plan": False,
        }
    ]
    rejected = pq.read_table(paths.REJECTED, columns=["reason", "edad"]).to_pylist()
    assert rejected == [
        {"reason": "edad is not a number: old", "edad": "old"},
        {"reason": "id is missing", "edad": "30"},
        {"reason": "id is missing", "edad": "31"},
        {"reason": "id is not an integer: 12.7", "edad": "32"},
        {"reason": "id is not an integer: abc", "edad": "33"},
        {"reason": "renta is not a number: inf", "edad": "34"},
    ]


@pytest.mark.parametrize("cell", ["12.7", ""])
def test_one_doubtful_id_in_an_otherwise_typed_file_is_set_aside(cell: str) -> None:
    ingest(write(lines(*ROWS, f"2016-02-28,{cell},30,1,28,X,0,0, 0")), bank(), limits(0.5))
    assert snapshots().to_pydict() == TABLE
    assert pq.read_metadata(paths.REJECTED).num_rows == 1


GOOD = lines(*ROWS)
FAULTS = {
    "empty file": (b"", "train.csv is empty; get the file again"),
    "header only": (lines(), "train.csv has no readable row below its header"),
    "cut short": (
        GOOD[: GOOD.rindex(b",1,1")],
        r"train.csv, line 5 \(6 columns instead of 9\) is cut short or damaged: '2016-02-28,2,101",
    ),
    "cut in quotes": (
        GOOD[: GOOD.index(b'"A') + 3],
        "train.csv, line 5 is cut short or damaged: '2016-02-28,2,101",
    ),
    "not UTF-8": (
        GOOD.replace(b",28,MADRID", ",CORUÑA,".encode("latin-1")),
        "train.csv, line 3 is not UTF-8: '2016-01-28,7, 35,,CORU.*; save the file as UTF-8",
    ),
    "column missing": (
        GOOD.replace(b"loan", b"lone"),
        r"train.csv: column loan is missing \(the file has fecha, id, edad, renta, prov, nombre, …",
    ),
    "column twice": (GOOD.replace(b"loan", b"card"), "train.csv: column loan is missing"),
    "mapped column twice": (
        GOOD.replace(b"nombre", b"card"),
        "train.csv: column card occurs twice",
    ),
    "flag of 2": (
        lines(*ROWS, "2016-02-28,5,30,1,28,X,2,0, 0", "2016-02-28,4,30,1,28,X,2,0, 0"),
        r"train.csv: column card is not a flag \(.*\) in 2 rows \(for example '2' of id 4\)",
    ),
    "flag of 0.6": (
        lines(*ROWS, "2016-02-28,5,30,1,28,X,0.6,0, 0"),
        r"train.csv: column card is not a flag \(.*\) in 1 row \(for example '0.6' of id 5\)",
    ),
    "padded flag of 0.6": (
        lines(*ROWS, "2016-02-28,5,30,1,28,X,0,0, 0.6"),
        r"train.csv: column plan is not a flag \(.*\) in 1 row \(for example '0.6' of id 5\)",
    ),
    "flag x": (
        lines(*ROWS, "2016-02-28,5,30,1,28,X,0,x, 0"),
        r"train.csv: column loan is not a flag \(.*\) in 1 row \(for example 'x' of id 5\)",
    ),
    "no date": (
        lines(*ROWS, "28/02/2016,5,30,1,28,X,0,0, 0"),
        r"column fecha is not a date such as 2016-05-28 in 1 row \(for example '28/02/2016' of",
    ),
    "month missing": (
        lines(*ROWS, ",5,30,1,28,X,0,0, 0"),
        r"column fecha is not a date such as 2016-05-28 in 1 row \(for example '' of id 5\)",
    ),
    "duplicates": (
        lines(*ROWS, ROWS[0], ROWS[0]),
        r"2 rows repeat the id and fecha of another \(for example 7, 2016-02-28\)",
    ),
    "one month": (
        lines(ROWS[0], ROWS[3]),
        "column fecha is 2016-02-28 in every row, but an addition can only be seen between two",
    ),
    "two dates in one month": (
        lines(*ROWS, "2016-02-29,5,30,1,28,X,0,0, 0"),
        r"column fecha has 3 dates in 2 months \(2 of them in 2016-02: 2016-02-28, 2016-02-29\)",
    ),
    "padded ids": (
        GOOD.replace(b"-28,7,", b"-28,0007,"),
        r"train.csv: column id holds ids in 2 rows .* \(for example '0007'\); set schema.id_type",
    ),
    "a month left out, again and again": (
        GOOD.replace(b"2016-01-28", b"2015-12-28"),
        r"train.csv: snapshots are 2 months apart \(2015-12, 2016-02\)",
    ),
    "rows that were sampled": (
        lines(*(f"2016-0{1 + id_ // 30}-28,{id_},30,1,28,X,0,0, 0" for id_ in range(60))),
        "only 0 of 30 customers of 2016-01 are there in 2016-02, less than ingest.min_stay_share",
    ),
    "too many rejects": (
        lines(*ROWS, "2016-02-28,,30,1,28,X,0,0, 0"),
        r"1 of 5 rows cannot be read \(for example id is missing\), more than "
        r"ingest.max_rejected_share \(0.1\)",
    ),
}


@pytest.fixture
def untouched(workspace: Path) -> Iterator[None]:
    """Previous outputs; after the test they are what they were, and nothing else is there."""
    ingest(write(lines(*ROWS), "good.csv"), bank(), STRICT)
    before = digests()
    yield
    assert digests() == before
    assert left_over() == OUTPUTS
    assert not list((workspace / "data" / "tmp").iterdir())


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_end_in_a_sentence(fault: str) -> None:
    content, sentence = FAULTS[fault]
    with pytest.raises(InputError, match=sentence) as caught:
        ingest(write(content), bank(), TENTH)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("t.csv.gz", gz(GOOD)[:-20], "t.csv.gz is cut short or damaged.*get"),
        ("t.csv.gz", b"junk", "t.csv.gz is cut short or damaged.*get"),
        ("t.zip", b"junk", r"t.zip is not a whole zip archive \(File is not a zip file\)"),
        ("t.parquet", b"junk" * 9, "t.parquet is not a whole parquet file"),
        ("folder/notes.md", b"x", "folder holds no table: folder/notes.md is no .csv, .txt, .gz, "),
        ("nothing.csv", None, "nothing.csv is missing: set ingest.path in params.yaml"),
    ],
)
def test_damaged_containers_end_in_a_sentence(
    name: str, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        write(content, name)
    source = "folder" if name.startswith("folder/") else name
    with pytest.raises(InputError, match=sentence) as caught:
        ingest(source, bank(), TENTH)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("untouched")
def test_large_truncated_gz_is_found_behind_its_header() -> None:
    rows = [f"2016-01-28,{id_},{id_ % 97},{id_ * 7919 % 10007},28,X,0,0, 0" for id_ in range(5000)]
    packed = gz(lines(*rows))
    with pytest.raises(InputError, match=r"t\.csv\.gz is cut short or damaged.*GZIP"):
        ingest(write(packed[: len(packed) // 2], "t.csv.gz"), bank(), TENTH)


def test_zip_with_a_damaged_member() -> None:
    _zip()
    packed = bytearray(Path("train.zip").read_bytes())
    packed[packed.index(b"BARCELONA")] ^= 1  # stored, not deflated: only the checksum tells
    with pytest.raises(InputError, match=r"train\.zip is not a whole zip archive \(Bad CRC"):
        ingest(write(bytes(packed), "train.zip"), bank(), TENTH)


def test_parquet_and_csv_do_not_mix() -> None:
    write(lines(*ROWS), "mixed/a.csv")
    Path(_parquet()).rename("mixed/b.parquet")
    with pytest.raises(InputError, match="mixed mixes parquet and CSV files"):
        ingest("mixed", bank(), TENTH)


def test_parquet_with_a_flag_of_two() -> None:
    _parquet()
    frame = pd.read_parquet("train.parquet")
    frame.loc[0, "card"] = 2
    frame.to_parquet("train.parquet")
    with pytest.raises(
        InputError, match=r"column card is not a flag \(.*\) in 1 row \(.*'2' of id 7"
    ):
        ingest("train.parquet", bank(), TENTH)


@pytest.mark.usefixtures("untouched")
def test_full_disk_at_the_rename(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(SystemExit) as caught:
        run(lambda: print(ingest("good.csv", bank(), STRICT)))
    assert str(caught.value.code) == (
        "error: No space left on device (data/products/rejected.parquet). Nothing was replaced; "
        "mend the cause and run the stage again."
    )
    assert capsys.readouterr().out == ""


def settings(source: str, **ingest_changes: Any) -> None:
    stages = {"path": source, "max_rejected_share": 0.01, "min_stay_share": 0.05}
    content = {"ingest": stages | ingest_changes, "schema": bank().model_dump()}
    Path("params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def start(before: Callable[[], None] | None = None, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "src.products.ingest"],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    )


def test_paths_that_are_not_ascii_where_the_locale_is() -> None:
    Path("año").mkdir()
    Path("año/clientes_жир.csv").write_bytes(
        lines(*ROWS).replace(b"28,MADRID", "Cádiz,MADRID".encode())
    )
    settings("año/clientes_жир.csv")
    _, complaint = start(LC_ALL="C").communicate(timeout=60)
    assert complaint == ""
    assert "Cádiz" in snapshots()["province"].to_pylist()
    settings("año/clientes_ж.csv")
    _, complaint = start(LC_ALL="C").communicate(timeout=60)
    assert complaint.startswith("error: año/clientes_ж.csv ")


@pytest.fixture
def ignored_interrupts() -> Iterator[None]:
    """As for tests that a shell started in the background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("untouched", "ignored_interrupts")
def test_interrupt_leaves_previous_outputs() -> None:
    block = "".join(f"{row}\n" for row in ROWS) * 1000
    with Path("large.csv").open("w") as large:
        large.write(HEADER + "\n")
        large.writelines(block for _ in range(3000))
    settings("large.csv")
    process = start(interruptible)
    while not list(Path("data/products").glob(".snapshots.*")) and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.5)  # it has looked at the file and reads all of it
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert complaint == "interrupted: previous outputs are untouched\n"
    assert process.returncode == 130


@pytest.mark.usefixtures("untouched")
def test_a_write_that_fails_ends_in_one_line() -> None:
    def tiny_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))

    settings("good.csv")
    process = start(tiny_files)
    _, complaint = process.communicate(timeout=60)
    assert complaint.startswith("error: Could not write file 'data/products/.snapshots.parquet.")
    assert complaint.endswith("mend the cause and run the stage again.\n")
    assert complaint.count("\n") == 1
    assert process.returncode == 1


def test_main_writes_the_quality() -> None:
    source = write(lines(*ROWS))
    settings(source)
    stage.main()
    written = yaml.safe_load(Path(paths.QUALITY).read_text(encoding="utf-8"))
    assert written == {"source": source, **QUALITY}


def test_main_says_what_it_passed_over_and_what_is_odd(capsys: pytest.CaptureFixture[str]) -> None:
    later = [row.replace("2016-02", "2016-04").replace("2016-01", "2016-03") for row in ROWS]
    write(lines(*ROWS, *later[1:3]), "bank/train.csv")
    write(lines("2016-05-28,7, 35,87218.1, 8,BARCELONA,0,1, 0"), "bank/later.csv")
    Path("bank/empty.csv").touch()
    settings("bank")
    stage.main()
    quality = yaml.safe_load(Path(paths.QUALITY).read_text(encoding="utf-8"))
    assert quality["notes"] == ["bank/empty.csv is empty and was passed over"]
    assert quality["warnings"] == [
        "2016-04 is missing: months are counted by the calendar, and what was added between "
        "2016-03 and 2016-05 is left out"
    ]
    said = [*quality["notes"], *quality["warnings"]]
    assert capsys.readouterr().err == "".join(f"note: {line}\n" for line in said)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"max_rejected_share": 2},
            "error: params.yaml: 'ingest.max_rejected_share' is 2: Input should be less than 1",
        ),
        (
            {"min_stay_share": 1},
            "error: params.yaml: 'ingest.min_stay_share' is 1: Input should be less than 1",
        ),
        (
            {"max_rejected_shares": 0.1},
            "error: params.yaml: unknown parameter 'ingest.max_rejected_shares' "
            "(did you mean 'max_rejected_share'?)",
        ),
    ],
)
def test_wrong_parameters_end_in_a_sentence(changes: dict[str, float], sentence: str) -> None:
    settings(write(lines(*ROWS)), **changes)
    with pytest.raises(SystemExit) as caught:
        run(stage.main)
    assert caught.value.code == sentence
    assert not Path("data").exists()


@pytest.mark.real
def test_real_sample(real_data: Path) -> None:
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    schema = Schema.model_validate(content["schema"])
    source = real_data / "products" / "santander_2016_sample.csv.gz"
    quality = ingest(str(source), schema, STRICT)
    missing, numbers = quality.pop("missing"), quality.pop("numbers")
    assert quality == {
        "rows": 369_959,
        "rejected": 0,
        "customers": 92_627,
        "months": 4,
        "first_month": "2016-02-28",
        "last_month": "2016-05-28",
        "warnings": [],
        "notes": [],
    }
    assert numbers == {
        "age": {"min": 2.0, "max": 117.0, "mode": 24.0},
        "tenure": {"min": 0.0, "max": 256.0, "mode": 7.0},
        "income": {"min": 3796.86, "max": 11271366.45, "mode": 451931.22},
    }
    assert isinstance(missing, dict)
    assert {name: count for name, count in missing.items() if count} == {
        "income": 87_465,
        "customer_type": 1_453,
        "relation": 1_453,
        "employee_spouse": 369_911,
        "channel": 2_520,
        "province": 1_636,
        "segment": 2_638,
    }

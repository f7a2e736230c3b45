"""What ingest reads of a bank's transactions, what it says about them, and what it refuses."""

import datetime
import gzip
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from src.engine.duckdb import DuckDB
from src.errors import InputError, run
from src.payments import ingest as stage
from src.payments import paths
from src.payments.ingest import Ingest, ingest
from src.payments.schema import PARAMS, Schema
from src.simulation.payments import PaymentsSimulation, simulate

pytestmark = pytest.mark.usefixtures("workspace")

ROOT = Path(__file__).parents[2]
HEADER = "paid_at,client,sum,merchant,what,note"
ROWS = [
    "2025-08-02,7,12.5,shop,food,x",
    "2025-08-01,7,4, bus ,,",
    "2025-08-04,2,-12.50,NA,food,y",
    "2025-08-01,2,12.5,shop,NA,",
]


def bank(**changes: Any) -> Schema:
    content = {
        "id": "client",
        "id_type": "integer",
        "date": "paid_at",
        "amount": "sum",
        "paid": "positive",
        "provider": "merchant",
        "attributes": {"category": "what"},
    }
    return Schema.model_validate(content | changes)


STRICT = Ingest(path="", max_rejected_share=0)
LENIENT = Ingest(path="", max_rejected_share=0.5)


def lines(*rows: str, header: str = HEADER) -> bytes:
    return "".join(f"{row}\n" for row in (header, *rows)).encode()


def write(content: bytes, name: str = "payments.csv") -> str:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_bytes(content)
    return name


def payments() -> pa.Table:
    return pq.read_table(paths.PAYMENTS)


def digests() -> list[bytes]:
    return [Path(path).read_bytes() for path in (paths.PAYMENTS, paths.REJECTED)]


def august(day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime.datetime:
    return datetime.datetime(2025, 8, day, hour, minute, second)


TABLE = {
    "client": [2, 2, 7, 7],
    "date": [august(1), august(4), august(1), august(2)],
    "provider": ["shop", None, "bus", "shop"],
    "amount": [12.5, -12.5, 4.0, 12.5],
    "category": [None, "food", None, "food"],
}
QUALITY: dict[str, Any] = {
    "rows": 4,
    "rejected": 0,
    "clients": 2,
    "providers": 2,
    "first_day": "2025-08-01",
    "last_day": "2025-08-04",
    "days_without_payments": 1,  # the 3rd
    "warnings": [],
    "notes": [],
    "missing": {"client": 0, "date": 0, "provider": 1, "amount": 0, "category": 2},
    "numbers": {"amount": {"min": -12.5, "max": 12.5, "mode": 12.5}},
}


def test_rows_are_typed_and_sorted() -> None:
    assert ingest(write(lines(*ROWS)), bank(), STRICT) == QUALITY
    assert payments().to_pydict() == TABLE
    assert payments().schema.types == [
        pa.int64(),
        pa.timestamp("us"),
        pa.string(),
        pa.float64(),
        pa.string(),
    ]
    rejected = pq.read_table(paths.REJECTED)
    assert rejected.num_rows == 0
    assert rejected.column_names == ["reason", "client", "paid_at", "merchant", "sum", "what"]


def _gz() -> str:
    return write(gzip.compress(lines(*ROWS)), "payments.csv.gz")


def _semicolons() -> str:
    return write(lines(*ROWS).replace(b",", b";"))


def _zip() -> str:
    with zipfile.ZipFile("payments.zip", "w") as archive:
        archive.writestr("2025/1.csv", lines(*ROWS[1:]))
        archive.writestr("2025/2.csv", lines(ROWS[0]))
    return "payments.zip"


def _folder() -> str:
    write(lines(*ROWS[:2]), "monthly/1.csv")
    other = "client,merchant,paid_at,sum,what"
    write(lines("2,NA,2025-08-04,-12.50,food", header=other), "monthly/2.csv")
    write(gzip.compress(lines(ROWS[3])), "monthly/3.csv.gz")
    return "monthly"


def _parquet() -> str:
    table = {
        "client": [7, 7, 2, 2],
        "paid_at": [datetime.date(2025, 8, day) for day in (2, 1, 4, 1)],
        "sum": [12.5, 4.0, -12.5, 12.5],
        "merchant": ["shop", "bus", None, "shop"],
        "what": ["food", None, "food", None],
    }
    pq.write_table(pa.table(table), "payments.parquet")
    return "payments.parquet"


@pytest.mark.parametrize(
    ("make", "notes"),
    [
        (_gz, []),
        (_semicolons, ["payments.csv is separated by ';'"]),
        (_zip, []),
        (_folder, []),
        (_parquet, []),
    ],
)
def test_every_form_of_the_same_payments_gives_the_same_rows(
    make: Callable[[], str], notes: list[str]
) -> None:
    assert ingest(make(), bank(), STRICT) == QUALITY | {"notes": notes}
    assert payments().to_pydict() == TABLE


def test_times_are_kept_and_the_day_is_the_one_that_is_written() -> None:
    rows = [
        "2025-08-01 23:59:59,7,1,shop,,",
        "2025-08-01T00:30:00+03:00,7,1,bus,,",  # still July in Greenwich
        "2025-08-02,7,1,shop,,",
    ]
    quality = ingest(write(lines(*rows)), bank(), STRICT)
    assert payments()["date"].to_pylist() == [august(1, 0, 30), august(1, 23, 59, 59), august(2)]
    assert (quality["first_day"], quality["last_day"]) == ("2025-08-01", "2025-08-02")


def test_instants_of_a_parquet_file_count_by_the_day_of_greenwich(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    when = pa.array([august(1, 23), august(2, 1)], pa.timestamp("us", "Europe/Moscow"))
    table = {"client": [7, 7], "paid_at": when, "sum": [1.0, 2.0], "merchant": ["shop", "bus"]}
    pq.write_table(pa.table(table), "payments.parquet")
    quality = ingest("payments.parquet", bank(attributes={}), STRICT)
    assert payments()["date"].to_pylist() == [august(1, 23), august(2, 1)]
    assert quality["notes"] == [
        "payments.parquet: paid_at holds instants; their days are those of Greenwich"
    ]


def test_ids_that_are_text_and_amounts_that_are_missing() -> None:
    rows = ["2025-08-01,A-7,,shop,,", "2025-08-02,007,3,bus,,"]
    quality = ingest(write(lines(*rows)), bank(id_type="string", attributes={}), STRICT)
    assert payments().to_pydict() == {
        "client": ["007", "A-7"],
        "date": [august(2), august(1)],
        "provider": ["bus", "shop"],
        "amount": [3.0, None],
    }
    assert quality["missing"] == {"client": 0, "date": 0, "provider": 0, "amount": 1}


def test_rows_that_cannot_be_read_are_set_aside() -> None:
    rows = [*ROWS, "yesterday,7,1,shop,,", "2025-08-01,,1,shop,,", "2025-08-01,7,much,shop,,"]
    assert ingest(write(lines(*rows)), bank(), LENIENT) == QUALITY | {"rejected": 3}
    assert payments().to_pydict() == TABLE
    assert pq.read_table(paths.REJECTED)["reason"].to_pylist() == [
        "client is missing",
        "paid_at is not a date: yesterday",
        "sum is not a number: much",
    ]


def test_long_gaps_are_warned_of() -> None:
    days = ["2025-01-01", "2025-01-08", "2025-01-16", "2025-02-01", "2025-03-01", "2025-04-01"]
    rows = [f"{day},{number},1,shop {number},," for number, day in enumerate(days)]
    quality = ingest(write(lines(*rows)), bank(), STRICT)
    assert quality["days_without_payments"] == 6 + 7 + 15 + 27 + 30
    assert quality["warnings"] == [
        "no payment at all from 2025-01-09 to 2025-01-15, from 2025-01-17 to 2025-01-31, "
        "from 2025-02-02 to 2025-02-28 and 1 more: is a part of the data missing?"
    ]


def test_most_amounts_with_the_sign_of_a_refund_are_warned_of() -> None:
    rows = ["2025-08-01,7,-1,shop,,", "2025-08-02,7,-2,bus,,", "2025-08-03,7,3,bus,,"]
    source = write(lines(*rows))
    assert ingest(source, bank(), STRICT)["warnings"] == [
        "column sum is negative in 2 of 3 rows, which count as refunds: if these are payments, "
        f"set schema.paid: negative in {PARAMS}"
    ]
    assert ingest(source, bank(paid="negative"), STRICT)["warnings"] == []
    half = write(lines(*rows, "2025-08-03,7,1,bus,,"))
    assert ingest(half, bank(), STRICT)["warnings"] == []


@pytest.mark.parametrize(
    ("rows", "changes", "message"),
    [
        ([], {}, " has no readable row below its header; get the file again"),
        (
            ROWS[1:2],
            {},
            ": column paid_at is 2025-08-01 in every row, but what is paid again can only be seen "
            "between two days; add the payments of other days",
        ),
        (
            ["2025-08-01,7,1,shop,,", "2025-08-02,7,1,shop,,"],
            {},
            ": column merchant names 1 different providers, but they are to be ranked; map "
            f"schema.provider in {PARAMS} on the column that says who was paid",
        ),
        (
            ["2025-08-01,7,-1,shop,,", "2025-08-02,7,-1,bus,,", "2025-08-02,7,0,bus,,"],
            {},
            ": column sum is negative in 2 of 2 rows, so all would be refunds; if these are "
            f"payments, set schema.paid: negative in {PARAMS}",
        ),
        (
            ROWS[:2],
            {"paid": "negative"},
            ": column sum is positive in 2 of 2 rows, so all would be refunds; if these are "
            f"payments, set schema.paid: positive in {PARAMS}",
        ),
        (
            ROWS,
            {"provider": "shop"},
            ": column shop is missing (the file has paid_at, client, sum, merchant, "
            f"what, note, …); add it, or map the schema section of {PARAMS} on your names",
        ),
        (
            ["01.08.2025,7,1,shop,,", "02.08.2025,7,1,bus,,"],
            {},
            ": 2 of 2 rows cannot be read (for example paid_at is not a date: "
            "01.08.2025), more than ingest.max_rejected_share (0.0) allows; export dates as "
            "2016-05-28, or 2016-05-28 12:33:10",
        ),
        (
            ["2025-08-01,007,1,shop,,", "2025-08-02,7,1,bus,,"],
            {},
            ": column client holds ids in 1 row that are not spelt as the number they are, or have "
            f"lost digits (for example '007'); set schema.id_type: string in {PARAMS}, and export "
            "ids as text",
        ),
        (
            ['2025-08-01,7,"12,50",shop,,', "2025-08-02,7,1,bus,,"],
            {},
            ": 1 of 2 rows cannot be read (for example sum is not a number: 12,50), more than "
            "ingest.max_rejected_share (0.0) allows; numbers have a decimal comma: export them "
            "with a decimal point",
        ),
    ],
)
def test_a_file_that_cannot_be_trusted_is_refused(
    rows: list[str], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught:
        ingest(write(lines(*rows)), bank(**changes), STRICT)
    assert str(caught.value) == f"payments.csv{message}"
    assert list(Path("data/payments").iterdir()) == []


def test_a_file_that_is_missing() -> None:
    with pytest.raises(InputError, match=r"^none\.csv is missing: set ingest.path in pipelines/"):
        ingest("none.csv", bank(), STRICT)


def test_bytes_depend_neither_on_threads_nor_on_row_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        f"2025-08-{number % 28 + 1:02d},{number % 90},{number % 7},shop {number % 11},{number % 3},"
        for number in range(140_000)  # more than one row group, with many equal keys
    ]
    quality = ingest(write(lines(*rows)), bank(), STRICT)
    expected = digests()
    write(lines(*reversed(rows)))

    def single() -> DuckDB:
        engine = DuckDB.connect()
        engine.backend.raw_sql("SET threads = 1")
        return engine

    monkeypatch.setattr(stage, "connect", single)
    assert ingest("payments.csv", bank(), STRICT) == quality
    assert digests() == expected


def test_the_simulated_bank_fits_the_parameters() -> None:
    content = yaml.safe_load((ROOT / PARAMS).read_text(encoding="utf-8"))
    source = Path("transactions.csv")
    sizes = PaymentsSimulation(clients=100, providers=100, days=60, seed=1)
    simulate(sizes, source, Path("truth.parquet"))
    quality = ingest(str(source), Schema.model_validate(content["schema"]), STRICT)
    assert quality["rows"] == len(pd.read_csv(source))
    assert quality["last_day"] == "2025-08-31"
    assert quality["warnings"] == []


def test_the_stage_writes_quality_and_says_what_is_odd(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path(PARAMS).parent.mkdir(parents=True)
    far = "2025-09-04,2,1,bus,food,"
    sections = {
        "ingest": {"path": _semicolons(), "max_rejected_share": 0},
        "schema": bank().model_dump(),
    }
    write(lines(*ROWS, far).replace(b",", b";"))
    Path(PARAMS).write_text(yaml.safe_dump(sections), encoding="utf-8")
    run(stage.main)
    quality = json.loads(Path(paths.QUALITY).read_text(encoding="utf-8"))
    assert quality["rows"] == 5
    assert capsys.readouterr().err == (
        "note: payments.csv is separated by ';'\n"
        "note: no payment at all from 2025-08-05 to 2025-09-03: is a part of the data missing?\n"
    )

"""What is refused, of tables that are at hand."""

import datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.engine import connect
from src.errors import InputError
from src.tables.cells import stripped
from src.tables.columns import Column
from src.tables.validation import check_keys, check_values

pytestmark = pytest.mark.usefixtures("workspace")

OWNER, DATE = Column("id", "customer", "integer id"), Column("fecha", "month", "date")
AGE, CARD = Column("edad", "age", "number"), Column("card", "card", "flag")
COLUMNS = [OWNER, DATE, AGE, CARD, Column("prov", "province", "category")]


def check(share: float, owner: Column = OWNER, /, **cells: list[Any]) -> None:
    usual: dict[str, list[Any]] = {
        "id": ["1", "2", "3", "4"],
        "fecha": ["2016-05-28"] * 4,
        "edad": ["30"] * 4,
    }
    usual |= {"card": ["0"] * 4, "prov": ["8"] * 4}
    rows = stripped(ibis.memtable(pa.table(usual | cells)))
    check_values(connect(), rows, [owner, *COLUMNS[1:]], "train.csv", share)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_rows_that_can_all_be_read(share: float) -> None:
    check(share, edad=["", "NA", "nan", "1e3"], card=["1", "", " 0", "1.0"])


def test_ids_that_have_no_other_spelling() -> None:
    as_text = Column("id", "customer", "text id")
    check(0.0, as_text, id=["007", "1e3", "+5", "x"])
    check(0.0, id=[7, 8, 9, 10])
    check(0.25, id=[7, 8, 9, None])
    check(0.25, as_text, id=["7", "8", "9", None])


@pytest.mark.parametrize("ages", [["old", "30", "30", "30"], ["inf", "old", "30", "30"]])
def test_as_many_rows_as_the_share_allows_may_be_unreadable(ages: list[str]) -> None:
    check(0.5, edad=ages)
    with pytest.raises(InputError, match=r"cannot be read"):
        check(0.2, edad=ages)


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (
            {"edad": ["30", "old", "30", "30"]},
            r"^train.csv: 1 of 4 rows cannot be read \(for example edad is not a number: old\), "
            r"more than ingest.max_rejected_share \(0.2\) allows; correct the file$",
        ),
        (
            {"card": ["0", "1", "2", "3"]},
            r"^train.csv: column card is not a flag \(1/0, t/f, true/false, y/n, yes/no\) in 2 "
            r"rows \(for example '2' of id 3\); correct the file$",
        ),
        (
            {"fecha": ["2016-05-28", "28/05/2016", "", "2016-05-28"]},
            r"^train.csv: column fecha is not a date such as 2016-05-28 in 2 rows \(for example "
            r"'28/05/2016' of id 2\); correct the file$",
        ),
        (
            {"id": ["1", "007", "3", "+5"]},
            r"^train.csv: column id holds ids in 2 rows that are not spelt as the number they are, "
            r"or have lost digits \(for example '\+5'\); set schema.id_type: string in "
            r"params.yaml, and export ids as text$",
        ),
        (
            {"edad": ["30", "35,5", "30", "30"]},
            r"\(for example edad is not a number: 35,5\), .* allows; numbers have a decimal comma: "
            "export them with a decimal point$",
        ),
        (
            {"fecha": ["28/05/16"] * 4},
            r"\(for example fecha is in no possible year: 28/05/16\), .* allows; years are written "
            "with two digits: export dates as 2016-05-28$",
        ),
        (
            {"fecha": ["2016-05-28", "1900-01-01", "2016-05-28", "2016-05-28"]},
            r"\(for example fecha is in no possible year: 1900-01-01\), .* allows; correct the "
            r"dates \(years from 1950 on\)$",
        ),
    ],
)
def test_what_is_wrong_is_counted_and_shown(cells: dict[str, list[str]], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        check(0.2, **cells)


def keys(
    path: Path, *rows: tuple[int, str], batch: int = 1000, share: float = 0.05
) -> dict[str, object]:
    cells: dict[str, list[Any]] = {
        "customer": [customer for customer, _ in rows],
        "month": [datetime.date.fromisoformat(date) for _, date in rows],
    }
    table = pa.table(cells, pa.schema([("customer", pa.int64()), ("month", pa.date32())]))
    pq.write_table(table, path / "table.parquet", row_group_size=batch)
    return check_keys(path / "table.parquet", OWNER, DATE, "train.csv", share)


APRIL, MAY = "2016-04-28", "2016-05-28"


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_customers_and_months_are_counted(batch: int, tmp_path: Path) -> None:
    rows = [(1, APRIL), (1, MAY), (2, MAY), (5, APRIL)]
    assert keys(tmp_path, *rows, batch=batch) == {
        "customers": 3,
        "months": 2,
        "first_month": APRIL,
        "last_month": MAY,
        "warnings": [],
    }


@pytest.mark.parametrize("batch", [1, 2, 7, 1000])
def test_who_stays_is_counted_across_batches(batch: int, tmp_path: Path) -> None:
    june = "2016-06-28"
    rows = [(customer, month) for customer in range(30) for month in (APRIL, MAY)]
    rows += [(customer, june) for customer in range(20, 32)]  # 10 of them are not new
    rows.sort()
    said = "only 10 of 30 customers of 2016-05 are there in 2016-06"
    assert keys(tmp_path, *rows, batch=batch)["warnings"] == [
        f"{said}: is the file cut short, or were rows sampled instead of customers?"
    ]
    with pytest.raises(InputError, match=rf"^train.csv: {said}, less than ingest.min_stay_share"):
        keys(tmp_path, *rows, batch=batch, share=0.4)


def test_who_comes_back_later_has_not_stayed(tmp_path: Path) -> None:
    august = "2016-08-28"
    rows = [(1, APRIL), (1, MAY), (1, august), (2, APRIL), (2, MAY), (2, august)]
    assert keys(tmp_path, *rows)["warnings"] == [
        "2016-06, 2016-07 are missing: months are counted by the calendar, and what was added "
        "between 2016-05 and 2016-08 is left out"
    ]


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_repeated_keys_are_found_across_batches(batch: int, tmp_path: Path) -> None:
    rows = [(1, APRIL), (1, MAY), (1, MAY), (2, APRIL), (2, APRIL), (3, MAY)]
    sentence = (
        r"^train.csv: 2 rows repeat the id and fecha of another \(for example 1, 2016-05-28\); "
        "keep one row per customer and month$"
    )
    with pytest.raises(InputError, match=sentence):
        keys(tmp_path, *rows, batch=batch)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "^train.csv has no readable row below its header; get the file again$"),
        (
            [(1, MAY), (2, MAY)],
            "^train.csv: column fecha is 2016-05-28 in every row, but an addition can only be "
            "seen between two months; add the snapshots of other months$",
        ),
        (
            [(1, MAY), (2, "2016-05-29")],
            r"^train.csv: column fecha has 2 dates in 1 month \(2 of them in 2016-05: 2016-05-28, "
            r"2016-05-29\); keep one snapshot a month, and give all its rows one date in that "
            "month$",
        ),
        (
            [(1, APRIL), *((1, f"2016-05-0{day}") for day in range(1, 6))],
            r"^train.csv: column fecha has 6 dates in 2 months \(5 of them in 2016-05: 2016-05-01, "
            r"2016-05-02, 2016-05-03, …\); keep one snapshot a month",
        ),
        (
            [(1, APRIL), (1, "2016-07-28"), (2, "2016-10-28")],
            r"^train.csv: snapshots are 3 months apart \(2016-04, 2016-07, 2016-10\), but",
        ),
    ],
)
def test_tables_without_two_clear_months(
    rows: list[tuple[int, str]], sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=sentence):
        keys(tmp_path, *rows)

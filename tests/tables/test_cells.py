"""What cells say, and what is wrong with them: as text, and as an engine has typed them."""

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import ibis
import pyarrow as pa
import pytest

from src.engine import connect
from src.tables.cells import misspelt, reason, rejects, stripped, typed, unfit
from src.tables.columns import Column, Kind

pytestmark = pytest.mark.usefixtures("workspace")

ID = Column("id", "customer", "integer id")


def rows_of(cells: dict[str, Sequence[Any]]) -> ibis.Table:
    return stripped(ibis.memtable(pa.table({name: list(values) for name, values in cells.items()})))


def read(kind: Kind, cells: Sequence[Any]) -> list[Any]:
    """What a column of some kind says, beside ids that are all right."""
    rows = rows_of({"id": range(len(cells)), "raw": cells})
    table = typed(rows, [ID, Column("raw", "ours", kind)])
    assert table.columns == ("customer", "ours")
    return list(connect().collect(table)["ours"].to_pylist())


def bad(kind: Kind, cells: Sequence[Any]) -> list[bool]:
    """Where a column cannot be what it should be."""
    rows = rows_of({"id": range(len(cells)), "raw": cells})
    column = Column("raw", "ours", kind)
    found = unfit(rows, [ID, column])
    assert list(found) == [column]
    return list(connect().collect(rows.select(bad=found[column]))["bad"].to_pylist())


MAY = datetime.date(2016, 5, 28)
NOON = datetime.datetime(2016, 5, 28, 12, 33, 10)
MIDNIGHT = datetime.datetime(2016, 5, 28)
NOTHING = ["", "  ", "NA", "   NA "]


@pytest.mark.parametrize(
    ("kind", "cells", "said"),
    [
        ("date", ["2016-05-28", " 2016-05-28 "], [MAY, MAY]),
        ("timestamp", ["2016-05-28", " 2016/05/28 "], [MIDNIGHT, MIDNIGHT]),
        ("timestamp", ["2016-05-28 12:33:10", "2016-05-28T12:33:10.0"], [NOON, NOON]),
        # The day on the client's clock is the one that counts, wherever the clock is.
        ("timestamp", ["2016-05-28T12:33:10Z", "2016-05-28 12:33:10 +03"], [NOON, NOON]),
        ("timestamp", ["2016-05-28T00:00:00+14:00", "2016-05-28T00:00-0300"], [MIDNIGHT] * 2),
        ("timestamp", ["28.05.2016", "20160528", "2016-05-28 25:00:00"], [None] * 3),
        ("timestamp", ["2016-05-28 12:33:10.0000009", "2016/5/28 12:33:10Z"], [NOON, NOON]),
        ("timestamp", ["infinity", "epoch", "2016-05-28 24:00:00", "0000-05-28"], [None] * 4),
        ("timestamp", NOTHING, [None] * 4),
        ("number", [" 35", "87218.10", "-1e3", "nan"], [35.0, 87218.1, -1000.0, None]),
        ("number", NOTHING, [None] * 4),
        ("number", ["5.", ".5", "+5", "35\t"], [5.0, 0.5, 5.0, 35.0]),
        ("number", ["old", "1_000", "1d", "0x10", "1e", "."], [None] * 6),
        ("category", [" 8", "BARCELONA ", "1.5", "a, b"], ["8", "BARCELONA", "1.5", "a, b"]),
        ("category", ["1.0", "08.00", "True", " false"], ["1", "08", "1", "0"]),
        ("category", NOTHING, [None] * 4),
        ("flag", ["0", "1", " 1", "1.0", "0.0"], [False, True, True, True, False]),
        ("flag", ["t", "TRUE", " Yes", "y", "1.00"], [True] * 5),
        ("flag", ["F", "false", " NO", "n", "0.00"], [False] * 5),
        ("flag", [*NOTHING, "nan"], [None] * 5),
        ("flag", ["2", "0.6", "x", "maybe"], [None] * 4),
    ],
)
def test_texts(kind: Kind, cells: list[str], said: list[Any]) -> None:
    assert read(kind, cells) == said


@pytest.mark.parametrize(
    ("kind", "cells", "said"),
    [
        ("date", [MAY], [MAY]),
        ("timestamp", [MAY], [MIDNIGHT]),
        ("timestamp", [NOON, None], [NOON, None]),
        ("number", [35, None], [35.0, None]),
        ("number", [1.5, float("nan")], [1.5, None]),
        ("category", [8, None], ["8", None]),
        ("category", [46.0, 46.5, -0.0, float("nan"), None], ["46", "46.5", "0", None, None]),
        ("category", [float("inf"), 1e300], ["inf", "1e+300"]),
        ("category", [True, False, None], ["1", "0", None]),
        ("category", [Decimal("46.0"), Decimal("46.5")], ["46", "46.5"]),
        ("flag", [True, False, None], [True, False, None]),
        ("flag", [0.0, 1.0, float("nan")], [False, True, None]),
        ("flag", [0, 1, 2], [False, True, None]),
    ],
)
def test_values_that_are_typed(kind: Kind, cells: list[Any], said: list[Any]) -> None:
    assert read(kind, cells) == said


@pytest.mark.parametrize(
    ("kind", "cells", "wrong"),
    [
        ("date", ["2016-05-28", "28/05/2016", ""], [False, True, True]),
        ("date", ["2016/5/28", "2016-05-28 12:33", "28/05/16"], [False] * 3),
        ("date", ["epoch", "2016", "2016-05", "2016-05-28 x", "infinity"], [True] * 4 + [False]),
        ("date", ["2016-02-30", "0000-05-28", "2016-05/28", "2016-05-28 25:00"], [True] * 4),
        ("flag", ["0", " 1", "", "NA", "nan", "1.0", "Yes", "F"], [False] * 8),
        ("flag", ["2", "0.6", "x", "maybe"], [True] * 4),
        ("flag", [0, 1, 2, None], [False, False, True, False]),
    ],
)
def test_columns_that_cannot_be_what_they_should(
    kind: Kind, cells: list[Any], wrong: list[bool]
) -> None:
    assert bad(kind, cells) == wrong


def test_other_columns_may_be_anything() -> None:
    rows = rows_of({"id": [1], "n": ["x"], "c": ["y"], "f": [True]})
    columns = [ID, Column("n", "n", "number"), Column("c", "c", "category")]
    assert unfit(rows, [*columns, Column("f", "f", "flag")]) == {}  # flags that are booleans


def identified(kind: Kind, cells: Sequence[Any]) -> list[Any]:
    table = typed(rows_of({"id": cells}), [Column("id", "customer", kind)])
    return list(connect().collect(table)["customer"].to_pylist())


@pytest.mark.parametrize(
    ("kind", "cells", "ids"),
    [
        ("integer id", ["7", " 7", "7.0", "12.7", "abc", ""], [7, 7, 7, None, None, None]),
        ("integer id", ["-7", "007", "1e3", "+5", "nan"], [-7, None, None, None, None]),
        ("integer id", [7.0, 12.7, None], [7, None, None]),
        ("integer id", [7.0, float("nan"), float("inf"), 1e300], [7, None, None, None]),
        ("integer id", [2.0**53 - 1, 2.0**53], [2**53 - 1, None]),
        ("integer id", [2**53 + 1], [2**53 + 1]),
        ("integer id", [Decimal("7.0"), Decimal("12.7")], [7, None]),
        ("text id", [" 07", "x-2", "NA", "", "7.0"], ["07", "x-2", None, None, "7"]),
        ("text id", [7], ["7"]),
        ("text id", [7.0, float("nan")], ["7", None]),
    ],
)
def test_ids(kind: Kind, cells: list[Any], ids: list[Any]) -> None:
    assert identified(kind, cells) == ids


def spelt_otherwise(kind: Kind, cells: Sequence[Any]) -> list[bool]:
    rows = rows_of({"id": cells})
    found = rows.select(found=misspelt(rows, Column("id", "customer", kind)).fill_null(False))
    return list(connect().collect(found)["found"].to_pylist())


@pytest.mark.parametrize(
    "cells",
    [
        ["7", " 7", "900001.0", "-7"],
        ["12.7", "abc", "nan", "", "NA"],  # no id at all: the row is set aside
        [7.0, 12.7, float("nan"), None],
        [7, 2**53 + 1],
        [Decimal("7.0"), Decimal("12.7")],
    ],
)
def test_ids_that_are_spelt_as_the_number_they_are(cells: list[Any]) -> None:
    assert not any(spelt_otherwise("integer id", cells))


@pytest.mark.parametrize(
    "cells",
    [
        ["007", "1e3", "+5", "-0", "4.68769E+11", "1_000", "99999999999999999999"],
        [2.0**53, -(2.0**53), 1e300],  # digits are lost
    ],
)
def test_ids_that_are_spelt_as_something_else(cells: list[Any]) -> None:
    assert all(spelt_otherwise("integer id", cells))
    assert not any(spelt_otherwise("text id", cells))


COLUMNS = [ID, Column("fecha", "month", "date"), Column("edad", "age", "number")]
DOUBTFUL = rows_of(
    {
        "id": ["1", "", "12.7", "4", "5", "6", "7", "8"],
        "fecha": ["2016-05-28"] * 6 + ["soon", "1900-01-01"],
        "edad": ["30", "31", "32", "old", "inf", "nan", "33", "34"],
    }
)


def test_the_id_of_a_row_in_doubt_is_missing() -> None:
    ids = connect().collect(typed(DOUBTFUL, COLUMNS))["customer"].to_pylist()
    assert ids == [1, None, None, None, None, 6, None, None]


def test_why_a_row_cannot_be_read() -> None:
    table = connect().collect(DOUBTFUL.select(reason=reason(DOUBTFUL, COLUMNS)))
    assert table["reason"].to_pylist() == [
        None,
        "id is missing",
        "id is not an integer: 12.7",
        "edad is not a number: old",
        "edad is not a number: inf",
        None,
        None,  # a date that is none concerns the file
        "fecha is in no possible year: 1900-01-01",
    ]


TIMES = [ID, Column("when", "date", "timestamp"), Column("sum", "amount", "number")]
UNTIMELY = rows_of(
    {
        "id": ["1", "2", "3", "4", "", "6"],
        "when": ["2016-05-28", "2016-05-28 12:33:10", "", "28.05.2016", "soon", "1900-01-01"],
        "sum": ["1"] * 6,
    }
)


def test_a_row_without_a_timestamp_is_set_aside() -> None:
    assert unfit(UNTIMELY, TIMES) == {}
    ids = connect().collect(typed(UNTIMELY, TIMES))["customer"].to_pylist()
    assert ids == [1, 2, None, None, None, None]
    told = connect().collect(UNTIMELY.select(reason=reason(UNTIMELY, TIMES)))["reason"].to_pylist()
    assert told == [
        None,
        None,
        "when is not a date: nothing",
        "when is not a date: 28.05.2016",
        "id is missing",
        "when is in no possible year: 1900-01-01",
    ]


NEXT_YEAR = datetime.date.today().year + 1


@pytest.mark.parametrize(
    ("date", "possible"),
    [
        ("1950-01-01", True),
        (f"{NEXT_YEAR}-12-31", True),
        ("1949-12-31", False),
        (f"{NEXT_YEAR + 1}-01-01", False),
        ("0016-05-28", False),
    ],
)
def test_years_that_a_snapshot_can_have(date: str, possible: bool) -> None:
    rows = rows_of({"id": ["1"], "fecha": [date], "edad": ["30"]})
    (told,) = connect().collect(rows.select(reason=reason(rows, COLUMNS)))["reason"].to_pylist()
    assert told == (None if possible else f"fecha is in no possible year: {date}")
    assert connect().collect(typed(rows, COLUMNS))["customer"].to_pylist() == [
        1 if possible else None
    ]


@pytest.mark.parametrize("kind", ["date32", "timestamp"])
def test_years_of_dates_that_are_typed(kind: str) -> None:
    dates: list[Any] = [datetime.datetime(1900, 1, 1), datetime.datetime(2016, 5, 28)]
    types = {"date32": pa.date32(), "timestamp": pa.timestamp("us")}
    cells = {"id": [1, 2], "fecha": pa.array(dates).cast(types[kind]), "edad": [30, 31]}
    rows = ibis.memtable(pa.table(cells))
    ids = connect().collect(typed(rows, COLUMNS))["customer"].to_pylist()
    assert ids == [None, 2]


def test_rejected_rows_are_texts_in_a_defined_order() -> None:
    assert connect().collect(rejects(DOUBTFUL, COLUMNS)).to_pylist() == [
        {"reason": "edad is not a number: inf", "id": "5", "fecha": "2016-05-28", "edad": "inf"},
        {"reason": "edad is not a number: old", "id": "4", "fecha": "2016-05-28", "edad": "old"},
        {
            "reason": "fecha is in no possible year: 1900-01-01",
            "id": "8",
            "fecha": "1900-01-01",
            "edad": "34",
        },
        {"reason": "id is missing", "id": None, "fecha": "2016-05-28", "edad": "31"},
        {"reason": "id is not an integer: 12.7", "id": "12.7", "fecha": "2016-05-28", "edad": "32"},
    ]

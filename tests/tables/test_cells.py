"""What cells say, and what is wrong with them: as text, and as an engine has typed them."""

import datetime
from collections.abc import Sequence
from typing import Any

import ibis
import pyarrow as pa
import pytest

from src.engine import connect
from src.tables.cells import reason, rejects, typed, unfit
from src.tables.columns import Column, Kind

pytestmark = pytest.mark.usefixtures("workspace")

ID = Column("id", "customer", "integer id")


def rows_of(cells: dict[str, Sequence[Any]]) -> ibis.Table:
    return ibis.memtable(pa.table({name: list(values) for name, values in cells.items()}))


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
NOTHING = ["", "  ", "NA", "   NA "]


@pytest.mark.parametrize(
    ("kind", "cells", "said"),
    [
        ("date", ["2016-05-28", " 2016-05-28 "], [MAY, MAY]),
        ("number", [" 35", "87218.10", "-1e3", "nan"], [35.0, 87218.1, -1000.0, None]),
        ("number", NOTHING, [None] * 4),
        ("number", ["old"], [None]),
        ("category", [" 8", "BARCELONA ", "1.0", "a, b"], ["8", "BARCELONA", "1.0", "a, b"]),
        ("category", NOTHING, [None] * 4),
        ("flag", ["0", "1", " 1", "1.0", "0.0"], [False, True, True, True, False]),
        ("flag", [*NOTHING, "nan"], [None] * 5),
        ("flag", ["2", "0.6", "x"], [None] * 3),
    ],
)
def test_texts(kind: Kind, cells: list[str], said: list[Any]) -> None:
    assert read(kind, cells) == said


@pytest.mark.parametrize(
    ("kind", "cells", "said"),
    [
        ("date", [MAY], [MAY]),
        ("number", [35, None], [35.0, None]),
        ("number", [1.5, float("nan")], [1.5, None]),
        ("category", [8, None], ["8", None]),
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
        ("flag", ["0", " 1", "", "NA", "nan", "1.0"], [False] * 6),
        ("flag", ["2", "0.6", "x"], [True] * 3),
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
        ("integer id", [7.0, 12.7], [7, None]),
        ("text id", [" 07", "x-2", "NA", ""], ["07", "x-2", None, None]),
        ("text id", [7], ["7"]),
    ],
)
def test_ids(kind: Kind, cells: list[Any], ids: list[Any]) -> None:
    assert identified(kind, cells) == ids


COLUMNS = [ID, Column("fecha", "month", "date"), Column("edad", "age", "number")]
DOUBTFUL = rows_of(
    {
        "id": ["1", "", "12.7", "4", "5", "6", "7"],
        "fecha": ["2016-05-28"] * 6 + ["soon"],
        "edad": ["30", "31", "32", "old", "inf", "nan", "33"],
    }
)


def test_the_id_of_a_row_in_doubt_is_missing() -> None:
    ids = connect().collect(typed(DOUBTFUL, COLUMNS))["customer"].to_pylist()
    assert ids == [1, None, None, None, None, 6, None]


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
    ]


def test_rejected_rows_are_texts_in_a_defined_order() -> None:
    assert connect().collect(rejects(DOUBTFUL, COLUMNS)).to_pylist() == [
        {"reason": "edad is not a number: inf", "id": "5", "fecha": "2016-05-28", "edad": "inf"},
        {"reason": "edad is not a number: old", "id": "4", "fecha": "2016-05-28", "edad": "old"},
        {"reason": "id is missing", "id": "", "fecha": "2016-05-28", "edad": "31"},
        {"reason": "id is not an integer: 12.7", "id": "12.7", "fecha": "2016-05-28", "edad": "32"},
    ]

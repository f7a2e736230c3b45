"""Both engines decide alike on every cell, however hostile: text is cast differently by them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.engine import Engine
from src.engine.duckdb import DuckDB
from src.tables.cells import _number, misspelt, reason, stripped, typed, unfit
from src.tables.columns import Column, Kind

NUMBERS = [
    "35", " 35", "35 ", "35\t", "\t35", "35\n", "3\xa05", "3 5", "1 000", "1_000", "1,5",
    "1d", "1f", "1D", "1F", "5L", "1e5f", "0x10", "0x1p3", "1e5", "1E5", "1e+5", "1e-5", "1e", "e5",
    "12.0", "12.", "1.", ".5", ".", "-.5", "+5", "-5", "--5", "+-5", "-0", "-0.0", "007", "00", "0",
    "1", "12.7", "1e400", "-1e400", "1e-400", "inf", "Infinity", "-inf", "+inf", "nan", "NaN",
    "NAN", "-nan", "+nan", "99999999999999999999", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "9007199254740993", "1.7976931348623157e308", "1.8e308", "4.68769E+11",
    "87218.1", "0.1", "1e22", "1e23", "2.2250738585072014e-308", "٣", "½", "5%", "$5",
]  # fmt: skip
DAYS = [
    "2015-01-28", " 2015-01-28 ", "2015-1-8", "2015/01/28", "2015/1/8", "2015-01/28", "2015.01.28",
    "2015", "2015-01", "2015-01-", "20150128", "28.01.2015", "28/01/2015", "28/01/15", "15-01-28",
    "015-01-28", "2015-01-28 x", "2015-01-28x", "2015-01-28\n", "2015-01-28 ",
    "2015-02-29", "2016-02-29", "2015-02-30", "2015-13-01", "2015-00-10", "2015-01-00",
    "2015-01-32",
    "0000-01-01", "0001-01-01", "0016-05-28", "1582-10-10", "1900-01-01", "1949-12-31",
    "9999-12-31",
    "10000-01-01", "-2015-01-28", "+2015-01-28", "epoch", "infinity", "-infinity", "today", "now",
    "2015-01-28T", "2015-01-28 12", "2015-01-28 12:33", "2015-01-28T12:33", "2015-01-28 12:33:10",
    "2015-01-28t12:33:10", "2015-01-28  12:33:10", "2015-01-28 1:2:3", "2015-01-28 12:33:10.5",
    "2015-01-28 12:33:10.123456", "2015-01-28 12:33:10.123456789", "2015-01-28 12:33:10.",
    "2015-01-28 24:00:00", "2015-01-28 25:00", "2015-01-28 23:59:60", "2015-01-28 23:60",
    "2015-01-28 12:33:10Z", "2015-01-28T12:33:10+03:00", "2015-01-28 12:33:10 +03",
    "2015-01-28 12:33:10-0300", "2015-01-28+03:00", "2015-01-28 12:33:10 UTC", "2015–01–28",
    "1969-12-31 23:59:59", "2015-01-28 (BC)",
    "2015- 1-28", "2015-01- 8", "2015-1 -28", "+015-01-28", "-015-01-28", "201a-01-28",
    "2015-01-28  1:02:03", "2015-01-28 12: 3:10", "2015-01-28 12:33:1x", "0000-01-01 12:33:10",
    "2015-01-2  12:33:10", "2015-01-2T 12:33:10", "2015-01-28 12:3 :10", "2015-01-28 12:33: 0",
    "2015-01-28 12:33:1.", "2015-01-28 12: x:10", "2015-01-28 12:3 :1T", "2015-01-28 12:33: +",
]  # fmt: skip
WORDS = [
    "", " ", "NA", "  NA", "na", "null", "NULL", "None", "\\N", "x", "t", "T", "f", "true", "TRUE",
    "True", "false", "False", "yes", "Yes", "YES", "y", "n", "no", "NO", "on", "off", "S", "N", "2",
    "1.0", "1.00", "0.0", "01", "08.00", "8.50", "1.0\n", "1.0 ", "A.0", "a\tb", "a, b", 'say "x"',
    "Ñandú", "\ufffd", "0\x00", "'; --", "$1", "\\1",
]  # fmt: skip
CELLS = [*NUMBERS, *DAYS, *WORDS]

OWN = Column("id", "customer", "integer id")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cells") / "cells.parquet"
    pq.write_table(pa.table({"id": [str(n) for n in range(len(CELLS))], "cell": CELLS}), path)
    return path


def answers(engine: Engine, path: Path, kind: Kind) -> list[dict[str, Any]]:
    """What an engine makes of the cells as a column of some kind, and as its keys."""
    rows = engine.computed_once(stripped(engine.table(path)))
    if kind in ("integer id", "text id"):
        own = Column("cell", "ours", kind)
        said = typed(rows, [own]).ours
        columns = [own]
        extra = {"misspelt": misspelt(rows, own).fill_null(False)}
    else:
        own = Column("cell", "ours", kind)
        columns = [OWN, own]
        extra = {f"unfit {one.raw}": bad for one, bad in unfit(rows, columns).items()}
        said = None
    table = rows.select(id=rows.id.cast("int64"), reason=reason(rows, columns), **extra)
    found = engine.collect(table.order_by("id")).to_pylist()
    converted = typed(rows, columns) if said is None else typed(rows.drop("id"), columns)
    values = engine.collect(converted.order_by(*converted.columns)).to_pylist()
    told = [{"cell": cell, **answer} for cell, answer in zip(CELLS, found, strict=True)]
    return [*told, *values]


@pytest.mark.parametrize(
    "kind", ["number", "date", "timestamp", "flag", "category", "integer id", "text id"]
)
def test_cells_of_a_kind(spark: Engine, duck: DuckDB, path: Path, kind: Kind) -> None:
    assert answers(spark, path, kind) == answers(duck, path, kind)


VALUES = {
    "integer": pa.array([0, 1, 2, None, 2**53 + 1], pa.int64()),
    "float": pa.array([0.0, 1.0, float("nan"), float("inf"), 46.5]),
    "negative": pa.array([-0.0, -46.0, None, float("-inf"), 4e5 + 0.1]),
    "flag": pa.array([True, False, None, True, False]),
}


@pytest.mark.parametrize("name", VALUES)
def test_values_that_are_typed(spark: Engine, duck: DuckDB, tmp_path: Path, name: str) -> None:
    pq.write_table(pa.table({"id": range(5), "cell": VALUES[name]}), tmp_path / "typed.parquet")
    kinds: list[Kind] = ["category"] if name == "flag" else ["number", "category", "integer id"]

    def told(engine: Engine) -> list[list[dict[str, Any]]]:
        rows = engine.table(tmp_path / "typed.parquet")
        found = []
        for kind in [*kinds, "flag"]:
            columns = [Column("cell", "ours", kind)]
            if kind != "integer id":
                columns.insert(0, OWN)
            others = {f"unfit {one.raw}": bad for one, bad in unfit(rows, columns).items()}
            table = typed(rows, columns)
            found.append(engine.collect(table.order_by(*table.columns)).to_pylist())
            asked = rows.select("id", reason=reason(rows, columns), **others)
            found.append(engine.collect(asked.order_by("id")).to_pylist())
        return found

    assert repr(told(spark)) == repr(told(duck))  # a NaN is not itself


def test_numbers_are_the_same_to_the_last_bit(spark: Engine, duck: DuckDB, path: Path) -> None:
    def bits(engine: Engine) -> list[str | None]:
        rows = stripped(engine.table(path))
        asked = rows.select(id=rows.id.cast("int64"), number=_number(rows.cell)).order_by("id")
        numbers = engine.collect(asked)["number"].to_pylist()
        return [None if number is None else number.hex() for number in numbers]

    told = bits(spark)
    assert told == bits(duck)
    assert told[CELLS.index("87218.1")] == (87218.1).hex()

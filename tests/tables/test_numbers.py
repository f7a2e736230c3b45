"""Extremes of numbers: of equally common values the least, and none of a column without values."""

import ibis
import pyarrow as pa
import pytest

from src.engine import connect
from src.tables.numbers import extremes

pytestmark = pytest.mark.usefixtures("workspace")


def test_extremes() -> None:
    table = {
        "age": [30.0, -999.0, 30.0, 20.0, None],
        "income": [2.0, 1.0, 1.0, 2.0, 3.0],
        "tenure": pa.nulls(5, pa.float64()),
    }
    assert extremes(connect(), ibis.memtable(pa.table(table)), list(table)) == {
        "age": {"min": -999.0, "max": 30.0, "mode": 30.0},
        "income": {"min": 1.0, "max": 3.0, "mode": 1.0},
        "tenure": {"min": None, "max": None, "mode": None},
    }

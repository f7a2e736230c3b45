"""One row by closures is the same row by the engine."""

from typing import Any

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.products.clean import Clean, fill_rows, valid_rows
from src.products.schema import Schema
from src.service.products.row import compile_row
from tests.service.bank import PARAMS

SCHEMA = Schema.model_validate(PARAMS["schema"])
COLUMNS = {
    "customer": "int64",
    "month": "date",
    **dict.fromkeys(SCHEMA.numeric, "float64"),
    **dict.fromkeys(SCHEMA.categorical, "string"),
    **dict.fromkeys(SCHEMA.products, "boolean"),
}
FILLERS = {f"{of}_{name}": "float64" for of in ("cell", "overall") for name in SCHEMA.numeric}
VALID = valid_rows(ibis.table(COLUMNS, name="rows"), SCHEMA, Clean(age_min=2, age_max=100))
FILLED = fill_rows(ibis.table({**VALID.schema(), **FILLERS}, name="rows"), SCHEMA)

numbers = st.one_of(
    st.none(),
    st.sampled_from([2.0, 100.0, 1.9999, 100.0001, 0.0, -0.0, -999999.0]),
    st.floats(allow_nan=False, allow_infinity=False),
)
texts = st.one_of(
    st.none(), st.sampled_from(["1.0", ".0", "1", "", "unknown", "1.00"]), st.text(max_size=5)
)
flags = st.sampled_from([None, True, False])
CELLS = {"float64": numbers, "string": texts, "boolean": flags}
TYPES = {"int64": pa.int64(), "date": pa.date32(), "float64": pa.float64()}
TYPES |= {"string": pa.string(), "boolean": pa.bool_()}


def by_engine(projection: ibis.Table, columns: dict[str, str], rows: list[dict[str, Any]]) -> Any:
    schema = pa.schema([(name, TYPES[kind]) for name, kind in columns.items()])
    table = pa.Table.from_pylist(rows, schema=schema)
    bound = projection.op().replace({projection.op().parent: ibis.memtable(table).op()})
    return bound.to_expr().to_pyarrow().to_pylist()


def cells(columns: dict[str, str]) -> Any:
    return st.fixed_dictionaries(
        {name: CELLS.get(kind, st.none()) for name, kind in columns.items()}
    )


@settings(max_examples=5, deadline=None)
@given(rows=st.lists(cells(COLUMNS), min_size=30, max_size=30))
def test_the_rules_of_a_row(rows: list[dict[str, Any]]) -> None:
    alone = compile_row(VALID)
    assert [alone(row) for row in rows] == by_engine(VALID, COLUMNS, rows)


@settings(max_examples=5, deadline=None)
@given(rows=st.lists(cells({**COLUMNS, **FILLERS}), min_size=30, max_size=30))
def test_the_medians_of_a_row(rows: list[dict[str, Any]]) -> None:
    alone = compile_row(FILLED)
    assert [alone(row) for row in rows] == by_engine(FILLED, {**COLUMNS, **FILLERS}, rows)


def test_what_is_not_known_is_refused_at_the_start() -> None:
    rows = ibis.table({"text": "string"}, name="rows")
    with pytest.raises(NotImplementedError, match="Uppercase of one row"):
        compile_row(rows.select(loud=rows.text.upper()))
    with pytest.raises(NotImplementedError, match="cast to date of one row"):
        compile_row(rows.select(day=rows.text.cast("date")))

import datetime
import json
from collections import Counter
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.engine import connect
from src.engine import duckdb as engine_module
from src.errors import InputError, run
from src.products import clean as stage
from src.products import paths
from src.products.clean import (
    carry_forward,
    clean_rows,
    count_repairs,
    fit_medians,
    nested,
    repaired,
)
from src.products.repair import Clean
from src.products.schema import Schema

RANGES = {"age": {"least": 2, "most": 100}, "tenure": {"least": 0, "most": 1200}}  # any income
SETTINGS = Clean.model_validate({"ranges": RANGES})
MONTHS = [datetime.date(2016, month, 28) for month in (1, 2, 3, 4)]
JANUARY, FEBRUARY, MARCH, APRIL = MONTHS


def bank(**changes: Any) -> Schema:
    content = {
        "id": "id",
        "month": "fecha",
        "numeric": {"age": "edad", "tenure": "antig", "income": "renta"},
        "categorical": {"customer_type": "tipo", "province": "prov", "segment": "seg"},
        "products": {name: {"en": name, "ru": name} for name in ("card", "loan")},
    }
    return Schema.model_validate(content | changes)


TYPES = {
    "customer": pa.int64(),
    "month": pa.date32(),
    **dict.fromkeys(("age", "tenure", "income"), pa.float64()),
    **dict.fromkeys(("customer_type", "province", "segment"), pa.string()),
    **dict.fromkeys(("card", "loan"), pa.bool_()),
}
PLAIN = bank(numeric={}, categorical={"sex": "sexo"})

Row = tuple[Any, ...]

# customer, month, age, tenure, income, customer_type, province, segment, card, loan
ROWS: list[Row] = [
    (1, JANUARY, 30.0, 5.0, 1000.0, "1", "28", "TOP", False, True),
    (1, FEBRUARY, None, None, None, None, None, None, None, False),  # carried from January
    (1, MARCH, 31.0, 7.0, None, "1", "28", "TOP", True, None),
    (2, JANUARY, 164.0, -999999.0, 3000.0, "P", "28", "TOP", True, True),
    (3, JANUARY, 40.0, 9.0, None, None, "28", "UNI", False, False),  # no income in its cell
    (3, FEBRUARY, 1.0, 0.0, 9.0, "2", "8", None, False, False),  # no January in Barcelona
    (4, JANUARY, None, None, None, None, None, None, False, False),  # nothing earlier
    (4, FEBRUARY, 50.0, 11.0, 70.0, "3", None, "UNI", True, False),
]


def memtable(rows: list[Row]) -> ibis.Table:
    return ibis.memtable(arrow(rows))


def arrow(rows: list[Row]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(TYPES)
    return pa.table(
        {
            name: pa.array(column, kind)
            for (name, kind), column in zip(TYPES.items(), columns, strict=True)
        }
    )


def cleaned(rows: list[Row], medians: ibis.Table) -> list[dict[str, Any]]:
    table = clean_rows(carry_forward(memtable(rows), bank()), medians, bank(), SETTINGS)
    return list(table.order_by("customer", "month").to_pyarrow().to_pylist())


@pytest.fixture(scope="module")
def medians() -> ibis.Table:
    return ibis.memtable(fit_medians(memtable(ROWS), bank(), SETTINGS).to_pyarrow())


def test_medians_of_the_first_month_by_cell_then_province_then_overall(medians: ibis.Table) -> None:
    # January: 28/TOP ages 30 (164 is none), tenures 5, incomes 1000, 3000; 28/UNI 40, 9, none.
    province = {"age": 35.0, "tenure": 7.0, "income": 2000.0}
    overall = province  # the other January row holds nothing
    top = {"age": 30.0, "tenure": 5.0, "income": 2000.0}
    uni = {"age": 40.0, "tenure": 9.0, "income": 2000.0}
    expected: list[tuple[str | None, str | None, int, dict[str, float]]] = [
        ("28", "TOP", 2, top),
        ("28", "UNI", 1, uni),
        ("28", None, 3, province),
        ("8", "unknown", 0, overall),
        ("8", None, 0, overall),
        ("unknown", "UNI", 0, overall),
        ("unknown", "unknown", 1, overall),
        ("unknown", None, 1, overall),
        (None, None, 4, overall),
    ]
    assert medians.to_pyarrow().to_pylist() == [
        {"province": province, "segment": segment, "first_month_rows": rows, **values}
        for province, segment, rows, values in expected
    ]


def test_province_and_overall_medians_differ() -> None:
    def row(customer: int, province: str, segment: str, age: float | None) -> Row:
        return (customer, JANUARY, age, 0.0, 0.0, "1", province, segment, False, False)

    rows = [
        row(1, "28", "TOP", 20.0),
        row(2, "28", "TOP", 30.0),
        row(3, "28", "TOP", 70.0),
        row(4, "28", "UNI", 90.0),
        row(5, "28", "NEW", None),
        row(6, "8", "TOP", None),
        row(7, "4", "UNI", 10.0),
    ]
    table = ibis.memtable(fit_medians(memtable(rows), bank(), SETTINGS).to_pyarrow())
    found = table.to_pyarrow().to_pylist()
    assert {(line["province"], line["segment"]): line["age"] for line in found} == {
        ("28", "TOP"): 30.0,
        ("28", "UNI"): 90.0,
        ("28", "NEW"): 50.0,  # the province: 20, 30, 70, 90
        ("28", None): 50.0,
        ("8", "TOP"): 30.0,  # overall: 10, 20, 30, 70, 90
        ("8", None): 30.0,
        ("4", "UNI"): 10.0,
        ("4", None): 10.0,
        (None, None): 30.0,
    }
    unseen = [row(1, "28", "OLD", None), row(2, "4", "TOP", None), row(3, "5", "TOP", None)]
    assert [line["age"] for line in cleaned(unseen, table)] == [50.0, 10.0, 30.0]


@pytest.mark.usefixtures("workspace")
def test_medians_of_the_pairs_that_occur_and_of_no_others() -> None:
    rows: list[Row] = [
        (number, JANUARY, number % 90 + 5.0, 1.0, 1.0, "1", f"p{number}", f"s{number}", True, False)
        for number in range(300)
    ]
    write_inputs(rows, row_group_size=300)
    stage.main()
    medians = pq.read_table(paths.MEDIANS).select(["province", "segment", "age"]).to_pylist()
    assert len(medians) == 300 + 300 + 1
    ages = {(line["province"], line["segment"]): line["age"] for line in medians}
    pairs = {(f"p{number}", f"s{number}"): number % 90 + 5.0 for number in range(300)}
    alone = {(province, None): age for (province, _), age in pairs.items()}
    assert ages == pairs | alone | {(None, None): 44.5}  # of three times 5 … 94, and 5 … 34


def line(*values: Any) -> dict[str, Any]:
    names = ["customer", "month", "customer_type", "province", "segment", "card", "loan"]
    return dict(zip([*names, "income_missing", "age", "tenure", "income"], values, strict=True))


CLEAN = [
    line(1, JANUARY, "1", "28", "TOP", False, True, False, 30.0, 5.0, 1000.0),
    line(1, FEBRUARY, "1", "28", "TOP", False, False, False, 30.0, 5.0, 1000.0),
    line(1, MARCH, "1", "28", "TOP", True, False, True, 31.0, 7.0, 2000.0),
    line(2, JANUARY, "P", "28", "TOP", True, True, False, 30.0, 5.0, 3000.0),
    line(3, JANUARY, "unknown", "28", "UNI", False, False, True, 40.0, 9.0, 2000.0),
    line(3, FEBRUARY, "2", "8", "unknown", False, False, False, 35.0, 0.0, 9.0),
    line(4, JANUARY, "unknown", "unknown", "unknown", False, False, True, 35.0, 7.0, 2000.0),
    line(4, FEBRUARY, "3", "unknown", "UNI", True, False, False, 50.0, 11.0, 70.0),
]


def test_every_repair(medians: ibis.Table) -> None:
    assert cleaned(ROWS, medians) == CLEAN


@pytest.mark.parametrize("index", [0, 2, 3, 4, 5, 6, 7])
def test_a_row_alone_is_cleaned_as_in_the_table(index: int, medians: ibis.Table) -> None:
    alone = clean_rows(memtable([ROWS[index]]), medians, bank(), SETTINGS)
    assert alone.to_pyarrow().to_pylist() == [CLEAN[index]]


def test_a_province_that_the_medians_do_not_know(medians: ibis.Table) -> None:
    row = (9, APRIL, None, None, None, None, "99", "TOP", None, None)
    alone = clean_rows(memtable([row]), medians, bank(), SETTINGS).to_pyarrow().to_pylist()
    assert alone == [line(9, APRIL, "unknown", "99", "TOP", False, False, True, 35.0, 7.0, 2000.0)]


def test_count_repairs() -> None:
    counts = count_repairs(carry_forward(memtable(ROWS), bank()), bank(), SETTINGS)
    assert counts.to_pyarrow().to_pylist() == [
        {
            "rows": 8,
            "profile_carried_forward": 1,
            "out_of_range.age": 2,
            "out_of_range.tenure": 1,
            "imputed_by_median.age": 3,
            "imputed_by_median.tenure": 2,
            "imputed_by_median.income": 3,
            "unknown.customer_type": 2,
            "unknown.province": 2,
            "unknown.segment": 2,
            "missing_is_not_held.card": 1,
            "missing_is_not_held.loan": 1,
        }
    ]


@pytest.mark.usefixtures("workspace")
def test_counts_of_runs_add_up(medians: ibis.Table) -> None:
    engine, counts = connect(), Counter(rows=100)
    runs = [memtable(ROWS[:4]), memtable(ROWS[4:])]  # customers 1 and 2, 3 and 4
    parts = [
        engine.collect(rows.order_by("customer", "month"))
        for rows in repaired(engine, runs, medians, bank(), SETTINGS, counts)
    ]
    assert [row for part in parts for row in part.to_pylist()] == CLEAN
    assert nested(counts) == {
        "rows": 100 + 8,
        "profile_carried_forward": 1,
        "out_of_range": {"age": 2, "tenure": 1},
        "imputed_by_median": {"age": 3, "tenure": 2, "income": 3},
        "unknown": {"customer_type": 2, "province": 2, "segment": 2},
        "missing_is_not_held": {"card": 1, "loan": 1},
    }


def test_categories_and_products_without_a_repair_are_left_out() -> None:
    numbers = ["out_of_range.age", "imputed_by_median.age"]
    names = ["rows", *numbers, "unknown.sex", "unknown.segment", "missing_is_not_held.card"]
    assert nested(Counter(dict.fromkeys(names, 0) | {"unknown.sex": 2})) == {
        "rows": 0,
        "out_of_range": {"age": 0},
        "imputed_by_median": {"age": 0},
        "unknown": {"sex": 2},
        "missing_is_not_held": {},
    }


def test_carried_whole_from_the_last_earlier_row_with_attributes() -> None:
    blank: Row = (None,) * 6
    rows: list[Row] = [
        (1, JANUARY, 30.0, 1.0, 500.0, "1", "28", "TOP", True, True),
        (1, FEBRUARY, 31.0, None, None, None, None, "UNI", True, True),
        (1, MARCH, *blank, False, True),
        (1, APRIL, *blank, None, None),
        (2, FEBRUARY, *blank, True, False),
        (2, MARCH, 60.0, 2.0, 700.0, "2", "8", "TOP", True, False),
    ]
    table = carry_forward(memtable(rows), bank()).order_by("customer", "month")
    mended = (31.0, None, None, None, None, "UNI")  # February's, without January's income
    expected = [
        (*rows[0], False),
        (*rows[1], False),
        (1, MARCH, *mended, False, True, True),
        (1, APRIL, *mended, None, None, True),
        (*rows[4], False),  # never back from a later month
        (*rows[5], False),
    ]
    names = [*TYPES, "carried"]
    assert table.to_pyarrow().select(names).to_pylist() == [
        dict(zip(names, row, strict=True)) for row in expected
    ]


profiles = st.tuples(
    st.sampled_from([None, 1.0, 30.0, 164.0]),
    st.sampled_from([None, -999999.0, 5.0]),
    st.sampled_from([None, 1000.0]),
    st.sampled_from([None, "1", "P"]),
    st.sampled_from([None, "28"]),
    st.sampled_from([None, "TOP"]),
)
flags = st.sampled_from([None, False, True])
tables = st.dictionaries(
    st.tuples(st.integers(1, 3), st.sampled_from(MONTHS)),
    st.tuples(st.one_of(st.just((None,) * 6), profiles), flags, flags),
    min_size=1,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=tables, after=tables, cut=st.sampled_from([FEBRUARY, MARCH]))
def test_later_months_change_nothing_earlier(before: Any, after: Any, cut: datetime.date) -> None:
    def earlier(content: Any) -> list[dict[str, Any]]:
        rows = [(*key, *profile, card, loan) for key, (profile, card, loan) in content.items()]
        medians = fit_medians(memtable(rows), bank(), SETTINGS)
        table = clean_rows(carry_forward(memtable(rows), bank()), medians, bank(), SETTINGS)
        kept = table.filter(table.month <= cut).order_by("customer", "month")
        return list(kept.to_pyarrow().to_pylist())

    start = {(9, JANUARY): ((30.0, 1.0, 10.0, "1", "28", "TOP"), True, False)}
    past = start | {key: row for key, row in before.items() if key[1] <= cut}
    future = {key: row for key, row in after.items() if key[1] > cut}
    assert earlier(past | future) == earlier(past)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (PLAIN, {"sex": "unknown"}),
        (bank(numeric={"age": "edad"}, categorical={}), {"age": 3.0}),
        (
            bank(numeric={"balance": "saldo"}, categorical={"segment": "seg"}),
            {"segment": "TOP", "balance": 4.0},
        ),
    ],
)
def test_banks_with_fewer_columns(schema: Schema, expected: dict[str, Any]) -> None:
    table = pa.table(
        {
            "customer": ["b", "a"],
            "month": [JANUARY, JANUARY],
            "age": [None, 3.0],
            "balance": [None, 4.0],
            "sex": pa.array([None, "H"]),
            "segment": ["TOP", "TOP"],
            "card": [True, False],
            "loan": pa.array([None, False]),
        }
    ).select(["customer", "month", *schema.profile, "card", "loan"])
    rows = ibis.memtable(table)
    medians = fit_medians(rows, schema, SETTINGS)
    result = clean_rows(carry_forward(rows, schema), medians, schema, SETTINGS)
    first = result.filter(result.customer == "b").to_pyarrow().to_pylist()
    assert first == [{"customer": "b", "month": JANUARY, "card": True, "loan": False, **expected}]


def write_inputs(rows: list[Row], row_group_size: int) -> None:
    Path("data/products").mkdir(parents=True)
    pq.write_table(arrow(rows), paths.SNAPSHOTS, row_group_size=row_group_size)
    content = {"clean": {"ranges": RANGES}, "schema": bank().model_dump()}
    Path("params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


@pytest.mark.parametrize("row_groups_at_once", [1, 2, 16])
def test_main_writes_one_sorted_table_whatever_its_parts(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, row_groups_at_once: int
) -> None:
    monkeypatch.setattr(engine_module, "_ROW_GROUPS_AT_ONCE", row_groups_at_once)
    write_inputs(ROWS, row_group_size=1)  # groups begin within customers as well
    stage.main()
    table = pq.read_table(paths.CLEAN)
    assert table.to_pylist() == CLEAN
    assert [str(kind) for kind in table.schema.types] == [
        "int64",
        "date32[day]",
        *["string"] * 3,
        *["bool"] * 3,
        *["double"] * 3,
    ]
    repairs = json.loads(Path(paths.REPAIRS).read_text())
    assert repairs["profile_carried_forward"] == 1
    assert repairs["out_of_range"] == {"age": 2, "tenure": 1}
    content = Path(paths.CLEAN).read_bytes()
    stage.main()
    assert Path(paths.CLEAN).read_bytes() == content
    left = sorted(path.name for path in (workspace / "data" / "products").iterdir())
    assert left == ["clean.parquet", "medians.parquet", "snapshots.parquet"]


@pytest.mark.usefixtures("workspace")
def test_failure_halfway_leaves_previous_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    write_inputs(ROWS, row_group_size=2)
    stage.main()
    before = [Path(path).read_bytes() for path in (paths.CLEAN, paths.MEDIANS, paths.REPAIRS)]

    def fail(*_: Any) -> None:
        raise InputError("the disk is full")

    monkeypatch.setattr(stage, "clean_rows", fail)
    monkeypatch.setattr(stage, "UNKNOWN", "other")
    with pytest.raises(SystemExit, match="error: the disk is full"):
        run(stage.main)
    after = [Path(path).read_bytes() for path in (paths.CLEAN, paths.MEDIANS, paths.REPAIRS)]
    assert after == before
    assert len(list(Path("data/products").iterdir())) == 3

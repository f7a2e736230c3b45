"""A profile alone is repaired as the clean stage repairs a row of a table."""

import datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from src.engine import connect
from src.products.clean import clean_rows
from src.products.repair import (
    Clean,
    Medians,
    Respelling,
    ValidRange,
    median_keys,
    repair_profile,
    rules,
)
from src.products.schema import Schema

ROOT = Path(__file__).parents[2]
BANK = Schema.model_validate(yaml.safe_load((ROOT / "params.yaml").read_text())["schema"])
SETTINGS = Clean(age_min=2, age_max=100)
MONTH = datetime.date(2016, 5, 28)

# Of two cells the second has no income, and none of its values is the overall one.
MEDIANS: Medians = {
    ("28", "01 - TOP"): {"age": 50.0, "tenure": 120.5, "income": 2e5},
    ("unknown", "unknown"): {"age": 30.0, "tenure": 9.0, "income": None},
    (None, None): {"age": 39.0, "tenure": 47.0, "income": 1e5},
}


def with_schema(**changes: object) -> Schema:
    return Schema.model_validate(BANK.model_dump() | changes)


SMALL = with_schema(numeric={"age": "age", "balance": "saldo"}, categorical={"sex": "sexo"})


# The rules


@pytest.mark.parametrize(
    ("age_min", "age_max"), [(18, 18), (19, 18)], ids=["equal", "in the wrong order"]
)
def test_ages_need_a_range(age_min: int, age_max: int) -> None:
    sentence = rf"age_min \({age_min}\) must lie below age_max \({age_max}\)"
    with pytest.raises(ValidationError, match=sentence):
        Clean(age_min=age_min, age_max=age_max)


def test_a_range_of_two_ages_is_enough() -> None:
    assert Clean(age_min=17, age_max=18).model_dump() == {"age_min": 17, "age_max": 18}


def test_rules_of_columns_that_there_are() -> None:
    age = ValidRange("age", "age_out_of_range", 2, 100)
    assert rules(BANK, SETTINGS) == [
        age,
        ValidRange("tenure", "tenure_negative", least=0),
        Respelling("customer_type", "customer_type_respelt", ".0"),
    ]
    assert rules(SMALL, SETTINGS) == [age]


def test_keys_of_medians_are_columns_that_there_are() -> None:
    assert median_keys(BANK) == ["province", "segment"]
    assert median_keys(with_schema(categorical={"segment": "segmento"})) == ["segment"]
    assert median_keys(SMALL) == []


# One profile


def repaired(**profile: float | str | None) -> dict[str, float | str]:
    return repair_profile(profile, BANK, SETTINGS, MEDIANS)


@pytest.mark.parametrize(
    ("age", "valid"),
    [(2.0, 2.0), (100.0, 100.0), (1.999, 30.0), (100.001, 30.0), (-1.0, 30.0), (None, 30.0)],
)
def test_both_ends_of_the_ages_are_valid(age: float | None, valid: float) -> None:
    assert repaired(age=age)["age"] == valid


@pytest.mark.parametrize(
    ("tenure", "valid"), [(0.0, 0.0), (-0.001, 9.0), (-999999.0, 9.0), (1e9, 1e9)]
)
def test_a_tenure_is_never_negative(tenure: float, valid: float) -> None:
    assert repaired(tenure=tenure)["tenure"] == valid


@pytest.mark.parametrize(
    ("given", "spelt"),
    [("1.0", "1"), ("1", "1"), ("P", "P"), (".0", ""), ("1.00", "1.00"), (None, "unknown")],
)
def test_one_spelling_of_a_customer_type(given: str | None, spelt: str) -> None:
    assert repaired(customer_type=given)["customer_type"] == spelt


def test_medians_of_the_own_cell_then_of_all() -> None:
    top = repaired(province="28", segment="01 - TOP")
    assert (top["age"], top["tenure"], top["income"], top["income_missing"]) == (50, 120.5, 2e5, 1)
    unknown = repaired()
    assert (unknown["age"], unknown["tenure"], unknown["income"]) == (30, 9, 1e5)
    elsewhere = repaired(province="99", segment="01 - TOP")
    assert (elsewhere["age"], elsewhere["tenure"], elsewhere["income"]) == (39, 47, 1e5)


def test_an_income_that_is_given_is_not_missing() -> None:
    profile = repaired(income=0.0)
    assert (profile["income"], profile["income_missing"]) == (0, 0)


def test_attributes_in_the_order_of_clean_profiles() -> None:
    assert list(repaired()) == [*BANK.clean_numeric, *BANK.categorical]


def test_a_bank_with_other_attributes() -> None:
    medians: Medians = {(): {"age": 40.0, "balance": None}}
    assert repair_profile({}, SMALL, SETTINGS, medians) == {
        "age": 40.0,
        "balance": 0.0,  # there is no median at all
        "sex": "unknown",
    }


# The same as a row of a table


def table_of(rows: list[dict[str, Any]], types: dict[str, pa.DataType]) -> ibis.Table:
    return ibis.memtable(pa.Table.from_pylist(rows, schema=pa.schema(list(types.items()))))


NUMBERS = dict.fromkeys(BANK.numeric, pa.float64())
TEXTS = dict.fromkeys(BANK.categorical, pa.string())
TYPES = (
    {"customer": pa.int64(), "month": pa.date32()}
    | NUMBERS
    | TEXTS
    | dict.fromkeys(BANK.products, pa.bool_())
)
KEYS = median_keys(BANK)
TABLE = table_of(
    [dict(zip(KEYS, key, strict=True)) | dict(values) for key, values in MEDIANS.items()],
    dict.fromkeys(KEYS, pa.string()) | NUMBERS,
)

numbers = st.one_of(
    st.none(),
    st.sampled_from([2.0, 100.0, 1.9999, 100.0001, 0.0, -0.0, -999999.0]),
    st.floats(allow_nan=False, allow_infinity=False),
)
texts = st.one_of(
    st.none(), st.sampled_from(["1.0", ".0", "1", "", "unknown", "1.00"]), st.text(max_size=5)
)
attributes: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(BANK.numeric, numbers),
    **dict.fromkeys(BANK.categorical, texts),
    "province": st.sampled_from(["28", "8", None]),
    "segment": st.sampled_from(["01 - TOP", None]),
}
profiles = st.fixed_dictionaries(attributes)


@pytest.mark.usefixtures("workspace")
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(profiles, min_size=30, max_size=30))
def test_a_profile_is_repaired_as_a_row_of_a_table(rows: list[dict[str, Any]]) -> None:
    nobody = dict.fromkeys(BANK.products)
    numbered = [
        {"customer": number, "month": MONTH} | row | nobody for number, row in enumerate(rows)
    ]
    table = clean_rows(table_of(numbered, TYPES), TABLE, BANK, SETTINGS).order_by("customer")
    names = [*BANK.clean_numeric, *BANK.categorical]
    by_engine = connect().collect(table).select(names).to_pylist()
    alone = [repair_profile(row, BANK, SETTINGS, MEDIANS) for row in rows]
    assert [{**row, "income_missing": float(row["income_missing"])} for row in by_engine] == alone

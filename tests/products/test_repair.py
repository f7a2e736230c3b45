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
from src.errors import InputError
from src.products.clean import clean_rows
from src.products.repair import (
    Clean,
    Medians,
    Range,
    median_keys,
    repair_profile,
)
from src.products.schema import Schema

ROOT = Path(__file__).parents[2]
BANK = Schema.model_validate(yaml.safe_load((ROOT / "params.yaml").read_text())["schema"])
RANGES = {"age": Range(least=2, most=100), "tenure": Range(least=0, most=1200)}  # any income
SETTINGS = Clean(ranges=RANGES)
MONTH = datetime.date(2016, 5, 28)

# No two are alike. Of two pairs the second has no income; its province has none either.
MEDIANS: Medians = {
    ("28", "01 - TOP"): {"age": 50.0, "tenure": 120.5, "income": 2e5},
    ("28", None): {"age": 45.0, "tenure": 99.0, "income": 15e4},
    ("unknown", "unknown"): {"age": 30.0, "tenure": 9.0, "income": None},
    ("unknown", None): {"age": 31.0, "tenure": 8.0, "income": None},
    (None, None): {"age": 39.0, "tenure": 47.0, "income": 1e5},
}


def with_schema(**changes: object) -> Schema:
    return Schema.model_validate(BANK.model_dump() | changes)


SMALL = with_schema(numeric={"age": "age", "balance": "saldo"}, categorical={"sex": "sexo"})


# The rules


@pytest.mark.parametrize(
    ("least", "most"), [(18, 18), (19, 18), (-0.0, 0.0)], ids=["equal", "in the wrong order", "0"]
)
def test_bounds_need_an_order(least: float, most: float) -> None:
    sentence = rf"least \({least:g}\) must lie below most \({most:g}\)"
    with pytest.raises(ValidationError, match=sentence):
        Clean.model_validate({"ranges": {"age": {"least": least, "most": most}}})


@pytest.mark.parametrize("bounds", [{"least": 2}, {"most": 2}, {"least": 1, "most": 2, "max": 3}])
def test_a_range_has_two_bounds(bounds: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=r"Field required|not permitted"):
        Range.model_validate(bounds)


def test_a_range_of_two_ages_is_enough() -> None:
    settings = Clean.model_validate({"ranges": {"age": {"least": 17, "most": 18}}})
    assert settings.model_dump() == {"ranges": {"age": {"least": 17.0, "most": 18.0}}}


def test_ranges_of_columns_that_there_are() -> None:
    assert SETTINGS.of(BANK) == RANGES
    assert SETTINGS.of(SMALL) == {"age": RANGES["age"]}
    assert Clean(ranges={}).of(BANK) == {}


@pytest.mark.parametrize(("misspelt", "meant"), [("tenur", "tenure"), ("Age", "age")])
def test_a_range_of_a_misspelt_column_is_refused(misspelt: str, meant: str) -> None:
    sentence = rf"clean\.ranges has '{misspelt}', .* \(did you mean '{meant}'\?\)"
    with pytest.raises(InputError, match=sentence):
        Clean(ranges={misspelt: Range(least=0, most=1)}).of(BANK)


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
    ("tenure", "valid"),
    [(0.0, 0.0), (1200.0, 1200.0), (-0.001, 9.0), (-999999.0, 9.0), (1200.5, 9.0)],
)
def test_both_ends_of_the_tenures_are_valid(tenure: float, valid: float) -> None:
    assert repaired(tenure=tenure)["tenure"] == valid


@pytest.mark.parametrize("income", [-999999.0, 0.0, 1e300])
def test_a_number_without_a_range_is_taken_as_it_is(income: float) -> None:
    assert repaired(income=income)["income"] == income


def test_a_number_out_of_range_is_flagged_as_missing() -> None:
    settings = Clean(ranges={"income": Range(least=0, most=1e8)})
    profile = repair_profile({"income": -99.0}, BANK, settings, MEDIANS)
    assert (profile["income"], profile["income_missing"]) == (1e5, 1)


@pytest.mark.parametrize(
    ("given", "said"), [("1", "1"), ("P", "P"), ("1.0", "1.0"), ("", ""), (None, "unknown")]
)
def test_a_category_is_complete_and_not_spelt_anew(given: str | None, said: str) -> None:
    assert repaired(customer_type=given)["customer_type"] == said


@pytest.mark.parametrize(
    ("province", "segment", "age", "tenure", "income"),
    [
        ("28", "01 - TOP", 50, 120.5, 2e5),  # the pair
        ("28", "03", 45, 99, 15e4),  # the province
        ("28", None, 45, 99, 15e4),
        (None, None, 30, 9, 1e5),  # no income of the pair nor of the province
        (None, "03", 31, 8, 1e5),
        ("99", "01 - TOP", 39, 47, 1e5),  # all
    ],
)
def test_medians_of_the_pair_then_of_the_province_then_of_all(
    province: str | None, segment: str | None, age: float, tenure: float, income: float
) -> None:
    profile = repaired(province=province, segment=segment)
    names = ("age", "tenure", "income", "income_missing")
    assert [profile[name] for name in names] == [age, tenure, income, 1]


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
    st.sampled_from([2.0, 100.0, 1.9999, 100.0001, 0.0, -0.0, -999999.0, 1200.0, 1200.0001]),
    st.floats(allow_nan=False, allow_infinity=False),
)
texts = st.one_of(
    st.none(), st.sampled_from(["1.0", "1", "", "unknown", "NA"]), st.text(max_size=5)
)
attributes: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(BANK.numeric, numbers),
    **dict.fromkeys(BANK.categorical, texts),
    "province": st.sampled_from(["28", "8", None]),
    "segment": st.sampled_from(["01 - TOP", "03", None]),
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

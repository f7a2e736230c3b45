"""A category has one spelling, in a table and in a request."""

import math
from collections.abc import Callable
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src.engine import connect
from src.tables.cells import canonical, stripped
from src.tables.spelling import category

SPELLINGS = [
    ("46", "46"),
    (" 46", "46"),
    ("46.0", "46"),
    ("46.00", "46"),
    ("-1.0", "-1"),
    ("08", "08"),  # a postcode keeps its zero
    ("08.0", "08"),
    ("46.5", "46.5"),
    ("v1.0", "v1.0"),
    ("1.0.0", "1.0.0"),
    ("True", "1"),
    ("true", "1"),
    ("FALSE", "0"),
    ("Truely", "Truely"),
    ("", None),
    ("   ", None),
    (" NA", None),
    ("NAN", "NAN"),
    ("02 - PARTICULARES", "02 - PARTICULARES"),
    (True, "1"),
    (False, "0"),
    (46, "46"),
    (46.0, "46"),
    (46.5, "46.5"),
    (math.nan, None),
    (None, None),
]


ByEngine = Callable[[list[Any]], list[str | None]]


@pytest.fixture(scope="module")
def by_engine(tmp_path_factory: pytest.TempPathFactory) -> ByEngine:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXTBEST_TMP", str(tmp_path_factory.mktemp("spill")))
        engine = connect()

    def spelt(values: list[Any]) -> list[str | None]:
        rows = stripped(ibis.memtable(pa.table({"cell": values})))
        found: list[str | None]
        found = engine.collect(rows.select(cell=canonical(rows.cell)))["cell"].to_pylist()
        return found

    return spelt


@pytest.mark.parametrize(("given_as", "spelt"), SPELLINGS)
def test_spellings(by_engine: ByEngine, given_as: Any, spelt: str | None) -> None:
    assert category(given_as) == spelt
    if given_as is not None:
        assert by_engine([given_as]) == [spelt]


texts = st.text(alphabet="0123456789.-+ NATrue", max_size=8)


@settings(deadline=None)
@given(values=st.lists(texts, min_size=1, max_size=20))
def test_tables_and_requests_agree(by_engine: ByEngine, values: list[str]) -> None:
    assert by_engine(values) == [category(value) for value in values]


@given(texts)
def test_a_canonical_spelling_stays(value: str) -> None:
    spelt = category(value)
    assert category(spelt) == spelt


def test_what_pandas_saves_again_is_spelt_as_before(by_engine: ByEngine) -> None:
    provinces = pd.Series([28.0, 8.0, None])  # were 28, 8 and nothing
    assert by_engine(provinces.tolist()) == ["28", "8", None]
    active = pd.Series(["1", "0"]).astype(int).astype(bool)
    assert by_engine(active.tolist()) == ["1", "0"]

import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.payments.payments import Codes, Payments, coded


def column(*chunks: list[str | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())


def told(codes: Codes) -> tuple[list[int], list[str]]:
    assert codes.codes.dtype == np.int32
    return codes.codes.tolist(), codes.labels


@pytest.fixture
def opened(tmp_path: Path) -> Payments:
    table = pa.table(
        {
            "client": pa.array([20, 20, 3, 100]),
            "date": pa.array([datetime.date(1970, 1, day) for day in (1, 2, 4, 3)]),
            "provider": ["tea", None, "gas", "tea"],
            "amount": pa.array([1.5, None, 2.0, 3.0]),
            "unit": [None, "b", "a", "b"],
        }
    )
    pq.write_table(table, tmp_path / "clean.parquet")
    return Payments.open(tmp_path / "clean.parquet")


def test_codes_follow_the_order_of_labels_and_not_of_rows() -> None:
    assert told(coded(column(["gas", None, "tea"], ["gas", "air"]))) == (
        [1, -1, 2, 1, 0],
        ["air", "gas", "tea"],
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], ([], [])), ([None, None], ([-1, -1], [])), (["", "a"], ([0, 1], ["", "a"]))],
)
def test_codes_of_columns_without_labels(
    values: list[str | None], expected: tuple[list[int], list[str]]
) -> None:
    assert told(coded(column(values))) == expected


def test_codes_of_a_column_that_is_encoded_in_the_file() -> None:
    encoded = column(["b", "a"], ["c", None]).dictionary_encode()
    assert told(coded(encoded)) == ([1, 0, 2, -1], ["a", "b", "c"])


def test_open_reads_what_clean_wrote(opened: Payments) -> None:
    assert len(opened) == 4
    assert opened.clients.tolist() == [3, 20, 100]  # as numbers, not as texts
    assert opened.client.tolist() == [1, 1, 0, 2]
    assert opened.providers == ["gas", "tea"]
    assert opened.provider.tolist() == [1, -1, 0, 1]
    assert opened.day.tolist() == [0, 1, 3, 2]
    assert opened.day.dtype == np.int32
    np.testing.assert_array_equal(opened.amount, [1.5, np.nan, 2.0, 3.0])
    assert {name: told(one) for name, one in opened.attributes.items()} == {
        "unit": ([-1, 1, 0, 1], ["a", "b"])
    }


def test_some_payments_keep_the_codes_of_all(opened: Payments) -> None:
    for some in (
        opened.of(np.array([2, 0])),
        opened.of(np.array([True, False, True, False])).of(slice(None, None, -1)),
    ):
        assert some.client.tolist() == [0, 1]
        assert some.provider.tolist() == [0, 1]
        assert some.day.tolist() == [3, 0]
        assert some.amount.tolist() == [2.0, 1.5]
        assert told(some.attributes["unit"]) == ([0, -1], ["a", "b"])
        assert some.clients.tolist() == [3, 20, 100]
        assert some.providers == ["gas", "tea"]


@pytest.mark.parametrize(
    ("first", "end", "days"), [(0, 4, [0, 1, 3, 2]), (1, 3, [1, 2]), (2, 2, []), (3, 9, [3])]
)
def test_between_has_its_first_day_and_not_its_end(
    opened: Payments, first: int, end: int, days: list[int]
) -> None:
    assert opened.between(first, end).day.tolist() == days

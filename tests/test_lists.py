import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from src import lists
from src.lists import as_column, as_matrix, batches, lists_of
from src.models.customers import Customers
from tests.histories import histories

PRODUCTS = ["account", "card", "loan"]
SCORES = np.array([[0.2, 0.5, 0.25], [0.75, 0.5, 0.5], [1.0, 2.0, 3.0]], dtype=np.float32)
HELD = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=bool)


def row(customer: int, rank: int, product: str, score: float) -> dict[str, object]:
    return {"customer": customer, "rank": rank, "product": product, "score": score}


def of_three(k: int) -> pa.Table:
    return lists_of(np.array([10, 20, 30]), SCORES, HELD, PRODUCTS, k)


def test_lists_are_rows_by_customer_and_rank_without_held_products() -> None:
    assert of_three(2).to_pylist() == [
        row(10, 1, "card", 0.5),
        row(10, 2, "loan", 0.25),
        row(20, 1, "card", 0.5),
        row(20, 2, "loan", 0.5),
        # 30 holds everything
    ]


@pytest.mark.parametrize("k", [3, 7])
def test_a_list_is_no_longer_than_the_products(k: int) -> None:
    assert of_three(k).drop("score").to_pylist() == [
        {"customer": 10, "rank": 1, "product": "card"},
        {"customer": 10, "rank": 2, "product": "loan"},
        {"customer": 10, "rank": 3, "product": "account"},
        {"customer": 20, "rank": 1, "product": "card"},
        {"customer": 20, "rank": 2, "product": "loan"},
    ]


def test_columns_of_lists() -> None:
    assert of_three(1).schema.types == [
        pa.int64(),
        pa.int8(),
        pa.dictionary(pa.int16(), pa.string()),
        pa.float32(),
    ]


def test_ids_may_be_texts() -> None:
    table = lists_of(np.array(["a", "b"], dtype=object), SCORES[:2], HELD[:2], PRODUCTS, 1)
    assert table["customer"].to_pylist() == ["a", "b"]


def test_batches_cover_everybody_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_AT_ONCE", 2)
    history = histories([1] * 3, [[0]] * 3, customers=[10, 20, 30])
    people = Customers(pd.DataFrame(index=range(3)), history)
    parts = [batch.history.customers.tolist() for batch in batches(people, "test")]
    assert parts == [[10, 20], [30]]
    assert list(batches(people.of(slice(0)), "test")) == []


def test_a_matrix_is_a_column_of_its_rows() -> None:
    matrix = np.arange(12, dtype=np.int16).reshape(4, 3)
    column = pa.chunked_array([as_column(matrix[:1]), as_column(matrix[1:])])
    assert column.to_pylist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    found = as_matrix(column.slice(1, 2))
    assert found.dtype == np.int16
    assert found.tolist() == [[3, 4, 5], [6, 7, 8]]
    assert np.shares_memory(as_matrix(pa.chunked_array([as_column(matrix)])), matrix)

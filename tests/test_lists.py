from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from src.models.customers import Customers
from src.models.history import History
from src.models.popularity import Popularity
from src.products import offers
from src.products.dataset import Dataset
from src.lists import batches, recommendations, write_recommendations

PRODUCTS = ["account", "card", "loan"]


def customers(*held: list[int]) -> Customers:
    size = len(held)
    once = np.ones(size, dtype=np.int64)
    return Customers(
        pd.DataFrame(index=range(size)),
        History(10 * np.arange(1, size + 1), once, once, np.array(held)),
    )


SCORES = np.array([[0.2, 0.5, 0.25], [0.75, 0.5, 0.5], [1.0, 2.0, 3.0]], dtype=np.float32)
# bit 0 is held now; 2 was held a month before and may be offered again
THREE = customers([0, 0, 0], [1, 2, 0], [1, 1, 1])


def row(customer: int, rank: int, product: str, score: float) -> dict[str, object]:
    return {"customer": customer, "rank": rank, "product": product, "score": score}


def test_lists_are_rows_by_customer_and_rank_without_held_products() -> None:
    assert recommendations(THREE, SCORES, PRODUCTS, 2).to_pylist() == [
        row(10, 1, "card", 0.5),
        row(10, 2, "loan", 0.25),
        row(20, 1, "card", 0.5),
        row(20, 2, "loan", 0.5),
        # 30 holds everything
    ]


@pytest.mark.parametrize("k", [3, 7])
def test_a_list_is_no_longer_than_the_products(k: int) -> None:
    table = recommendations(THREE, SCORES, PRODUCTS, k)
    assert table["customer"].to_pylist() == [10, 10, 10, 20, 20]
    assert table["rank"].to_pylist() == [1, 2, 3, 1, 2]
    assert table["product"].to_pylist() == ["card", "loan", "account", "card", "loan"]


def test_batches_cover_everybody_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offers, "_AT_ONCE", 2)
    parts = [batch.history.customers.tolist() for batch in batches(THREE, "test")]
    assert parts == [[10, 20], [30]]


def test_lists_are_written_for_everybody_known_before_the_test_month(
    open_bank: Callable[[pd.DataFrame], Dataset],
    bank: pd.DataFrame,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(offers, "_AT_ONCE", 2)
    model = Popularity(np.array([0.5, 0.125, 0.25], dtype=np.float32))
    write_recommendations("lists.parquet", model, open_bank(bank))
    # April: 10 and 20 hold the account, 30 the account and the card
    assert pq.read_table(workspace / "lists.parquet").to_pylist() == [
        row(10, 1, "loan", 0.25),
        row(10, 2, "card", 0.125),
        row(20, 1, "loan", 0.25),
        row(20, 2, "card", 0.125),
        row(30, 1, "loan", 0.25),
    ]

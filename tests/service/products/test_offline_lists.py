from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.errors import InputError
from src.service.products.offline_lists import OfflineLists

PRODUCTS = ["account", "card", "loan"]
KNOWN = np.array([3, 5, 8])
GOOD: dict[str, list[Any]] = {
    "customer": [3, 3, 8],
    "rank": [1, 2, 1],
    "product": ["loan", "card", "account"],
    "score": [0.5, 0.25, 0.75],
}


def write(path: Path, **change: Any) -> str:
    columns = {**GOOD, **change}
    pq.write_table(pa.table({name: cells for name, cells in columns.items() if cells}), path)
    return str(path)


def test_lists_stand_in_the_order_of_the_known_customers(tmp_path: Path) -> None:
    lists = OfflineLists.read(write(tmp_path / "lists.parquet"), PRODUCTS, KNOWN)
    assert lists.items.tolist() == [[2, 1], [-1, -1], [0, -1]]
    assert lists.scores.tolist() == [[0.5, 0.25], [0, 0], [0.75, 0]]
    assert [lists.of(row) for row in range(3)] == [([2, 1], [0.5, 0.25]), ([], []), ([0], [0.75])]
    asked = np.array([[1, 0], [2, -1], [0, -1]], dtype=np.int16)
    assert lists.contains(asked).tolist() == [[True, False], [False, False], [True, False]]


def test_ids_of_text(tmp_path: Path) -> None:
    path = write(tmp_path / "lists.parquet", customer=["a", "a", "c"])
    known = np.array(["a", "b", "c"], dtype=object)
    assert OfflineLists.read(path, PRODUCTS, known).items.tolist() == [[2, 1], [-1, -1], [0, -1]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": None}, "has no column score"),
        ({"score": [0.5, None, 0.75]}, "column score has no value in 1 rows"),
        ({"score": [0.5, float("nan"), 0.75]}, "column score is not finite"),
        ({"product": ["loan", "yacht", "account"]}, "product 'yacht' is not known"),
        ({"rank": [1, 3, 1]}, "column rank does not count 1, 2, … for every customer"),
        ({"rank": [2, 3, 1]}, "column rank does not count"),
        ({"rank": [1, 1, 1]}, "column rank does not count"),
        ({"customer": [3, 5, 8]}, "column rank does not count"),
        ({"customer": [8, 8, 3]}, "its rows are not in the order of customers"),
        ({"customer": [3, 3, 9]}, r"1 customers are not known \(for example 9\)"),
        ({"customer": ["3", "3", "8"]}, "column customer is not of the type"),
    ],
)
def test_lists_that_are_broken(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = write(tmp_path / "lists.parquet", **change)
    with pytest.raises(InputError, match=message):
        OfflineLists.read(path, PRODUCTS, KNOWN)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing; run dvc repro or dvc pull"):
        OfflineLists.read(str(tmp_path / "lists.parquet"), PRODUCTS, KNOWN)
    whole = Path(write(tmp_path / "lists.parquet"))
    whole.write_bytes(whole.read_bytes()[:100])
    with pytest.raises(InputError, match="is not a whole parquet file"):
        OfflineLists.read(str(whole), PRODUCTS, KNOWN)
    pq.write_table(pq.read_table(write(whole)).slice(0, 0), whole)
    with pytest.raises(InputError, match="has no row"):
        OfflineLists.read(str(whole), PRODUCTS, KNOWN)

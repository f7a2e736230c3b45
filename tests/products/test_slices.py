import numpy as np
import pandas as pd
import pyarrow as pa

from src.models.customers import Customers
from src.products.slices import adder_table, slices_of
from tests.histories import strangers


def customers(**columns: object) -> Customers:
    return Customers(pd.DataFrame({"age": np.arange(5), **columns}), strangers(5))


SEGMENTS = pd.Categorical([*"baabc"], categories=[*"cbad"])
NEW = pd.Categorical([*"10001"])


def test_new_customers_and_every_segment_are_slices() -> None:
    slices = slices_of(customers(segment=SEGMENTS, new_customer=NEW))
    assert {title: members.tolist() for title, members in slices.items()} == {
        "cold_start": [True, False, False, False, True],
        "segment a": [False, True, True, False, False],
        "segment b": [True, False, False, True, False],
        "segment c": [False, False, False, False, True],
        "segment d": [False] * 5,  # a category of the column, but nobody has it
    }
    assert list(slices) == ["cold_start", "segment a", "segment b", "segment c", "segment d"]


def test_slices_need_their_columns() -> None:
    assert slices_of(customers()) == {}


def test_adder_table_by_hand() -> None:
    adders = customers(segment=SEGMENTS, new_customer=NEW).of(np.array([0, 1, 4]))
    precision = {"good": np.ones(3), "poor": np.array([5 / 6, 1 / 3, 0.0])}
    table = adder_table(adders, precision)
    assert table.to_pydict() == {
        "customer": [0, 1, 4],
        "good": [1.0, 1.0, 1.0],
        "poor": [5 / 6, 1 / 3, 0.0],
        "cold_start": [True, False, True],
        "segment a": [False, True, False],
        "segment b": [True, False, False],
        "segment c": [False, False, True],
        "segment d": [False, False, False],
    }
    assert table.schema.types == [pa.int64(), *[pa.float64()] * 2, *[pa.bool_()] * 5]

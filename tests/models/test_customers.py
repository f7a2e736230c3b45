import datetime
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from src.models.customers import Customers
from tests.histories import histories


def customers(ids: list[int], ages: list[float], segments: list[str]) -> Customers:
    bits = np.array(ids) * 2
    return Customers(
        pd.DataFrame({"age": ages, "segment": pd.Categorical(segments)}),
        histories(bits, np.column_stack([bits, bits + 1]), bits + 1, ids),
    )


def test_stack_unites_the_categories_of_its_parts() -> None:
    stacked = Customers.stack(
        [customers([1, 2], [20, 30], ["b", "c"]), customers([1, 9], [21, 60], ["a", "c"])]
    )
    expected = customers([1, 2, 1, 9], [20, 30, 21, 60], ["b", "c", "a", "c"])
    assert len(stacked) == 4
    pd.testing.assert_frame_equal(stacked.profile, expected.profile)
    for field in ("customers", "last", "present", "active", "held"):
        np.testing.assert_array_equal(
            getattr(stacked.history, field), getattr(expected.history, field)
        )


def test_of_keeps_profile_and_history_together() -> None:
    three = customers([1, 2, 3], [20, 30, 40], ["a", "b", "a"])
    for rows in (np.array([False, True, True]), np.array([1, 2]), slice(1, 3)):
        chosen = three.of(rows)
        assert chosen.profile["age"].tolist() == [30, 40]
        assert chosen.history.customers.tolist() == [2, 3]
        assert chosen.history.held.tolist() == [[4, 5], [6, 7]]


@pytest.mark.parametrize("ids", [[1, 2, 9], ["a", "b", "c"]])
def test_a_table_of_customers_gives_them_back(ids: list[Any]) -> None:
    three = customers([1, 2, 9], [20, float("nan"), 40], ["a", "b", "a"])
    three.profile["customer"] = three.profile["age"] + 1  # a name that the history has, too
    three.profile["segment"] = pd.Categorical(["b", None, "b"], categories=["a", "b", "c"])
    three.profile["empty"] = pd.Categorical([None] * 3, categories=[])
    own = np.array(ids, dtype=object if isinstance(ids[0], str) else np.int64)
    history = replace(three.history, customers=own)
    chosen = Customers(three.profile, history).of(slice(1, 3))
    back = Customers.from_arrow(chosen.to_arrow())
    pd.testing.assert_frame_equal(back.profile, chosen.profile.reset_index(drop=True))
    for field in ("customers", "last", "present", "active", "held"):
        expected = getattr(chosen.history, field)
        np.testing.assert_array_equal(getattr(back.history, field), expected)
        assert getattr(back.history, field).dtype == expected.dtype


def test_customers_are_asked_about_the_month_after_their_last() -> None:
    earlier = Customers(
        pd.DataFrame(index=[0]), histories([1], [[1]], last=np.datetime64("2015-12"))
    )
    both = Customers.stack([Customers(pd.DataFrame(index=[0]), histories([1], [[1]])), earlier])
    assert both.asked.tolist() == [datetime.date(2016, 6, 1), datetime.date(2016, 1, 1)]

import numpy as np
import pandas as pd

from src.models.customers import Customers
from src.models.history import History


def customers(ids: list[int], ages: list[float], segments: list[str]) -> Customers:
    bits = np.array(ids) * 2
    return Customers(
        pd.DataFrame({"age": ages, "segment": pd.Categorical(segments)}),
        History(np.array(ids), bits, bits + 1, np.column_stack([bits, bits + 1])),
    )


def test_stack_unites_the_categories_of_its_parts() -> None:
    stacked = Customers.stack(
        [customers([1, 2], [20, 30], ["b", "c"]), customers([1, 9], [21, 60], ["a", "c"])]
    )
    expected = customers([1, 2, 1, 9], [20, 30, 21, 60], ["b", "c", "a", "c"])
    assert len(stacked) == 4
    pd.testing.assert_frame_equal(stacked.profile, expected.profile)
    np.testing.assert_array_equal(stacked.history.customers, expected.history.customers)
    np.testing.assert_array_equal(stacked.history.held, expected.history.held)


def test_of_keeps_profile_and_history_together() -> None:
    three = customers([1, 2, 3], [20, 30, 40], ["a", "b", "a"])
    for rows in (np.array([False, True, True]), np.array([1, 2]), slice(1, 3)):
        chosen = three.of(rows)
        assert chosen.profile["age"].tolist() == [30, 40]
        assert chosen.history.customers.tolist() == [2, 3]
        assert chosen.history.held.tolist() == [[4, 5], [6, 7]]

import numpy as np

from src.models.interleave import interleave
from src.ranking import top_k


def scores(*order: int) -> list[float]:
    """Scores of one customer whose best item is the first of `order`."""
    return [-float(order.index(item)) for item in range(len(order))]


def test_three_lists_take_turns_and_repeats_are_dropped() -> None:
    first, second, third = (0, 1, 2, 3, 4), (0, 3, 1, 2, 4), (4, 0, 3, 2, 1)
    # turns:  0 (0) 4 | 1 3 (0) | 2 (1) (3) …  at positions 0, 2 | 3, 4 | 6
    blended = interleave([np.array([scores(*order)], "f4") for order in (first, second, third)])
    assert blended.tolist() == [[0, -3, -6, -4, -2]]
    assert blended.dtype == np.float32
    assert top_k(blended, 5).tolist() == [[0, 4, 1, 3, 2]]


def test_the_order_of_models_is_the_order_of_turns() -> None:
    one, other = np.array([scores(0, 1, 2)], "f4"), np.array([scores(2, 1, 0)], "f4")
    assert top_k(interleave([one, other]), 3).tolist() == [[0, 2, 1]]
    assert top_k(interleave([other, one]), 3).tolist() == [[2, 0, 1]]


def test_customers_have_their_own_lists() -> None:
    one = np.array([scores(0, 1, 2), scores(1, 2, 0)], "f4")
    other = np.array([scores(1, 0, 2), scores(1, 0, 2)], "f4")
    # customer 0: 0 1 | (1) (0) | 2;  customer 1: 1 (1) | 2 0
    assert interleave([one, other]).tolist() == [[0, -1, -4], [-3, 0, -2]]


def test_one_list_stays_as_it_is() -> None:
    assert top_k(interleave([np.array([scores(2, 0, 1)], "f4")]), 3).tolist() == [[2, 0, 1]]

from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.feedback.exposure import Exposure, draw, first_chance, order_chance

ANSWERS = [f"00c0ffee-{number}" for number in range(24_000)]

shares = st.floats(0, 1)
lengths = st.integers(1, 5)


def test_without_a_share_nothing_is_drawn_and_with_all_of_it_everything() -> None:
    assert {draw(answer, 0, 3) for answer in ANSWERS} == {None}
    assert None not in [draw(answer, 1, 3) for answer in ANSWERS]


def test_what_is_drawn_follows_from_the_id_alone() -> None:
    """As long as logs are kept, these values stay what they are."""
    drawn = [draw(f"00c0ffee-{number}", 0.5, 3) for number in (1, 2, 6)]
    assert drawn == [None, [1, 0, 2], [0, 2, 1]]


def test_share_and_orders_are_as_frequent_as_said() -> None:
    drawn = [draw(answer, 0.25, 3) for answer in ANSWERS]
    orders = Counter(tuple(order) for order in drawn if order is not None)
    random = orders.total()
    assert random == pytest.approx(6_000, abs=4 * (24_000 * 0.25 * 0.75) ** 0.5)
    assert set(orders) == set(permutations(range(3)))
    expected = random / 6
    chi_square = sum((count - expected) ** 2 / expected for count in orders.values())
    assert chi_square < 20.5  # 999 of 1,000 are lower, with 5 degrees of freedom


def test_chances_by_hand() -> None:
    assert first_chance(0, 0.3, 3) == pytest.approx(0.7 + 0.1)
    assert first_chance(1, 0.3, 3) == pytest.approx(0.1)
    assert first_chance(3, 0.3, 3) == 0
    assert order_chance([0, 1, 2], 0.3, 3) == pytest.approx(0.7 + 0.3 / 6)
    assert order_chance([2, 0, 1], 0.3, 3) == pytest.approx(0.3 / 6)
    assert order_chance([2], 0.3, 3) == pytest.approx(0.3 / 3)  # a list of one
    assert order_chance([0], 0, 1) == 1


@given(shares, lengths, st.integers(1, 5))
def test_chances_add_up_to_one(share: float, ranked: int, shown: int) -> None:
    assert sum(first_chance(rank, share, ranked) for rank in range(ranked)) == pytest.approx(1)
    orders = permutations(range(ranked), min(shown, ranked))
    assert sum(order_chance(list(order), share, ranked) for order in orders) == pytest.approx(1)


@given(shares, lengths, st.data())
def test_chance_of_the_first_is_that_of_all_orders_that_begin_so(
    share: float, ranked: int, data: st.DataObject
) -> None:
    rank = data.draw(st.integers(0, ranked - 1))
    beginning_so = [order for order in permutations(range(ranked)) if order[0] == rank]
    together = sum(order_chance(list(order), share, ranked) for order in beginning_so)
    assert first_chance(rank, share, ranked) == pytest.approx(together)


def test_an_arm_may_have_a_share_of_its_own() -> None:
    exposure = Exposure(share=0.1, arms={"treatment": 0.5})
    shares = [exposure.share_in(arm) for arm in (None, "control", "treatment")]
    assert shares == [0.1, 0.1, 0.5]

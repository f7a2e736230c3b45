import numpy as np
import pytest

from src.payments.operations.recurring import recurring
from tests.payments.operations.stream import NAN, payments, snapshot, toy, visits


def found(gaps: list[int], elapsed: int) -> tuple[bool, float, float, float]:
    """Regular, gap, spread and expected of one operation with some gaps, the latest last."""
    ages = elapsed + np.r_[np.cumsum(gaps[::-1])[::-1], 0]
    one = recurring(snapshot(payments(visits("ann", "gas", *ages.tolist())), lookback_days=400))
    assert one.regular.dtype == np.bool_
    return bool(one.regular[0]), float(one.gap[0]), float(one.spread[0]), float(one.expected[0])


@pytest.mark.parametrize(
    ("gaps", "elapsed", "expected"),
    [
        ([7, 7, 7], 7, (True, 7, 0, 0)),
        ([7, 7, 7], 1, (True, 7, 0, 6)),
        ([7, 7, 7], 14, (True, 7, 0, -7)),
        ([7, 7, 7], 15, (False, 7, 0, -8)),  # late by more than a gap
        ([31, 28, 31], 20, (True, 31, 3, 11)),  # 3 days are less than 15 % of 31
        ([30, 31, 28], 30, (True, 30, 2, 0)),
        ([1, 100, 30, 31, 30], 10, (True, 30, 1, 20)),  # the last three gaps count
        ([30, 31, 30, 1], 10, (False, 30, 29, 20)),
        ([5, 5, 5], 1, (True, 5, 0, 4)),
        ([4, 4, 4], 1, (False, 4, 0, 3)),  # a habit without a date
        ([9, 7, 7], 1, (True, 7, 2, 6)),  # two days are always allowed
        ([10, 7, 7], 1, (False, 7, 3, 6)),  # 3 days are more than 15 % of 7
        ([20, 23, 20], 1, (True, 20, 3, 19)),  # 15 % of 20
        ([20, 24, 20], 1, (False, 20, 4, 19)),
        ([20, 17, 20], 1, (True, 20, 3, 19)),
        ([20, 16, 20], 1, (False, 20, 4, 19)),
    ],
)
def test_regular_operations(
    gaps: list[int], elapsed: int, expected: tuple[bool, float, float, float]
) -> None:
    assert found(gaps, elapsed) == expected


@pytest.mark.parametrize("gaps", [[], [7], [7, 7]])
def test_fewer_than_three_gaps_are_no_rule(gaps: list[int]) -> None:
    regular, *rest = found(gaps, 3)
    assert regular is False
    np.testing.assert_array_equal(rest, [NAN, NAN, NAN])


def test_a_date_on_the_calendar() -> None:
    # the first of December to March: gaps of 31, 31 and 28 days; on March 31 the next is expected a
    # day later, 31 days after the last
    paid = payments(visits("ann", "rent", 120, 89, 58, 30))
    one = recurring(snapshot(paid, lookback_days=130))
    assert (one.regular.tolist(), one.gap.tolist()) == ([True], [31])
    assert (one.spread.tolist(), one.expected.tolist()) == ([3], [1])


def test_operations_do_not_share_gaps() -> None:
    taken = recurring(toy())
    assert taken.regular.tolist() == [True, False, False, False]
    np.testing.assert_array_equal(taken.gap, [7, NAN, NAN, NAN])
    np.testing.assert_array_equal(taken.spread, [0, NAN, NAN, NAN])
    np.testing.assert_array_equal(taken.expected, [0, NAN, NAN, NAN])
    rows = [*visits("ann", "gas", 40, 30, 20), *visits("ann", "tea", 11, 5, 4, 3)]
    assert recurring(snapshot(payments(rows))).regular.tolist() == [False, False]


def test_no_operation() -> None:
    one = recurring(snapshot(payments([("ann", 1, None, 1.0)])))
    assert {values.shape for values in (one.regular, one.gap, one.spread, one.expected)} == {(0,)}

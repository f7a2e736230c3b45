from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.payments.operations.snapshot import Gaps, Snapshot, by_operation, divided
from tests.payments.operations.stream import NAN, payments, snapshot, toy, visits


def names(taken: Snapshot) -> list[tuple[str, str]]:
    clients = taken.paid.clients[taken.client].tolist()
    return [
        (client, taken.paid.providers[provider])
        for client, provider in zip(clients, taken.provider, strict=True)
    ]


def test_payments_by_client_provider_and_day_equal_ones_as_they_come() -> None:
    rows = [
        ("bob", 1, "gas", 1.0),
        ("ann", 1, "tea", 2.0),
        ("ann", 3, "tea", 3.0),
        ("ann", 3, "tea", 4.0),
        ("ann", 2, None, 5.0),
        ("ann", 2, "gas", 6.0),
    ]
    ordered = by_operation(payments(rows, unit=["b", "t1", "t2", "t3", "n", "g"]))
    assert ordered.amount.tolist() == [5, 6, 3, 4, 2, 1]
    unit = ordered.attributes["unit"]
    assert [unit.labels[code] for code in unit.codes] == ["n", "g", "t2", "t3", "t1", "b"]


def test_operations_of_the_window() -> None:
    taken = toy()
    assert len(taken) == 4
    assert names(taken) == [("ann", "gas"), ("ann", "tea"), ("bob", "gas"), ("cid", "gas")]
    assert taken.window_age.tolist() == [1, 28, 21, 14, 7, 9, 9, 3, 50, 20, 2, 40]
    assert taken.age.tolist() == [28, 21, 14, 7, 9, 9, 3, 50, 20, 2, 40]
    assert taken.starts.tolist() == [0, 4, 7, 10]
    assert taken.ends.tolist() == [3, 6, 9, 10]
    assert taken.operation.tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert taken.visits.tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert taken.elapsed.tolist() == [7, 3, 2, 40]
    np.testing.assert_array_equal(taken.last_amount, [100, 30, 400, NAN])


def test_the_window_has_its_first_day_and_not_the_cutoff() -> None:
    paid = payments(visits("ann", "gas", 6, 5, 4, 1, 0))
    assert snapshot(paid, lookback_days=5).age.tolist() == [5, 4, 1]


def test_equal_days_of_neighbouring_operations_are_two_visits() -> None:
    paid = payments(
        [*visits("ann", "gas", 4, 4), *visits("ann", "tea", 4), *visits("bob", "tea", 4)]
    )
    assert snapshot(paid).visits.tolist() == [0, 2, 3]


def test_gaps_lie_between_days() -> None:
    gaps = toy().gaps
    assert gaps.operation.tolist() == [0, 0, 0, 1, 2, 2]
    assert gaps.days.tolist() == [28 - 21, 21 - 14, 14 - 7, 9 - 3, 50 - 20, 20 - 2]
    assert gaps.operations == 4
    assert gaps.count.tolist() == [3, 1, 2, 0]


def test_statistics_of_gaps() -> None:
    gaps = Gaps(np.array([0, 0, 0, 2, 2, 3, 3, 3, 3]), np.array([9.0, 3, 6, 2, 8, 4, 1, 2, 9]), 4)
    assert gaps.count.tolist() == [3, 0, 2, 4]
    np.testing.assert_array_equal(gaps.mean, [(9 + 3 + 6) / 3, NAN, (2 + 8) / 2, 16 / 4])
    np.testing.assert_array_equal(gaps.median, [6, NAN, 2, 2])  # the lower one of two
    np.testing.assert_array_equal(gaps.last, [6, NAN, 8, 9])
    np.testing.assert_allclose(
        gaps.spread,
        [
            ((3**2 + 3**2 + 0) / 3) ** 0.5,
            NAN,
            3,
            ((0 + 3**2 + 2**2 + 5**2) / 4) ** 0.5,
        ],
    )
    assert gaps.sums(gaps.days > 2).tolist() == [3, 0, 1, 2]


def test_one_gap_has_no_spread() -> None:
    assert np.isnan(Gaps(np.array([0]), np.array([5.0]), 1).spread).all()


def test_sums() -> None:
    taken = toy()
    assert taken.of_operation(taken.age).tolist() == [28 + 21 + 14 + 7, 9 + 9 + 3, 72, 40]
    assert taken.of_operation(taken.age <= 9).tolist() == [1, 3, 1, 0]
    everything = 1 + 70 + 21
    assert taken.of_client(taken.window_age).tolist() == [everything, everything, 72, 40]
    assert taken.within_client(np.array([1.0, 10, 100, 1000])).tolist() == [11, 11, 100, 1000]


def test_ranks_begin_with_each_client_and_ties_go_by_provider() -> None:
    rows = [(client, 1, provider, 1.0) for client in ("ann", "bob") for provider in "abcd"]
    values = np.array([2.0, 5, 2, 9, 7, 7, 7, 8])
    assert snapshot(payments(rows)).rank(values).tolist() == [3, 2, 4, 1, 2, 3, 4, 1]


@pytest.mark.parametrize(
    "paid",
    [
        payments([("ann", 100, "gas", 1.0)]),
        payments([("ann", 0, "gas", 1.0)]),
        payments([("ann", 1, None, 1.0)]),
    ],
    ids=["too early", "too late", "nobody known"],
)
def test_a_snapshot_without_operations(paid: object) -> None:
    assert isinstance(paid, type(payments([])))
    taken = snapshot(paid)
    assert len(taken) == 0
    for values in (
        taken.starts,
        taken.ends,
        taken.operation,
        taken.visits,
        taken.elapsed,
        taken.last_amount,
        taken.gaps.count,
        taken.gaps.median,
        taken.gaps.spread,
        taken.rank(np.zeros(0)),
        taken.of_client(taken.window_age),
        taken.within_client(np.zeros(0)),
    ):
        assert values.shape == (0,)


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.integers(-3, 12),
            st.sampled_from(["x", "y", None]),
            st.just(1.0),
        ),
        min_size=1,
    )
)
def test_against_a_loop(rows: list[tuple[str, int, str | None, float]]) -> None:
    days: dict[tuple[str, str], set[int]] = {}
    for client, age, provider, _ in rows:
        if provider is not None and 1 <= age <= 10:
            days.setdefault((client, provider), set()).add(age)
    ordered = {operation: sorted(ages, reverse=True) for operation, ages in sorted(days.items())}
    taken = snapshot(payments(rows), lookback_days=10)
    assert names(taken) == list(ordered)
    assert taken.elapsed.tolist() == [ages[-1] for ages in ordered.values()]
    gaps = [
        (place, float(before - after))
        for place, ages in enumerate(ordered.values())
        for before, after in pairwise(ages)
    ]
    assert list(zip(taken.gaps.operation.tolist(), taken.gaps.days.tolist(), strict=True)) == gaps
    expected = [
        sorted(float(days) for of, days in gaps if of == place) for place in range(len(taken))
    ]
    assert taken.gaps.median.tolist() == pytest.approx(
        [values[(len(values) - 1) // 2] if values else NAN for values in expected], nan_ok=True
    )


def test_quotients() -> None:
    np.testing.assert_array_equal(
        divided(np.array([1.0, 0, 3]), np.array([2.0, 0, 0])), [1 / 2, NAN, NAN]
    )

import numpy as np
import pytest

from src.payments.calendar import Calendar
from src.payments.operations import baselines
from src.payments.operations.baselines import (
    BASELINES,
    Baseline,
    baseline_columns,
    recurring_score,
    tifu_knn,
)
from tests.payments.operations.stream import TOY, Row, known, payments, snapshot, visits


def decayed(*ages: int) -> float:
    return float(sum(0.5 ** (age / 30) for age in ages))


ANN = decayed(28, 21, 14, 9, 9, 7, 3, 1)

# What ann, bob and cid pay on a day is a basket, the one of somebody unknown left out. Each is a
# group of its own, as nobody has more than seven: ann has 6, of gas, gas, gas, tea, gas and tea,
# bob 3, cid 1. With three clients, all are neighbours.
ANN_GAS = (0.7**5 + 0.7**4 + 0.7**3 + 0.7**1) / 6
ANN_TEA = (0.7**2 + 0.7**0) / 6
BOB_GAS = (0.7**2 + 0.7**1 + 0.7**0) / 3
GAS = (ANN_GAS + BOB_GAS + 1) / 3

# ann–gas, ann–tea, bob–gas and cid–gas
BY_HAND: dict[str, list[float]] = {
    "frequency": [4, 3, 3, 1],
    "recency": [1 / 7, 1 / 3, 1 / 2, 1 / 40],
    "recency_frequency": [4 / 7, 3 / 3, 3 / 2, 1 / 40],
    "personal_top": [4 / 8, 3 / 8, 3 / 3, 1 / 1],
    "personal_top_decayed": [decayed(28, 21, 14, 7) / ANN, decayed(9, 9, 3) / ANN, 1, 1],
    "tifu_knn": [
        0.7 * ANN_GAS + 0.3 * GAS,
        0.7 * ANN_TEA + 0.3 * ANN_TEA / 3,
        0.7 * BOB_GAS + 0.3 * GAS,
        0.7 * 1 + 0.3 * GAS,
    ],
    "recurring": [1, 0, 0, 0],  # gas every 7 days, the last time 7 days ago
}


@pytest.mark.parametrize("rule", BASELINES, ids=lambda rule: rule.name)
def test_rules_by_hand(rule: Baseline) -> None:
    scores = rule.score(known(TOY, Calendar()))
    np.testing.assert_allclose(scores, BY_HAND[rule.name], rtol=1e-12)


def test_columns_of_all_rules() -> None:
    columns = baseline_columns(known(TOY, Calendar()))
    assert list(columns) == [f"rule_{name}" for name in BY_HAND]
    for name, values in BY_HAND.items():
        assert columns[f"rule_{name}"].dtype == np.float32
        np.testing.assert_allclose(columns[f"rule_{name}"], values, rtol=1e-6)


@pytest.mark.parametrize(
    ("horizon", "elapsed", "score"),
    [
        (1, 10, 1),
        (1, 8, 1 / (1 + 2)),  # expected in two days
        (1, 13, 1 / (1 + 3)),  # three days late
        (3, 8, 1),  # expected on the last day of three
        (3, 7, 1 / (1 + 1)),
        (3, 12, 1 / (1 + 2)),
        (1, 20, 1 / (1 + 10)),
        (1, 21, 0),  # late by more than a gap
    ],
)
def test_nearness_of_the_expected_date(horizon: int, elapsed: int, score: float) -> None:
    paid = payments(visits("ann", "gas", *(elapsed + 10 * number for number in (3, 2, 1, 0))))
    assert recurring_score(snapshot(paid, horizon=horizon)).tolist() == [score]


def frequency(baskets: int) -> list[float]:
    """Scores of a single client with another provider on each day, the latest first."""
    rows: list[Row] = [("ann", 1 + number, f"p{number:02}", 1.0) for number in range(baskets)]
    return list(tifu_knn(snapshot(payments(rows))))


@pytest.mark.parametrize(
    ("baskets", "expected"),
    [
        (1, [1]),
        (2, [1 / 2, 0.7 / 2]),
        (7, [0.7**group / 7 for group in range(7)]),
        # groups of 2: the means of each, and the mean of these
        (8, [0.9 ** (place % 2) * 0.7 ** (place // 2) / 2 / 4 for place in range(8)]),
        # the earliest group has one basket only
        (
            9,
            [0.9 ** (place % 2) * 0.7 ** (place // 2) / 2 / 5 for place in range(8)] + [0.7**4 / 5],
        ),
        (15, [0.9 ** (place % 3) * 0.7 ** (place // 3) / 3 / 5 for place in range(15)]),
    ],
)
def test_frequencies_decay_within_and_between_groups(baskets: int, expected: list[float]) -> None:
    assert frequency(baskets) == pytest.approx(expected, rel=1e-12)


def test_two_payments_of_a_day_are_one_of_its_basket() -> None:
    rows = [*visits("ann", "gas", 5, 5, 3), *visits("ann", "tea", 5)]
    scores = tifu_knn(snapshot(payments(rows)))
    assert scores.tolist() == pytest.approx([(0.7 + 1) / 2, 0.7 / 2])


NEAR = [  # one basket each
    *visits("ann", "gas", 1),
    *visits("bob", "gas", 1),
    *visits("bob", "net", 1),
    *visits("cid", "tea", 1),
    *visits("dan", "tea", 1),
    *visits("eve", "net", 2),
]


def test_the_nearest_clients_by_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    # the nearest to anybody are themselves; squared distances of ann are 1 to bob and 2 to cid, dan
    # and eve; of bob 1 to ann and eve, of whom the first counts; of cid 0 to dan; of eve 1 to bob
    monkeypatch.setattr(baselines, "NEIGHBOURS", 2)
    mine = 0.7 + 0.3 / 2
    expected = [
        mine + 0.3 / 2,  # ann, gas: bob has it
        mine + 0.3 / 2,  # bob, gas: ann has it
        mine,  # bob, net
        mine + 0.3 / 2,  # cid, tea
        mine + 0.3 / 2,  # dan, tea
        mine + 0.3 / 2,  # eve, net: bob has it
    ]
    assert tifu_knn(snapshot(payments(NEAR))).tolist() == pytest.approx(expected)


def test_nobody_is_nearer_than_oneself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "NEIGHBOURS", 1)
    assert tifu_knn(snapshot(payments(NEAR))).tolist() == pytest.approx([1] * 6)


def test_batches_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "NEIGHBOURS", 2)
    at_once = tifu_knn(snapshot(payments(NEAR))).tolist()
    monkeypatch.setattr(baselines, "_CLIENTS_AT_ONCE", 2)
    assert tifu_knn(snapshot(payments(NEAR))).tolist() == at_once


def test_neighbours_are_sought_among_those_with_the_most_operations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(baselines, "_MOST_PEERS", 2)  # bob, who has two, and ann, who comes first
    expected = [
        0.7 + 0.3 * 2 / 2,  # both have gas
        0.7 + 0.3 * 2 / 2,
        0.7 + 0.3 / 2,  # bob has net
        0.7,
        0.7,
        0.7 + 0.3 / 2,
    ]
    assert tifu_knn(snapshot(payments(NEAR))).tolist() == pytest.approx(expected)

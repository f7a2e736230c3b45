import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from src.evaluation.intervals import Interval, percentile_interval
from src.payments.operations.evaluation import (
    Cards,
    Ranked,
    cards,
    gini,
    gini_resamples,
    most_expected_f1,
    places,
    resampled,
    score_stability,
    threshold_at,
    top_hits,
)


def flags(text: str) -> NDArray[np.bool_]:
    """Events from a text: 1 for an event."""
    return np.array([letter == "1" for letter in text], dtype=bool)


def groups(*numbers: int) -> NDArray[np.intp]:
    return np.array(numbers, dtype=np.intp)


def test_gini_by_hand() -> None:
    # of the 2 * 3 pairs of an event and another, 4 are in the right order and one is a tie
    score = np.array([0.1, 0.3, 0.2, 0.3, 0.4])
    assert gini(score, flags("00101")) == pytest.approx(2 * (4 / 6) - 1)
    assert gini(score, flags("01001")) == pytest.approx(2 * (5.5 / 6) - 1)
    assert gini(score, flags("00011")) == pytest.approx(2 * (5.5 / 6) - 1)
    assert gini(score, flags("00001")) == 1
    assert gini(score, flags("10000")) == -1
    assert gini(np.zeros(5), flags("10100")) == 0


def test_weighted_gini_by_hand() -> None:
    # event 2 of weight 3 beats weight 1 of the others, of 5, and event 3 of weight 1 all of them
    ranked = Ranked(np.array([1, 2, 3, 2.5]), flags("0110"))
    weight = np.array([1.0, 3, 1, 4])
    assert ranked.gini(weight) == pytest.approx(2 * ((3 * 1 + 1 * 5) / ((3 + 1) * (1 + 4))) - 1)


@pytest.mark.parametrize("event", ["000", "111", ""])
def test_no_gini_without_events_or_others(event: str) -> None:
    assert math.isnan(gini(np.arange(len(event), dtype=float), flags(event)))


def test_no_gini_if_all_events_weigh_nothing() -> None:
    assert math.isnan(Ranked(np.array([1.0, 2]), flags("01")).gini(np.array([1.0, 0])))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([-1.0, 0.0, 0.25, 0.25000003, 7.0]), st.booleans(), st.integers(0, 3)
        ),
        min_size=2,
        max_size=30,
    ),
    st.sampled_from([np.float32, np.float64]),
)
def test_gini_is_that_of_the_area_under_the_curve(
    rows: list[tuple[float, bool, int]], kind: type[np.floating]
) -> None:
    score = np.array([row[0] for row in rows], dtype=kind)
    event = np.array([row[1] for row in rows])
    weight = np.array([row[2] for row in rows], dtype=float)
    if 0 < event.sum() < len(event):
        assert gini(score, event) == pytest.approx(2 * roc_auc_score(event, score) - 1, abs=1e-12)
    if weight[event].sum() and weight[~event].sum():
        expected = 2 * roc_auc_score(event, score, sample_weight=weight) - 1
        assert Ranked(score, event).gini(weight) == pytest.approx(expected, abs=1e-12)


def test_clients_are_drawn_as_often_as_there_are_and_only_those_there_are() -> None:
    drawn = resampled(groups(5, 2, 2, 5, 0), 200, seed=1)
    assert len(drawn) == 200
    times = np.array(drawn)
    assert times.shape == (200, 6)
    assert (times.sum(axis=1) == 3).all()
    assert (times[:, [1, 3, 4]] == 0).all()
    assert times[:, [0, 2, 5]].mean(axis=0) == pytest.approx([1, 1, 1], abs=0.2)
    assert (np.array(resampled(groups(5, 2, 2, 5, 0), 200, seed=1)) == times).all()
    assert (np.array(resampled(groups(5, 2, 2, 5, 0), 200, seed=2)) != times).any()


def test_intervals_are_those_of_repeated_clients() -> None:
    random = np.random.default_rng(1)
    client = np.repeat(np.arange(30), 4)
    event = random.random(120) < 0.4
    scores: dict[str, NDArray[np.floating]] = {
        "good": event + random.normal(size=120),
        "bad": random.normal(size=120),
    }
    found = gini_resamples(scores, event, client, resampled(client, 50, seed=3))
    rows_of = [np.flatnonzero(client == one) for one in range(30)]
    for name, score in scores.items():
        values = []
        for times in resampled(client, 50, seed=3):
            rows = np.concatenate([np.tile(rows_of[one], times[one]) for one in range(30)])
            values.append(gini(score[rows], event[rows]))
        low, high = np.quantile(values, [0.025, 0.975])
        assert found[name].tolist() == pytest.approx([gini(score, event), *values])
        interval = percentile_interval(found[name])
        assert interval.mean == gini(score, event)
        assert (interval.low, interval.high) == pytest.approx((low, high))
        assert interval.low < interval.mean < interval.high


def test_resamples_without_an_event_do_not_count() -> None:
    # with probability 1 / 4 each, a resample has the client with both events twice or not at all
    score, event = np.array([1.0, 2, 3, 4]), flags("0100")
    client = groups(0, 0, 1, 1)
    found = gini_resamples({"m": score}, event, client, resampled(client, 40, seed=1))["m"]
    # alone, the first client is ranked perfectly: 1; with the second it is 2 * (1 / 3) - 1
    assert percentile_interval(found) == Interval(2 * (1 / 3) - 1, 2 * (1 / 3) - 1, 1)


def test_stability_over_deciles() -> None:
    reference = np.arange(100, dtype=float)
    assert score_stability(reference, reference) == 0
    # edges at 9.9, 19.8, …: a tenth in each; later, a half in the first two
    later = np.r_[np.full(50, 5.0), np.full(50, 15.0)]
    expected = 2 * (0.5 - 0.1) * math.log(0.5 / 0.1)
    expected += 8 * (0.001 - 0.1) * math.log(0.001 / 0.1)
    assert score_stability(reference, later) == pytest.approx(expected)


def test_stability_of_scores_that_are_mostly_equal() -> None:
    reference = np.r_[np.zeros(95), np.ones(5)]  # one edge at 0: nothing lies below it
    assert score_stability(reference, np.r_[np.zeros(50), np.ones(50)]) == 0
    expected = (0.5 - 0.001) * math.log(0.5 / 0.001) + (0.5 - 1) * math.log(0.5 / 1)
    assert score_stability(reference, np.r_[np.full(50, -1.0), np.ones(50)]) == pytest.approx(
        expected
    )


@pytest.mark.parametrize(
    ("coverage", "threshold"),
    [(0.01, 0.9), (0.25, 0.9), (0.26, 0.7), (0.5, 0.7), (0.75, 0.4), (0.76, 0.2), (0.99, 0.2)],
)
def test_threshold_that_covers(coverage: float, threshold: float) -> None:
    score = np.array([0.2, 0.99, 0.9, 0.3, 0.7, 0.4])
    assert threshold_at(score, flags("101011"), coverage) == threshold


def test_a_share_that_is_not_exact_in_binary_is_no_reason_for_one_more() -> None:
    score = np.arange(100, 0, -1, dtype=float)
    assert math.ceil(0.07 * 100) == 8
    assert threshold_at(score, np.ones(100, dtype=bool), 0.07) == 94  # 100 to 94 are seven


def test_cards_by_hand() -> None:
    client = groups(0, 0, 0, 2, 2)
    shown, event = flags("11010"), flags("10101")
    # clients 0 and 2: hits 1 and 0, shown 2 and 1, events 2 and 1
    drawn = [np.array(times) for times in ([1, 0, 1], [2, 0, 0], [0, 0, 2])]
    found = cards(shown, event, client, 3, drawn)
    coverage, precision = [1 / 3, 2 / 4, 0 / 2], [1 / 3, 2 / 4, 0 / 2]
    tails = [0.025, 0.975]
    assert found == Cards(
        3 / 3,
        Interval(1 / 3, *np.quantile(coverage, tails)),
        Interval(1 / 3, *np.quantile(precision, tails)),
    )
    more = cards(flags("11011"), event, client, 2, drawn)  # shown 2 and 2, hits 1 and 1
    assert more.cards == 4 / 2
    assert more.coverage == Interval(2 / 3, *np.quantile([2 / 3, 2 / 4, 2 / 2], tails))
    assert more.precision == Interval(2 / 4, *np.quantile([2 / 4, 2 / 4, 2 / 4], tails))


def test_nothing_is_shown() -> None:
    drawn = [np.array([1])]
    assert cards(flags("00"), flags("10"), groups(0, 0), 1, drawn) == Cards(
        0, Interval(0, 0, 0), Interval(0, 0, 0)
    )


def test_places_within_groups_and_ties_as_they_come() -> None:
    score = np.array([0.5, 0.9, 0.5, 0.1, 0.7, 0.7, 0.8])
    assert places(score, groups(0, 0, 0, 0, 1, 1, 1)).tolist() == [1, 0, 2, 3, 1, 2, 0]
    # groups need not be together
    assert places(score, groups(1, 0, 1, 0, 1, 0, 0)).tolist() == [1, 0, 2, 3, 0, 2, 1]


def test_hits_of_the_first_of_groups_with_an_event() -> None:
    score = np.array([0.9, 0.8, 0.7, 0.9, 0.8, 0.3, 0.2, 0.5, 0.5])
    group = groups(0, 0, 0, 1, 1, 2, 2, 3, 3)
    event = flags("010001001")  # group 1 has none, group 2 its first, group 3 the second of a tie
    assert top_hits(score, event, group, 1).tolist() == [False, True, False]
    assert top_hits(score, event, group, 2).tolist() == [True, True, True]
    five = np.array([0.5, 0.4, 0.3, 0.2, 0.1])
    assert top_hits(five, flags("00001"), groups(0, 0, 0, 0, 0)).tolist() == [False]
    assert top_hits(five, flags("00010"), groups(0, 0, 0, 0, 0)).tolist() == [True]


@pytest.mark.parametrize(
    ("chance", "shown"),
    [
        # 2 * 0.9 / (2 + 0.3) is 0.78; with the next, 2 * 1.1 / (3 + 1.2 - 0.85 / 1.1) is 0.64
        ([0.9, 0.2, 0.1], "100"),
        # 1 / (2 + 0.9) is 0.34, then 2 / (3 + 0.9) 0.51, and 2.8 / (4 + 1.4 - 0.66 / 1.4) 0.57
        ([0.5, 0.4, 0.5], "111"),
        ([0.49], "0"),  # one alone is right with its chance, an empty list with the other
        ([0.51], "1"),
        ([0.1, 0.0, 0.2], "000"),
        ([0.0, 0.0], "00"),
        ([1.0, 0.0], "10"),
        ([0.6, 0.6], "11"),  # 1.2 / (2 + 0.6) is 0.46, 2.4 / (3 + 0.6) is 0.67
        ([1.0, 1.0, 1.0], "111"),
    ],
)
def test_lists_of_the_best_expected_f1(chance: list[float], shown: str) -> None:
    one = np.zeros(len(chance), dtype=np.intp)
    assert most_expected_f1(np.array(chance), one).tolist() == flags(shown).tolist()


def test_each_group_has_its_own_list() -> None:
    chance = np.array([0.9, 0.4, 0.5, 0.2, 0.4, 0.5, 0.1])
    group = groups(0, 1, 2, 0, 2, 2, 0)
    assert most_expected_f1(chance, group).tolist() == flags("1010110").tolist()


def expected_f1(chance: list[float], shown: int) -> float:
    """F1 of the first so many, over all that may happen; an empty list is right if nothing does."""
    total = 0.0
    for outcome in itertools.product([0, 1], repeat=len(chance)):
        weight = math.prod(p if hit else 1 - p for p, hit in zip(chance, outcome, strict=True))
        made = sum(outcome)
        f1 = 2 * sum(outcome[:shown]) / (shown + made) if shown + made else 1.0
        total += weight * f1
    return total


def promise(chance: list[float], k: int) -> float:
    shown, squares = sum(chance[:k]), sum(p * p for p in chance[:k])
    return 2 * shown / (k + 1 + sum(chance) - squares / shown) if shown else 0.0


CHANCES = st.lists(st.floats(0, 1), min_size=1, max_size=6).map(lambda p: sorted(p, reverse=True))


@settings(max_examples=60)
@given(st.lists(CHANCES, min_size=1, max_size=4))
def test_the_length_promises_most_and_is_nearly_the_best(lists: list[list[float]]) -> None:
    group = np.repeat(np.arange(len(lists)), [len(one) for one in lists])
    shown = most_expected_f1(np.concatenate([np.array(one) for one in lists]), group)
    for place, chance in enumerate(lists):
        mine = shown[group == place]
        length = int(mine.sum())
        assert mine.tolist() == [True] * length + [False] * (len(chance) - length)
        promised = [promise(chance, k) for k in range(1, len(chance) + 1)]
        nothing = math.prod(1 - p for p in chance)
        reached = promised[length - 1] if length else nothing
        assert reached == pytest.approx(max(*promised, nothing), abs=1e-6)
        best = max(expected_f1(chance, k) for k in range(len(chance) + 1))
        assert expected_f1(chance, length) >= best - 0.05

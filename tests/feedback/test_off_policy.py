import re
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.errors import InputError
from src.feedback.exposure import first_chance
from src.feedback.off_policy import (
    Evidence,
    Floats,
    Logged,
    evaluate,
    means_by_product,
    standard_errors,
)

ACCEPTED = np.array(  # probability, by kind of customer and product
    [
        [0.20, 0.10, 0.05, 0.02],
        [0.06, 0.18, 0.03, 0.10],
        [0.10, 0.08, 0.25, 0.01],
    ]
)
RANKED = np.array([[0, 1, 2], [0, 1, 3], [1, 0, 2]])  # what may come first, best first
OTHER = np.array([0, 1, 2])  # what the other ranking shows first
TRUTH = float(ACCEPTED[np.arange(3), OTHER].mean())  # kinds are equally frequent
SHARE = 0.4
NAMES = ("ips", "snips", "dr")


def simulate(generator: np.random.Generator, customers: int, each: int) -> tuple[Logged, Floats]:
    """A log whose truth is known, and the other ranking; `each` answers to every customer.

    Customers differ in how readily they accept, so what they say to one answer tells of the next.
    """
    kind = np.repeat(generator.integers(0, 3, customers), each)
    readiness = np.repeat(generator.uniform(0.2, 1.8, customers), each)
    answers = np.arange(len(kind))
    chances = np.zeros((len(kind), 4))
    by_rank = [first_chance(rank, SHARE, 3) for rank in range(3)]
    for rank, chance in enumerate(by_rank):
        chances[answers, RANKED[kind, rank]] = chance
    shown = RANKED[kind, generator.choice(3, size=len(kind), p=by_rank)]
    rewards = (generator.random(len(kind)) < readiness * ACCEPTED[kind, shown]).astype(float)
    target = np.zeros_like(chances)
    target[answers, OTHER[kind]] = 1
    return Logged(np.repeat(np.arange(customers), each), chances, shown, rewards), target


@pytest.mark.parametrize(("customers", "each"), [(2_000, 1), (500, 6)])
def test_intervals_cover_the_truth_in_95_of_100_logs(customers: int, each: int) -> None:
    generator = np.random.default_rng(5)
    logs = 500
    covered, values = np.zeros(3), np.zeros(3)
    for _ in range(logs):
        found = evaluate(*simulate(generator, customers, each))
        for place, one in enumerate((found.ips, found.snips, found.dr)):
            covered[place] += one.low <= TRUTH <= one.high
            values[place] += one.value
        assert not found.evidence.doubts
    # 95 of 100, within three standard errors of 500 repetitions.
    assert (np.abs(covered / logs - 0.95) < 3 * (0.95 * 0.05 / logs) ** 0.5).all(), covered / logs
    assert values / logs == pytest.approx([TRUTH] * 3, abs=0.003)


def test_intervals_of_the_change_cover_the_truth() -> None:
    generator = np.random.default_rng(21)
    by_rank = np.array([first_chance(rank, SHARE, 3) for rank in range(3)])
    of_log = (by_rank * np.take_along_axis(ACCEPTED, RANKED, axis=1)).sum(axis=1).mean()
    of_ranking = ACCEPTED[np.arange(3), RANKED[:, 0]].mean()
    covered = np.zeros((2, 3))
    for _ in range(600):
        logged, target = simulate(generator, 2_000, 1)
        as_ranked = np.eye(4)[RANKED[OTHER.argsort()[target.argmax(axis=1)], 0]]
        from_log = evaluate(logged, target)
        from_ranking = evaluate(logged, target, as_ranked)
        for row, (found, change) in enumerate(
            ((from_log, TRUTH - of_log), (from_ranking, TRUTH - of_ranking))
        ):
            for place, one in enumerate((found.ips, found.snips, found.dr)):
                covered[row, place] += one.change_low <= change <= one.change_high
                assert one.value == getattr(from_log, NAMES[place]).value
    # Normal intervals of so few acceptances cover a little less than 95 (docs/feedback.md).
    assert (np.abs(covered / 600 - 0.945) < 3 * (0.945 * 0.055 / 600) ** 0.5).all()


def test_a_model_that_knows_narrows_the_interval_and_a_wrong_one_does_not_mislead() -> None:
    generator = np.random.default_rng(7)
    logged, target = simulate(generator, 20_000, 1)
    kind = OTHER.argsort()[target.argmax(axis=1)]
    knows = evaluate(logged, target, expected=ACCEPTED[kind])
    wrong = evaluate(logged, target, expected=np.full_like(target, 0.9))
    assert knows.dr.high - knows.dr.low < knows.ips.high - knows.ips.low
    assert knows.dr.low < TRUTH < knows.dr.high
    assert wrong.dr.low < TRUTH < wrong.dr.high
    assert wrong.dr.high - wrong.dr.low > knows.dr.high - knows.dr.low


def four() -> tuple[Logged, Floats]:
    """Four answers of two products; the other ranking shows 0, 1, 1, 1."""
    logged = Logged(
        customers=np.array([0, 1, 2, 3]),
        chances=np.array([[0.5, 0.5], [0.75, 0.25], [0.5, 0.5], [0.75, 0.25]]),
        shown=np.array([0, 1, 1, 0]),
        rewards=np.array([1.0, 1.0, 0.0, 1.0]),
    )
    return logged, np.array([[1.0, 0], [0, 1], [0, 1], [0, 1]])


def test_estimates_by_hand() -> None:
    expected = np.array([[0.5, 0.2], [0.5, 0.2], [0.5, 0.2], [0.5, 0.2]])
    found = evaluate(*four(), expected=expected)
    assert found.shown == 3 / 4
    assert found.ips.value == (2 * 1 + 4 * 1 + 2 * 0 + 0) / 4
    assert found.snips.value == (2 + 4) / (2 + 4 + 2)
    direct = (0.5 + 0.2 + 0.2 + 0.2) / 4
    corrected = (2 * (1 - 0.5) + 4 * (1 - 0.2) + 2 * (0 - 0.2)) / 4
    assert found.dr.value == pytest.approx(direct + corrected)
    assert found.ips.change == pytest.approx(1.5 - 0.75)
    # IPS: the terms 2, 4, 0, 0 have the mean 1.5 and the variance (0.25 + 6.25 + 2.25 + 2.25) / 3.
    margin = 1.959964 * (11 / 3 / 4) ** 0.5
    assert (found.ips.low, found.ips.high) == pytest.approx((1.5 - margin, 1.5 + margin))
    evidence = found.evidence
    assert evidence.effective == 8**2 / (4 + 16 + 4)
    assert (evidence.largest_weight, evidence.largest_share) == (4, 0.5)
    assert evidence.rewarded == pytest.approx(6**2 / (4 + 16))
    assert (evidence.mean_weight, evidence.without_chance) == (2, 0)


@given(st.integers(0, 2**32 - 1))
def test_of_the_ranking_that_was_drawn_by_the_value_is_what_was_shown(seed: int) -> None:
    logged, _ = simulate(np.random.default_rng(seed), 30, 2)
    found = evaluate(logged, logged.chances)
    assert found.ips.value == pytest.approx(found.shown)
    assert found.snips.value == pytest.approx(found.shown)
    assert found.ips.change == pytest.approx(0)
    assert found.evidence.effective == pytest.approx(60)


def test_a_ranking_does_not_differ_from_itself() -> None:
    logged, target = simulate(np.random.default_rng(3), 300, 1)
    found = evaluate(logged, target, instead_of=target)
    for one in (found.ips, found.snips, found.dr):
        assert (one.change, one.change_low, one.change_high) == (0, 0, 0)


def test_answers_of_one_customer_are_one_observation() -> None:
    terms = np.random.default_rng(1).random((50, 1))
    alone = standard_errors(terms, np.arange(50))
    assert alone == pytest.approx(terms.std(ddof=1) / 50**0.5)
    copied = standard_errors(np.repeat(terms, 4, axis=0), np.repeat(np.arange(50), 4))
    assert copied == pytest.approx(alone)


def test_no_answer_predicts_itself() -> None:
    logged, _ = simulate(np.random.default_rng(2), 200, 3)
    before = means_by_product(logged)
    rewards = logged.rewards.copy()
    own = logged.customers % 5 == 0
    rewards[own] = 1 - rewards[own]
    after = means_by_product(Logged(logged.customers, logged.chances, logged.shown, rewards))
    np.testing.assert_array_equal(after[own], before[own])
    assert (after[~own] != before[~own]).any()


def changed(logged: Logged, **parts: Any) -> Logged:
    values = {field.name: getattr(logged, field.name) for field in fields(Logged)}
    return Logged(**{**values, **parts})


def test_a_log_without_chances_is_refused() -> None:
    logged, target = four()
    missing = logged.chances.copy()
    missing[2] = np.nan
    with pytest.raises(InputError, match=r"chances of 1 of 4 answers \(the first is answer 2"):
        changed(logged, chances=missing)
    with pytest.raises(InputError, match=r"chances of 4 of 4 answers .* add up to 1"):
        changed(logged, chances=logged.chances * 0.9)
    impossible = np.array([[0.0, 1.0]] * 4)
    with pytest.raises(InputError, match=r"chances of 2 of 4 answers .* 0 for what was shown"):
        changed(logged, chances=impossible)
    with pytest.raises(InputError, match="no answer whose first offer had a known chance"):
        Logged(np.array([]), np.zeros((0, 2)), np.array([]), np.array([]))
    never = np.array([[0.0, 1], [1, 0], [1, 0], [0, 1]])  # the opposite of what was shown
    with pytest.raises(InputError, match="none of 4 answers shows first what the other ranking"):
        evaluate(logged, never)
    assert evaluate(logged, target).answers == 4


GOOD = {
    "effective": 1000.0,
    "rewarded": 50.0,
    "largest_weight": 10.0,
    "largest_share": 0.001,
    "without_chance": 0.0,
    "mean_weight": 1.0,
    "spread": 0.02,
}


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({}, None),
        ({"effective": 40.0}, "It says as much as 40 answers would: at least 100"),
        ({"rewarded": 3.0}, "What was accepted says as much as 3 acceptances would: at least 25"),
        ({"largest_share": 0.2}, "One answer has 20.0% of all weight .10.0."),
        (
            {"without_chance": 0.3, "mean_weight": 0.69},
            "In 30.0% of the answers, what the ranking shows first had no chance",
        ),
        ({"mean_weight": 0.9}, "Weights have the mean 0.900, and would have about 1.000"),
    ],
)
def test_when_not_to_believe_it(change: dict[str, float], doubt: str | None) -> None:
    doubts = Evidence(**{**GOOD, **change}).doubts
    assert len(doubts) == (doubt is not None)
    assert not doubt or re.search(doubt, doubts[0])


def test_chances_that_are_not_those_of_the_log_show_in_the_weights() -> None:
    logged, target = simulate(np.random.default_rng(8), 20_000, 1)
    shown = logged.shown.copy()
    best = logged.chances.argmax(axis=1)
    shown[::2] = best[::2]  # half of the answers were not drawn after all
    (doubt,) = evaluate(changed(logged, shown=shown), target).evidence.doubts
    assert "drawn in another way" in doubt

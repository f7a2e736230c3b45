import math

import numpy as np
import pytest

from src.simulation.intercepts import sigmoid, solve


def test_one_in_four_of_equals() -> None:
    # Everybody has the chance 1 / 4, whose log odds are log(1 / 3).
    assert solve(np.zeros(4, np.float32), 1.0) == pytest.approx(math.log(1 / 3), abs=1e-5)


def test_two_unequal_customers() -> None:
    # 1 / 2 + 3 / 4 = 1.25 at the intercept 0.
    log_odds = np.array([0.0, math.log(3)], np.float32)
    assert solve(log_odds, 1 / 2 + 3 / 4) == pytest.approx(0.0, abs=1e-5)


def test_weights_are_chances_of_being_at_risk() -> None:
    # 1 * 1 / 2 + 1 / 3 * 3 / 4 = 0.75 at the intercept 0.
    log_odds = np.array([0.0, math.log(3)], np.float32)
    weights = np.array([1.0, 1 / 3], np.float32)
    assert solve(log_odds, 1 / 2 + 1 / 4, weights) == pytest.approx(0.0, abs=1e-5)


def test_a_target_beyond_everybody_is_brought_down() -> None:
    chances = sigmoid(np.float32(solve(np.zeros(10, np.float32), 50.0)) + np.zeros(10, np.float32))
    assert chances.sum() == pytest.approx(9.8, rel=1e-4)


@pytest.mark.parametrize(("customers", "target"), [(0, 1.0), (3, 0.0), (3, -2.0)])
def test_nobody_at_risk_or_nothing_wanted(customers: int, target: float) -> None:
    log_odds = np.zeros(customers, np.float32)
    assert solve(log_odds, target) == -math.inf
    assert sigmoid(np.float32(-math.inf) + log_odds).tolist() == [0.0] * customers


def test_rare_events_among_spread_log_odds() -> None:
    log_odds = np.random.default_rng(0).normal(0, 3, 10_000).astype(np.float32)
    chances = sigmoid(np.float32(solve(log_odds, 0.5)) + log_odds)
    assert chances.sum(dtype=np.float64) == pytest.approx(0.5, rel=1e-4)

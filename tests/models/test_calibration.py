import numpy as np
import pytest

from src.models.calibration import Platt, chance, log_odds


def test_log_odds_and_chances_are_inverse() -> None:
    odds = log_odds(np.array([0.5, 0.8, 0.0, 1.0]))
    assert odds[:2].tolist() == pytest.approx([0.0, np.log(4)])
    assert np.isfinite(odds).all()
    assert chance(odds)[:2].tolist() == pytest.approx([0.5, 0.8])


def test_a_line_is_applied() -> None:
    assert Platt(2.0, -1.0).of(np.array([0.0, 1.5])).tolist() == [-1.0, 2.0]


def test_without_customers_nothing_changes() -> None:
    assert Platt.fit(np.empty(0), np.empty(0, dtype=bool)) == Platt(1.0, 0.0)


def test_chances_that_are_true_stay() -> None:
    # 1 of 5 at log-odds of 1/4, 4 of 5 at those of 4: what was predicted
    scores = np.repeat(log_odds(np.array([0.2, 0.8])), 5000)
    happened = np.tile([True, False, False, False, False], 1000)
    happened = np.concatenate([happened, ~happened])
    line = Platt.fit(scores, happened)
    assert (line.slope, line.shift) == pytest.approx((1.0, 0.0), abs=1e-9)


def test_many_customers_overrule_the_prior() -> None:
    # said to be 0.5 and 0.9, but 0.2 and 0.5: log-odds 0 -> ln(1/4), ln 9 -> 0
    scores = np.repeat([0.0, np.log(9)], 100_000)
    happened = np.arange(200_000) % 5 == 0
    happened[100_000:] = np.arange(100_000) % 2 == 0
    line = Platt.fit(scores, happened)
    assert line.shift == pytest.approx(-np.log(4), abs=0.01)
    assert line.slope == pytest.approx(np.log(4) / np.log(9), abs=0.01)


def test_a_handful_of_customers_changes_little() -> None:
    line = Platt.fit(np.array([-3.0, -3.0]), np.array([True, False]))
    assert 0.7 < line.slope < 1.0
    assert 0.0 < line.shift < 0.4

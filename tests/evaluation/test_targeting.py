import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from src.evaluation import targeting
from src.evaluation.targeting import Resampling

SCORES = np.array([0.9, 0.8, 0.8, 0.1, 0.0])
HAPPENED = np.array([True, False, True, False, False])


def test_places_at_the_border_are_shared() -> None:
    # two of five places: one for the first, one for two equal customers
    assert targeting.found(SCORES, 0.4).tolist() == [1.0, 0.5, 0.5, 0.0, 0.0]
    # half a place
    assert targeting.found(SCORES, 0.1).tolist() == [0.5, 0.0, 0.0, 0.0, 0.0]


def test_placements_average_to_the_area_under_the_curve() -> None:
    placements = targeting.placements(SCORES, HAPPENED)
    # above all three others; above two and level with one
    assert placements.tolist() == pytest.approx([1.0, 0.0, 2.5 / 3, 0.0, 0.0])
    area = roc_auc_score(HAPPENED, SCORES)
    assert placements[HAPPENED].mean() == pytest.approx(area)


def test_calibration_in_ten_bins_of_as_many_customers() -> None:
    chances = np.arange(20) / 20
    happened = np.arange(20) >= 15
    table = targeting.calibration(chances, happened)
    pd.testing.assert_frame_equal(
        table,
        pd.DataFrame(
            {
                "bin": np.arange(10),
                "customers": np.full(10, 2),
                "predicted": (np.arange(10) * 2 + 0.5) / 20,
                "observed": [0.0] * 7 + [0.5, 1.0, 1.0],
            }
        ),
    )


def test_gains() -> None:
    curve = targeting.gains(SCORES, HAPPENED)
    assert curve["share"].tolist() == [number / 100 for number in range(101)]
    assert curve["found"][[0, 20, 40, 60, 100]].tolist() == [0.0, 0.5, 0.75, 1.0, 1.0]


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=40))
def test_gains_are_what_the_first_customers_hold(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in rows], dtype=np.float32)
    happened = np.array([added for _, added in rows])
    curve = targeting.gains(scores, happened)
    shares = curve["share"].tolist()[1:-1]
    held = [targeting.found(scores, share) @ happened / max(happened.sum(), 1) for share in shares]
    assert curve["found"].tolist() == pytest.approx([0.0, *held, 1.0])


def test_metrics_by_hand() -> None:
    same = Resampling(np.arange(5), np.ones((3, 5)))  # everybody once: no spread
    found = targeting.measure(np.array([0.5, 0.25, 0.25, 0.25, 0.0]), HAPPENED, same)
    points = {name: value for name, value in found.items() if name[-3:] not in ("_lo", "_hi")}
    loss = -(np.log(0.5) + 2 * np.log(0.75) + np.log(0.25)) / 5
    assert points == pytest.approx(
        {
            "auc": (3 + 2) / 2 / 3,
            "found@1%": 0.05 / 2,
            "found@5%": 0.25 / 2,
            "found@10%": 0.5 / 2,
            "found@20%": 0.5,
            "lift@1%": 2.5,
            "lift@5%": 2.5,
            "lift@10%": 2.5,
            "lift@20%": 2.5,
            "log_loss": loss,
            "brier": (0.25 + 0.0625 * 2 + 0.5625) / 5,
            # each customer is a bin: 0.5, 0.25, 0.75, 0.25 and 0 off
            "calibration_error": (0.5 + 0.25 + 0.75 + 0.25) / 5,
        }
    )
    assert found["auc_lo"] == found["auc"] == found["auc_hi"]


def test_an_order_has_no_calibration() -> None:
    same = Resampling(np.arange(5), np.ones((3, 5)))
    found = targeting.measure(-SCORES, HAPPENED, same, chances=False)
    assert "log_loss" not in found
    assert found["auc"] == pytest.approx(0.5 / 3 / 2)


def test_groups_are_drawn_as_often_as_there_are() -> None:
    resampling = Resampling.of(2500, 50, 7)
    assert resampling.draws.shape == (50, 1000)
    assert resampling.draws.sum(axis=1).tolist() == [1000] * 50
    assert np.bincount(resampling.group).tolist() == [3] * 500 + [2] * 500
    assert Resampling.of(3, 50, 7).draws.shape == (50, 3)


def test_intervals_hold_the_spread_of_a_share() -> None:
    # 1,000 of 10,000 happened, half of them among the first: the share's standard error is 0.0158
    scores = np.repeat([1.0, 0.0], 5000)
    happened = np.tile(np.arange(10) == 0, 1000)
    found = targeting.measure(scores, happened, Resampling.of(10_000, 2000, 7), chances=False)
    assert found["auc"] == pytest.approx(0.5)
    width = found["found@20%_hi"] - found["found@20%_lo"]
    assert found["found@20%"] == pytest.approx(0.2)
    assert width == pytest.approx(2 * 1.96 * 0.4 * 0.0158, rel=0.15)


def test_some_of_the_customers_have_the_same_draws() -> None:
    resampling = Resampling.of(6, 4, 7)
    rows = np.array([True, False, True, False, False, True])
    some = resampling.of_rows(rows)
    assert some.group.tolist() == resampling.group[rows].tolist()
    assert some.sums(np.ones((3, 1)))[:, 0].tolist() == [
        resampling.draws[draw][some.group].sum() for draw in range(4)
    ]

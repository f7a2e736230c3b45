"""Every feature of a small history, worked out by hand."""

import numpy as np
import pytest

from src.models.features import (
    FEATURES,
    LAGGED,
    Events,
    Feature,
    Lagged,
    feature_blocks,
    feature_names,
)
from src.models.history import History
from tests.histories import histories


def history(present: str, active: str, *held: str) -> History:
    """One customer, months told oldest first."""
    return histories([int(present, 2)], [[int(product, 2) for product in held]], [int(active, 2)])


NAN = float("nan")
# lag:        6 5 4 3 2 1
# card        0 1 1 0 1 1    added at lags 5 and 2, dropped at 3, kept at 4 and 1
# loan        1 1 0 0 0 1    added at lag 1, dropped at 4, kept at 5, without at 3 and 2
# active      1 1 0 1 0 0
SIX = history("111111", "110100", "011011", "110001")


def described(one: History, products: list[str], lags: list[int]) -> dict[str, float]:
    values = np.hstack(feature_blocks(one, lags))
    assert values.shape[0] == 1
    return dict(zip(feature_names(products, lags), values[0].tolist(), strict=True))


LAGGED_BY_HAND: dict[str, dict[int, list[float]]] = {
    "held": {1: [1, 1], 2: [1, 0], 3: [0, 0], 6: [0, 1], 7: [NAN, NAN]},
    "portfolio": {1: [2], 2: [1], 3: [0], 6: [1], 7: [NAN]},
    "active": {1: [0], 2: [0], 3: [1], 6: [1], 7: [NAN]},
}
FEATURES_BY_HAND: dict[str, list[float]] = {
    "months_since_added": [2, 1],
    "months_since_dropped": [3, 4],
    "times_added": [2, 1],
    "times_dropped": [1, 1],
    "months_kept": [2, 1],
    "months_without": [0, 2],
    "months_since_any_added": [1],
    "months_since_any_dropped": [3],
    "additions_so_far": [2 + 1],
    "drops_so_far": [1 + 1],
    "months_in_data": [6],
    "active_share": [3 / 6],
}


def test_every_record_has_its_values_here() -> None:
    assert [record.name for record in LAGGED] == list(LAGGED_BY_HAND)
    assert [record.name for record in FEATURES] == list(FEATURES_BY_HAND)
    by_product = {record.name for record in (*LAGGED, *FEATURES) if record.by_product}
    firsts = {name: values[1] for name, values in LAGGED_BY_HAND.items()}
    assert by_product == {
        name for name, values in (firsts | FEATURES_BY_HAND).items() if len(values) == 2
    }


@pytest.mark.parametrize("record", LAGGED, ids=lambda record: record.name)
@pytest.mark.parametrize("lag", [1, 2, 3, 6, 7])
def test_lagged_features_of_six_months(record: Lagged, lag: int) -> None:
    values = record.compute(Events(SIX), lag)
    assert values.dtype == np.float32
    assert values.ravel().tolist() == pytest.approx(LAGGED_BY_HAND[record.name][lag], nan_ok=True)


@pytest.mark.parametrize("record", FEATURES, ids=lambda record: record.name)
def test_features_of_six_months(record: Feature) -> None:
    values = record.compute(Events(SIX))
    assert values.dtype == np.float32
    assert values.ravel().tolist() == pytest.approx(FEATURES_BY_HAND[record.name])


def test_names_and_columns_stand_side_by_side() -> None:
    names = feature_names(["card", "loan"], [1, 6])
    assert names[:8] == [
        "held_lag1:card",
        "held_lag1:loan",
        "portfolio_lag1",
        "active_lag1",
        "held_lag6:card",
        "held_lag6:loan",
        "portfolio_lag6",
        "active_lag6",
    ]
    assert names[8:11] == [
        "months_since_added:card",
        "months_since_added:loan",
        "months_since_dropped:card",
    ]
    by_lag = [
        value for lag in (1, 6) for values in LAGGED_BY_HAND.values() for value in values[lag]
    ]
    of_all = [value for values in FEATURES_BY_HAND.values() for value in values]
    values = described(SIX, ["card", "loan"], [1, 6])
    assert list(values) == names
    assert list(values.values()) == pytest.approx(by_lag + of_all)


def test_no_event_is_seen_across_a_gap() -> None:
    # lag:        6 5 4 3 2 1
    # present     1 . 1 1 . 1    only lag 3 has a known predecessor
    # card        1 . 1 0 . 1    dropped at 3; the card of lag 1 may be older than the month
    expected = {
        "held_lag1:card": 1,
        "portfolio_lag1": 1,
        "active_lag1": 0,
        "held_lag2:card": NAN,
        "portfolio_lag2": NAN,
        "active_lag2": NAN,
        "held_lag3:card": 0,
        "portfolio_lag3": 0,
        "active_lag3": 1,
        "months_since_added:card": NAN,
        "months_since_dropped:card": 3,
        "times_added:card": 0,
        "times_dropped:card": 1,
        "months_kept:card": 0,
        "months_without:card": 0,
        "months_since_any_added": NAN,
        "months_since_any_dropped": 3,
        "additions_so_far": 0,
        "drops_so_far": 1,
        "months_in_data": 4,
        "active_share": 1 / 4,
    }
    actual = described(history("101101", "000100", "101001"), ["card"], [1, 2, 3])
    assert actual == pytest.approx(expected, nan_ok=True)


def test_a_customer_of_no_month_is_active_in_none() -> None:
    stranger = described(history("0", "0", "0"), ["card"], [1])
    assert (stranger["months_in_data"], stranger["active_share"]) == (0, 0)

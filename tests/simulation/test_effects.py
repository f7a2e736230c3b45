import numpy as np
import pandas as pd

from src.simulation.effects import LEVELS, Effects, Recency, View, cell

FEATURES = {
    "segment=TOP": [1.0, 0.0],
    "active=1": [0.5, 0.0],
    "portfolio=0": [0.0, 2.0],
    "portfolio=1": [0.0, 3.0],
    "active_without_products=1": [0.0, 10.0],
    "held=a": [0.0, -1.0],
    "just_added=a": [0.0, 7.0],
    "held_when_new=a": [0.0, 100.0],
}
TABLE = pd.DataFrame.from_dict(FEATURES, orient="index", columns=["a", "b"])


def test_log_odds_are_sums_of_what_applies() -> None:
    nowhere = {name: np.full(4, len(levels) - 1, np.int32) for name, levels in LEVELS.items()}
    top = np.array([0, 3, 3, 3], np.int32)
    active = np.array([True, False, False, True])
    codes = {**nowhere, "segment": top, "active": active.astype(np.int32)}
    view = View(
        cells=cell(codes),
        held=np.array([[0, 1, 1, 0], [0, 0, 0, 0]], np.int8),
        just_added=np.array([[0, 1, 0, 0], [0, 0, 0, 0]], np.int8),
        active=active,
        new=np.array([False, False, True, True]),
    )
    log_odds = Effects.from_table(TABLE).log_odds(view)
    assert log_odds[0].tolist() == [1.0 + 0.5, 0.0, 0.0, 0.5]
    assert log_odds[1].tolist() == [2.0 + 10.0, 3.0 - 1.0 + 7.0, 3.0 - 1.0 + 100.0, 2.0 + 10.0]


def test_recency_holds_from_its_month_on() -> None:
    rows = {"months=1": [4.0], "months=3": [2.0], "again=2": [0.5], "again=3": [0.75]}
    recency = Recency.from_table(pd.DataFrame.from_dict(rows, orient="index", columns=["a"]))
    months = np.array([1, 2, 3, 17, Recency.NEVER], np.int8)
    count = np.array([1, 2, 3, 9, 0], np.int8)
    expected = [4.0, 4.0 + 0.5, 2.0 + 0.75, 2.0 + 0.75, 0.0]
    assert recency.log_odds(0, months, count).tolist() == expected

import datetime
from typing import cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pandas.testing import assert_frame_equal

from src.evaluation.intervals import percentile_interval
from src.payments.operations import evaluation, results
from src.payments.operations.baselines import BASELINES
from src.payments.operations.factors import FACTORS
from src.payments.operations.models import OperationModels
from src.payments.operations.results import (
    Observed,
    card_curve,
    card_table,
    gini_by_cutoff,
    gini_resamples,
    gini_table,
    reliability,
)
from tests.payments.operations.stream import CUTOFF, NAN


class Elapsed:
    """A model whose chance is one by the days elapsed."""

    def score(self, columns: dict[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float64]]:
        assert list(columns) == [factor.name for factor in FACTORS]
        return {"model": 1 / columns["elapsed"].astype(np.float64)}


def rows(rules: bool = True) -> pa.Table:
    """Six observations at two cut-offs, as observe writes them."""
    day = datetime.date(2025, 3, 31)
    later = datetime.date(2025, 4, 4)
    columns = {factor.name: np.zeros(6, dtype=np.float32) for factor in FACTORS}
    columns["elapsed"] = np.array([2, 4, 1, 8, 1, 2], dtype=np.float32)
    scores = {
        f"rule_{rule.name}": np.arange(6, dtype=np.float32) if rules else pa.nulls(6, pa.float32())
        for rule in BASELINES
    }
    table = pa.table(
        {
            "part": ["test"] * 6,
            "cutoff": [day, day, day, later, later, later],
            "client": ["ann", "ann", "bob", "bob", "bob", "cid"],
            "provider": ["gas", "tea", "gas", "gas", "tea", "gas"],
            "repeated": [True, False, False, True, True, False],
            **columns,
            **scores,
        }
    )
    # as many chunks as there are cut-offs
    return pa.concat_tables([table.slice(0, 3), table.slice(3)])


def observed(event: str, **chances: list[float]) -> Observed:
    """Clients 0, 0, 1, 1, 2, … at one cut-off of two observations each."""
    size = len(event)
    pairs = np.arange(size) // 2
    return Observed(
        event=np.array([letter == "1" for letter in event]),
        client=pairs,
        cutoff=np.full(size, CUTOFF, dtype=np.int32),
        group=pairs,
        chances={name: np.array(values) for name, values in chances.items()},
        rules={},
    )


def test_observations_are_scored_and_grouped() -> None:
    found = Observed.of(rows(), cast(OperationModels, Elapsed()))
    assert found.event.tolist() == [True, False, False, True, True, False]
    assert found.client.tolist() == [0, 0, 1, 1, 1, 2]
    assert found.cutoff.tolist() == [CUTOFF] * 3 + [CUTOFF + 4] * 3
    assert found.group.tolist() == [0, 0, 1, 2, 2, 3]  # bob twice: at both cut-offs
    assert found.chances["model"].tolist() == [1 / 2, 1 / 4, 1, 1 / 8, 1, 1 / 2]
    assert list(found.rules) == [rule.name for rule in BASELINES]
    assert list(found.scores) == ["model", *found.rules]
    assert found.scores["frequency"].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("table", [rows(rules=False), rows().select(rows().column_names[:-7])])
def test_rules_are_those_that_were_computed(table: pa.Table) -> None:
    assert Observed.of(table, cast(OperationModels, Elapsed())).rules == {}


def test_table_of_gini() -> None:
    test = Observed.of(rows(), cast(OperationModels, Elapsed()))
    valid = observed("10", model=[0.5, 0.25])
    drawn = evaluation.resampled(test.client, 20, 1)
    resamples = gini_resamples(test, drawn)
    table = gini_table(valid, test, resamples)
    assert list(table) == ["model", *(rule.name for rule in BASELINES)]
    # events 1/2, 1/8 and 1 against 1/4, 1 and 1/2: 1 + 0 + 2 wins and two ties, of 9
    model = table["model"]
    assert model["gini"] == pytest.approx(2 * ((1 + 0 + 2 + 2 / 2) / 9) - 1)
    interval = percentile_interval(resamples["model"].to_numpy())
    assert (model["gini_lo"], model["gini_hi"]) == (interval.low, interval.high)
    assert model["hit_rate@4"] == 2 / 2
    assert model["mean_chance"] == pytest.approx((1 / 2 + 1 / 4 + 1 + 1 / 8 + 1 + 1 / 2) / 6)
    assert model["psi"] == evaluation.score_stability(valid.chances["model"], test.chances["model"])
    # events 0, 3 and 4 against 1, 2 and 5
    assert table["frequency"]["gini"] == pytest.approx(2 * ((0 + 2 + 2) / 9) - 1)
    assert list(table["frequency"]) == ["gini", "gini_lo", "gini_hi", "hit_rate@4"]


def test_resamples_are_told_apart_by_what_they_hold() -> None:
    test = Observed.of(rows(), cast(OperationModels, Elapsed()))
    # ann has two observations, one repeated; bob three, two repeated; cid one, not repeated
    drawn = [np.array([1, 2, 0]), np.array([0, 0, 3])]
    table = gini_resamples(test, drawn)
    assert list(table) == ["observations", "repeated", *test.scores]
    assert table["observations"].tolist() == [6, 8, 3]
    assert table["repeated"].tolist() == [3, 5, 0]
    # events 1/2 once, 1/8 and 1 twice each, against 1/4 once and 1 twice
    wins = 1 * (1 + 0) + 2 * (0 + 0) + 2 * (1 + 2 / 2)
    expected = [2 * ((1 + 0 + 2 + 2 / 2) / 9) - 1, 2 * (wins / (5 * 3)) - 1, NAN]
    assert table["model"].tolist() == pytest.approx(expected, nan_ok=True)


def test_table_of_cards() -> None:
    valid = observed("110100", model=[0.9, 0.7, 0.6, 0.5, 0.4, 0.3])
    test = observed("100110", model=[0.8, 0.7, 0.6, 0.1, 0.9, 0.0])
    drawn = evaluation.resampled(test.client, 30, 1)
    table = card_table(valid, test, 0.5, drawn)["model"]
    # two of the three repetitions of validation score at least 0.7; three of the test do, too
    assert table["threshold"] == 0.7
    assert table["cards"] == 3 / 3
    assert table["coverage"] == 2 / 3
    assert table["precision"] == 2 / 3
    shown = np.array([True, True, False, False, True, False])
    by_threshold = evaluation.cards(shown, test.event, test.client, 3, drawn)
    assert (table["coverage_lo"], table["coverage_hi"]) == (
        by_threshold.coverage.low,
        by_threshold.coverage.high,
    )
    assert (table["precision_lo"], table["precision_hi"]) == (
        by_threshold.precision.low,
        by_threshold.precision.high,
    )
    # by F1, client 0 is shown both, client 1 and client 2 the first
    assert table["f1_cards"] == (2 + 1 + 1) / 3
    assert table["f1_coverage"] == 2 / 3
    assert table["f1_precision"] == 2 / 4
    assert list(table) == ["threshold"] + [
        f"{rule}{name}"
        for rule in ("", "f1_")
        for name in (
            "cards",
            "coverage",
            "coverage_lo",
            "coverage_hi",
            "precision",
            "precision_lo",
            "precision_hi",
        )
    ]


def test_gini_of_each_cutoff() -> None:
    test = Observed.of(rows(), cast(OperationModels, Elapsed()))
    expected = pd.DataFrame(
        {
            "model": ["model"] * 2,
            "cutoff": ["2025-03-31", "2025-04-04"],
            "observations": [3, 3],
            "repeated": [1, 2],
            # 1/2 against 1/4 and 1; 1/8 and 1 against 1/2
            "gini": [2 * (1 / 2) - 1, 2 * (1 / 2) - 1],
        }
    )
    assert_frame_equal(gini_by_cutoff(test), expected)


def test_a_cutoff_without_a_repetition_has_no_gini() -> None:
    table = gini_by_cutoff(observed("00", model=[0.5, 0.25]))
    assert table.to_numpy().tolist() == [
        ["model", "2025-03-31", 2, 0, pytest.approx(NAN, nan_ok=True)]
    ]


def test_curve_of_cards() -> None:
    test = observed("0101", one=[0.9, 0.8, 0.7, 0.6], other=[0.1, 0.9, 0.2, 0.8])
    expected = pd.DataFrame(
        {
            "model": ["one"] * 2 + ["other"] * 2,
            "coverage": [1 / 2, 2 / 2, 1 / 2, 2 / 2],
            "precision": [1 / 2, 2 / 4, 1 / 1, 2 / 2],
        }
    )
    assert_frame_equal(card_curve(test), expected)


def test_a_long_curve_has_few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_POINTS", 3)
    test = observed("1" * 10, model=[1 - place / 10 for place in range(10)])
    curve = card_curve(test)
    # 1, 5.5 and 10 hits: the sixth card has the sixth hit
    assert curve["coverage"].tolist() == [1 / 10, 6 / 10, 10 / 10]
    assert curve["precision"].tolist() == [1, 1, 1]


def test_reliability_of_tenths() -> None:
    chance = [0.05 * place for place in range(20)]
    shuffled = np.random.default_rng(1).permutation(20)
    test = observed(
        "".join("1" if place >= 18 or place == 3 else "0" for place in shuffled),
        model=[chance[place] for place in shuffled],
    )
    expected = pd.DataFrame(
        {
            "model": ["model"] * 10,
            "observations": [2] * 10,
            "predicted": [0.05 * (2 * tenth + 0.5) for tenth in range(10)],
            "observed": [0, 1 / 2, 0, 0, 0, 0, 0, 0, 0, 1],
        }
    )
    assert_frame_equal(reliability(test), expected)

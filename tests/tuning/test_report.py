"""What a study says it found, worked out by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from src.tuning.report import (
    describe,
    gain_on_others,
    importances,
    summarise,
    trials_table,
    write,
)
from src.tuning.study import StudyResult
from tests.tuning.conftest import NewSweep, Toy, ToySweep


def trial(sweep: ToySweep, number: int, value: float | None, **changed: Any) -> FrozenTrial:
    given: dict[str, Any] = {
        "state": TrialState.COMPLETE,
        "params": {"x": 0.5, "steps": 10},
        "intermediate_values": {},
    }
    made = create_trial(value=value, distributions=dict(sweep.space), **(given | changed))
    made.number = number
    return made


@pytest.fixture
def sweep(new_sweep: NewSweep) -> ToySweep:
    return new_sweep(trials=5, prune=0.25, current=Toy(x=0.123456, steps=10))


@pytest.fixture
def result(sweep: ToySweep) -> StudyResult:
    """Current settings, a better trial, one given up, one failed, one as good as the second."""
    precision = {
        0: np.array([1.0, 0.5, 0.5, 0.0]),
        1: np.array([1.0, 1.0, 1.0, 0.0]),
        4: np.array([1.0, 1.0, 0.0, 1.0]),
    }
    trials = [
        trial(sweep, 0, 0.5, params={"x": 0.123456, "steps": 10}, intermediate_values={0: 0.25}),
        trial(sweep, 1, 0.75, params={"x": 0.987654, "steps": 10}, intermediate_values={0: 0.5}),
        trial(
            sweep,
            2,
            0.125,
            state=TrialState.PRUNED,
            params={"x": 0.2, "steps": 1},
            intermediate_values={0: 0.125},
        ),
        trial(sweep, 3, None, state=TrialState.FAIL, params={"x": 0.3, "steps": 2}),
        trial(sweep, 4, 0.75, params={"x": 0.4, "steps": 90}, intermediate_values={0: 0.25}),
    ]
    return StudyResult(trials, precision)


def test_trials_table(sweep: ToySweep, result: StudyResult) -> None:
    none = float("nan")
    # trial 1 differs by 0, 1/2, 1/2, 0: deviation 1/4; trial 4 by 0, 1/2, -1/2, 1: mean 1/4
    deviation = (((0 - 0.25) ** 2 + 0.25**2 + 0.75**2 + 0.75**2) / 4) ** 0.5
    expected = pd.DataFrame(
        {
            "trial": [0, 1, 2, 3, 4],
            "state": ["complete", "complete", "pruned", "fail", "complete"],
            "x": [0.123456, 0.988, 0.2, 0.3, 0.4],
            "steps": [10, 10, 1, 2, 90],
            "with_part": [0.25, 0.5, 0.125, none, 0.25],
            "map@7_adders": [0.5, 0.75, none, none, 0.75],
            "difference": [0, 0.25, none, none, 0.25],
            "error": [0, 2 * 0.25 / 2, none, none, 2 * deviation / 2],
            "best": [0.5, 0.75, 0.75, 0.75, 0.75],
        }
    )
    pd.testing.assert_frame_equal(trials_table(sweep, result), expected)


def test_summary(sweep: ToySweep, result: StudyResult) -> None:
    summary = summarise(sweep, result, trials_table(sweep, result))
    on_others = summary.pop("gain_on_others")
    assert summary == {
        "section": "train_toy",
        "month": "2016-04-28",
        "adders": 4,
        "trials": 5,
        "planned": 5,
        "pruned": 1,
        "failed": 1,
        "current": 0.5,
        "map@7_adders": 0.75,
        "gain": 0.25,
        "gain_error": 0.25,
        "best": {"trial": 1, "x": 0.988, "steps": 10},  # of equals the first
    }
    assert on_others < 0.25


def test_luck_is_no_gain_on_others() -> None:
    """Each trial but the first suits one adder: whoever is not drawn is not suited."""
    precision = np.vstack([np.zeros(6), np.eye(6)])
    assert precision.mean(axis=1).max() == 1 / 6
    assert gain_on_others(precision, seed=1) == 0


def test_a_gain_for_everybody_is_one_on_others() -> None:
    precision = np.vstack([np.full(6, 0.25), np.full(6, 0.5), np.full(6, 0.125)])
    assert gain_on_others(precision, seed=1) == 0.25


def test_gain_on_others_chooses_anew() -> None:
    """Two adders, one of them left out: the trial that suits the other is chosen, and loses."""
    precision = np.array([[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]])
    assert gain_on_others(precision, seed=1) == 0 - 0.5


def test_one_adder_is_never_left_out() -> None:
    assert gain_on_others(np.array([[0.0], [1.0]]), seed=1) == 0


def test_importances_are_shares_of_the_variance() -> None:
    """The value is x, whatever y is; trials that were given up count with what they had."""
    space: dict[str, Any] = {"x": FloatDistribution(0, 1), "y": FloatDistribution(0, 1)}
    generator = np.random.default_rng(1)
    trials = []
    for number in range(40):
        params = {"x": generator.random(), "y": generator.random()}
        state = TrialState.COMPLETE if number % 2 else TrialState.PRUNED
        trials.append(
            create_trial(
                state=state,
                value=params["x"] if state == TrialState.COMPLETE else None,
                intermediate_values={0: params["x"]},
                params=params,
                distributions=space,
            )
        )
        if state == TrialState.PRUNED:
            trials[-1].value = params["x"]
    shares = importances(trials, seed=1)
    assert list(shares) == ["x", "y"]
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["x"] > 0.95
    assert importances(trials, seed=1) == shares


def test_without_variance_nothing_is_important(sweep: ToySweep) -> None:
    same = [trial(sweep, number, 0.5) for number in range(3)]
    for trials in (same, same[:1]):
        shares = importances(trials, seed=1)
        assert list(shares.items()) == [("steps", 0), ("x", 0)]


def test_the_report_in_words(sweep: ToySweep, result: StudyResult) -> None:
    trials = trials_table(sweep, result)
    summary = summarise(sweep, result, trials) | {"gain_on_others": -0.0123}
    assert describe(sweep, trials, summary).splitlines() == [
        "toy: 5 of 5 trials, 1 given up early, 1 failed; judged on the 4 adders of 2016-04-28",
        "",
        "| trial | MAP@7 among adders | difference, ± 2 s.e. | x | steps |",
        "| --- | --: | --: | --: | --: |",
        "| current | 0.5000 |  | 0.123456 | 10 |",
        "| 1 | 0.7500 | +0.2500 ± 0.2500 | 0.988 | 10 |",
        "| 4 | 0.7500 | +0.2500 ± 0.5590 | 0.4 | 90 |",
        "",
        "The best gains +0.2500 on the adders it was chosen on; on others -0.0123 is to be "
        "expected.",
        "Make an experiment of it: python -m src.tuning.promote toy",
    ]


def test_the_report_asks_for_wider_ranges(new_sweep: NewSweep, result: StudyResult) -> None:
    space = {"x": {"low": 0, "high": 1}, "steps": {"low": 10, "high": 100}}
    narrow = new_sweep(trials=5, space=space)
    trials = trials_table(narrow, result)
    lines = describe(narrow, trials, summarise(narrow, result, trials)).splitlines()
    assert (
        "steps = 10 lies at the edge of its range: widen toy.space.steps in "
        "pipelines/tuning/params.yaml." in lines
    )


def test_the_report_of_a_study_that_found_nothing(sweep: ToySweep, result: StudyResult) -> None:
    alone = StudyResult(result.trials[:1], {0: result.precision[0]})
    trials = trials_table(sweep, alone)
    summary = summarise(sweep, alone, trials)
    assert summary["gain_on_others"] == 0
    lines = describe(sweep, trials, summary).splitlines()
    assert lines[-3:] == [
        "",
        "No trial beats the current settings.",
        "The time was over after 1 of 5 trials. To go on: dvc repro --force --single-item "
        "pipelines/tuning/dvc.yaml:toy",
    ]


def test_everything_is_written(
    sweep: ToySweep, result: StudyResult, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(sweep, result)
    assert capsys.readouterr().out.startswith("toy: 5 of 5 trials")
    written = {str(file.relative_to(workspace)) for file in workspace.rglob("*") if file.is_file()}
    assert written - {"toy.parquet", "pipelines/tuning/dvc.yaml"} == {
        "metrics/tuning/toy.json",
        *(
            f"plots/tuning/toy/{name}"
            for name in (
                "trials.csv", "history.png", "importances.png", "parallel.png", "slices.png"
            )
        ),
    }  # fmt: skip
    metrics = json.loads(Path("metrics/tuning/toy.json").read_text())
    assert metrics["best"] == {"trial": 1, "x": 0.988, "steps": 10}
    assert set(metrics["importances"]) == {"x", "steps"}
    assert Path("plots/tuning/toy/trials.csv").read_text().splitlines()[:4] == [
        "trial,state,x,steps,with_part,map@7_adders,difference,error,best",
        "0,complete,0.123456,10,0.25,0.5,0,0,0.5",
        "1,complete,0.988,10,0.5,0.75,0.25,0.25,0.75",
        "2,pruned,0.2,1,0.125,,,,0.75",
    ]

"""Studies: where they begin, how they end, and that stopping them changes nothing."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from optuna.trial import TrialState

from src.errors import InputError
from src.models.contract import Scores
from src.tuning import journal, report, study
from src.tuning.study import StudyResult, run_trials
from tests.tuning.conftest import NewSweep, Toy, ToySweep, first_places


class Killed(BaseException):
    """The end of a process, as far as one process can have it."""


def told(sweep: ToySweep, result: StudyResult) -> list[dict[str, Any]]:
    return [
        {"state": trial.state, "value": trial.value, "part": trial.intermediate_values}
        | sweep.params(trial)
        for trial in result.trials
    ]


def dying(call: int) -> Callable[[Toy, float], Scores]:
    """The toy model, killed at one of its calls."""
    calls = iter(range(call + 1))

    def score(settings: Toy, part: float) -> Scores:
        if next(calls) == call:
            raise Killed
        return first_places(settings.x if part == 1 else settings.x / 2)

    return score


def halved(settings: Toy, part: float) -> Scores:
    return first_places(settings.x if part == 1 else settings.x / 2)


def test_the_first_trial_has_the_current_settings(new_sweep: NewSweep) -> None:
    sweep = new_sweep(current=Toy(x=0.654321, steps=10))
    result = run_trials(sweep)
    assert sweep.params(result.trials[0]) == {"x": 0.654321, "steps": 10}
    # |0.654321 - 0.7| is within the reach of three: 1 for each, a half for the first
    assert result.precision[0].tolist() == [0.5, 1, 1, 1]
    assert result.trials[0].value == 3.5 / 4
    assert [trial.number for trial in result.trials] == list(range(12))


def test_values_are_those_of_the_settings_told(new_sweep: NewSweep) -> None:
    seen = []

    def score(settings: Toy, part: float) -> Scores:
        assert part == 1
        seen.append(settings)
        return first_places(settings.x)

    sweep = new_sweep(score)
    result = run_trials(sweep)
    assert [sweep.params(trial) for trial in result.trials] == [
        {"x": settings.x, "steps": settings.steps} for settings in seen
    ]
    for settings, trial in zip(seen, result.trials, strict=True):
        near = abs(settings.x - 0.7) <= np.array([0.01, 0.1, 0.3, 0.6])
        assert trial.value == np.where(near, 1, 0.5).mean()
        assert settings.x == float(f"{settings.x:.3g}")
    assert max(trial.value or 0 for trial in result.trials) > 0.5 + 0.5 / 4


def test_the_seed_decides(new_sweep: NewSweep) -> None:
    first, second, other = (new_sweep(seed=seed) for seed in (3, 3, 4))
    runs = [told(sweep, run_trials(sweep)) for sweep in (first, second, other)]
    assert runs[0] == runs[1]
    assert runs[0][0] == runs[2][0]
    assert runs[0][1:] != runs[2][1:]


# With pruning each trial calls the model twice, or once where it is given up.
@pytest.mark.parametrize("call", [0, 1, 2, 7, 17, 18])
@pytest.mark.parametrize("prune", [0, 0.25])
def test_a_study_that_was_killed_goes_on_as_if_not(
    new_sweep: NewSweep, tmp_path: Path, call: int, prune: float
) -> None:
    whole = new_sweep(halved, trials=20, prune=prune)
    expected = told(whole, run_trials(whole))
    whole.folder.rename(tmp_path / "whole")

    with pytest.raises(Killed):
        run_trials(new_sweep(dying(call), trials=20, prune=prune))
    again = new_sweep(halved, trials=20, prune=prune)
    assert told(again, run_trials(again)) == expected
    kept = {file.name: file.read_bytes() for file in (tmp_path / "whole").glob("*.npy")}
    assert {file.name: file.read_bytes() for file in again.folder.glob("*.npy")} == kept


@pytest.mark.parametrize("where", ["before", "after"])
def test_killed_beside_the_precisions(
    new_sweep: NewSweep, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    whole = new_sweep()
    expected = told(whole, run_trials(whole))
    whole.folder.rename(whole.folder.with_name("whole"))
    save = journal.save_precision

    def killed(folder: Path, number: int, precision: Any) -> None:
        if number == 5:
            if where == "after":
                save(folder, number, precision)
            raise Killed
        save(folder, number, precision)

    with monkeypatch.context() as patch:
        patch.setattr(journal, "save_precision", killed)
        with pytest.raises(Killed):
            run_trials(new_sweep())
    again = new_sweep()
    assert told(again, run_trials(again)) == expected


def test_more_trials_go_on_and_fewer_are_the_first(new_sweep: NewSweep) -> None:
    calls = []

    def score(settings: Toy, _: float) -> Scores:
        calls.append(settings)
        return first_places(settings.x)

    six = new_sweep(score, trials=6)
    six_told = told(six, run_trials(six))
    nine = new_sweep(score, trials=9)
    nine_told = told(nine, run_trials(nine))
    assert len(calls) == 9
    assert nine_told[:6] == six_told
    fewer = new_sweep(score, trials=6)
    assert told(fewer, run_trials(fewer)) == six_told
    assert len(calls) == 9


def test_other_settings_code_or_data_are_another_study(
    new_sweep: NewSweep, workspace: Path
) -> None:
    folders = {
        new_sweep(**changed).folder
        for changed in (
            {},
            {"seed": 4},
            {"prune": 0.25},
            {"space": {"x": {"low": 0, "high": 0.9}}},
            {"current": Toy(x=0.06, steps=10)},
            {"current": Toy(x=0.05, steps=10, kind=["fancy"])},  # not even searched
        )
    }
    (workspace / "toy.parquet").write_text("other data")
    folders.add(new_sweep().folder)
    assert len(folders) == 7
    assert new_sweep(trials=99, seconds=1).folder in folders
    assert {folder.parent for folder in folders} == {Path("data/tuning/toy")}


def test_time_ends_a_run_but_each_brings_a_trial(
    new_sweep: NewSweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 1000, 10))  # ten seconds pass from look to look
    with monkeypatch.context() as patch:
        patch.setattr(study, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        counts = [
            len(run_trials(new_sweep(trials=5, seconds=seconds)).trials) for seconds in (25, 1, 1)
        ]
    # begun at 0; looked at 10 and 20 (in time) and 30 (over); then one trial a run
    assert counts == [3, 4, 5]
    whole = new_sweep(trials=5)
    assert [trial.number for trial in run_trials(whole).trials] == [0, 1, 2, 3, 4]


def test_bad_trials_are_given_up_with_a_part_of_their_budget(new_sweep: NewSweep) -> None:
    parts: list[float] = []

    def score(settings: Toy, part: float) -> Scores:
        parts.append(part)
        return first_places(settings.x)

    sweep = new_sweep(score, trials=30, prune=0.25)
    result = run_trials(sweep)
    given_up = [trial for trial in result.trials if trial.state == TrialState.PRUNED]
    assert given_up
    complete = [trial for trial in result.trials if trial.state == TrialState.COMPLETE]
    assert parts.count(0.25) == 30
    assert parts.count(1.0) == len(complete) == 30 - len(given_up)
    assert set(result.precision) == {trial.number for trial in complete}
    for trial in given_up:  # worse than the median of five or more before it
        before = [other.intermediate_values[0] for other in complete if other.number < trial.number]
        assert len(before) >= 5
        assert trial.intermediate_values[0] < np.median(before)


def not_finite(settings: Toy, _: float) -> Scores:
    return first_places(settings.x) + np.float32(np.nan if settings.x >= 0.5 else 0)


def refused(settings: Toy, _: float) -> Scores:
    if settings.x >= 0.5:
        raise InputError("it diverges")
    return first_places(settings.x)


@pytest.mark.parametrize(
    ("score", "fault"),
    [
        (not_finite, "train_toy: the model's scores are not finite with x="),
        (refused, "it diverges"),
    ],
)
def test_settings_that_do_not_work_fail_a_trial(
    new_sweep: NewSweep,
    capsys: pytest.CaptureFixture[str],
    score: Callable[[Toy, float], Scores],
    fault: str,
) -> None:
    sweep = new_sweep(score, prune=0.25)
    result = run_trials(sweep)
    failed = {trial.number for trial in result.trials if trial.state == TrialState.FAIL}
    assert failed
    assert failed == {trial.number for trial in result.trials if sweep.params(trial)["x"] >= 0.5}
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(failed)
    for number, line in zip(sorted(failed), lines, strict=True):
        assert line.startswith(f"trial {number} failed: {fault}")
    again = new_sweep(score, prune=0.25)
    assert told(again, run_trials(again)) == told(sweep, result)


@pytest.mark.parametrize("score", [not_finite, refused])
def test_current_settings_that_do_not_work_end_the_study(
    new_sweep: NewSweep, score: Callable[[Toy, float], Scores]
) -> None:
    with pytest.raises(InputError, match=r"it diverges|are not finite with x=0\.6 steps=1 kind="):
        run_trials(new_sweep(score, current=Toy(x=0.6, steps=1)))


def test_an_interrupt_tells_what_is_kept(
    new_sweep: NewSweep, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = iter(range(100))

    def score(settings: Toy, _: float) -> Scores:
        if next(calls) == 4:
            raise KeyboardInterrupt
        return first_places(settings.x)

    with pytest.raises(KeyboardInterrupt):
        run_trials(new_sweep(score))
    assert "4 finished trials are kept; run it again to go on" in capsys.readouterr().err
    assert len(run_trials(new_sweep()).trials) == 12


@pytest.mark.parametrize(("part", "expected"), [(1.0, 10), (0.25, 2), (0.01, 1)])
def test_a_part_of_the_iterations_is_one_at_least(part: float, expected: int) -> None:
    assert study.reduced(Toy(x=0.5, steps=10), "steps", part) == Toy(x=0.5, steps=expected)


def test_outputs_of_an_interrupted_study_are_those_of_a_whole_one(
    new_sweep: NewSweep, workspace: Path
) -> None:
    def outputs() -> dict[str, bytes]:
        return {
            str(file): file.read_bytes()
            for folder in ("metrics", "plots")
            for file in sorted((workspace / folder).rglob("*"))
            if file.is_file()
        }

    sweep = new_sweep(halved, prune=0.25)
    report.write(sweep, run_trials(sweep))
    expected = outputs()
    assert len(expected) == 6
    sweep.folder.rename(workspace / "whole")
    with pytest.raises(Killed):
        run_trials(new_sweep(dying(9), prune=0.25))
    sweep = new_sweep(halved, prune=0.25)
    report.write(sweep, run_trials(sweep))
    assert outputs() == expected

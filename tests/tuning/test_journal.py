"""Studies on disk: what is kept, what is forgotten, and what is another study."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import optuna
import pytest
import yaml
from optuna.distributions import FloatDistribution
from optuna.pruners import NopPruner
from optuna.trial import TrialState

from src.errors import InputError
from src.tuning import journal

SPACE: dict[str, optuna.distributions.BaseDistribution] = {"x": FloatDistribution(0, 1)}


@contextmanager
def opened(folder: Path) -> Iterator[optuna.Study]:
    with journal.opened(folder, NopPruner()) as study:
        yield study


def complete(folder: Path, study: optuna.Study, value: float) -> None:
    trial = study.ask(SPACE)
    journal.save_precision(folder, trial.number, np.array([value]))
    study.tell(trial, value)


def kept(folder: Path) -> list[tuple[int, TrialState, float | None]]:
    with opened(folder) as study:
        return [(trial.number, trial.state, trial.value) for trial in study.trials]


def test_finished_trials_are_kept_and_the_running_one_is_forgotten(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        complete(tmp_path, study, 0.25)
        pruned = study.ask(SPACE)
        pruned.report(0.125, step=0)
        study.tell(pruned, state=TrialState.PRUNED)
        study.tell(study.ask(SPACE), state=TrialState.FAIL)
        before = study.trials
        study.ask(SPACE)
    with opened(tmp_path) as study:
        assert [trial.params for trial in study.trials] == [trial.params for trial in before]
        assert [trial.intermediate_values for trial in study.trials] == [{}, {0: 0.125}, {}]
        assert study.ask(SPACE).number == 3
    assert kept(tmp_path) == [
        (0, TrialState.COMPLETE, 0.25),
        (1, TrialState.PRUNED, 0.125),
        (2, TrialState.FAIL, None),
    ]
    assert journal.load_precision(tmp_path, 0).tolist() == [0.25]


def test_a_trial_without_its_precisions_has_not_ended(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        for value in (0.5, 0.75, 0.25):
            complete(tmp_path, study, value)
    next(tmp_path.glob("*00001.npy")).unlink()
    assert kept(tmp_path) == [(0, TrialState.COMPLETE, 0.5)]


def test_a_line_cut_short_is_forgotten(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        complete(tmp_path, study, 0.5)
    with (tmp_path / "journal.log").open("a") as file:
        file.write('{"op_code": 4, "wor')
    expected = [(0, TrialState.COMPLETE, 0.5)]
    assert kept(tmp_path) == expected
    with opened(tmp_path) as study:
        complete(tmp_path, study, 0.75)
    assert kept(tmp_path) == [*expected, (1, TrialState.COMPLETE, 0.75)]


def test_a_lock_of_a_killed_process_does_not_stop_the_next(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        complete(tmp_path, study, 0.5)
    (tmp_path / "journal.log.lock").symlink_to(tmp_path / "journal.log")
    with opened(tmp_path) as study:
        complete(tmp_path, study, 0.75)  # would wait for half a minute
    assert len(kept(tmp_path)) == 2


@pytest.mark.parametrize("damage", [b"no JSON\n", b'{"op_code": 4', b"\x00\x00\n", b"[]\n"])
def test_trials_before_a_damaged_line_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: bytes
) -> None:
    with opened(tmp_path) as study:
        complete(tmp_path, study, 0.5)
        complete(tmp_path, study, 0.7)
    journal_file = tmp_path / "journal.log"
    lines = journal_file.read_bytes().splitlines(keepends=True)
    third = next(at for at, line in enumerate(lines) if b'"trial_id":1' in line.replace(b" ", b""))
    journal_file.write_bytes(b"".join([*lines[:third], damage, *lines[third:]]))
    with opened(tmp_path) as study:
        values = [trial.value for trial in study.trials]
    assert values[:1] == [0.5]
    assert f"journal.log is damaged in line {third + 1} of" in capsys.readouterr().err


def test_a_journal_without_a_whole_line_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "journal.log").write_text("no JSON\nat all\n")
    with opened(tmp_path) as study:
        assert study.trials == []


def test_a_study_has_one_process_at_a_time(tmp_path: Path) -> None:
    with opened(tmp_path) as study:
        complete(tmp_path, study, 0.5)
        with (
            pytest.raises(InputError, match="another process works on the study"),
            opened(tmp_path),
        ):
            pass
    assert len(kept(tmp_path)) == 1


def test_dependencies_are_those_of_the_stage_without_what_only_shows(workspace: Path) -> None:
    stages = {
        "als": {"deps": ["data/a.parquet", "src/tuning/report.py", "src/models/als.py"]},
        "mlc": {"deps": ["data/b.parquet", "src/tuning/figures.py"]},
    }
    (workspace / "pipelines/tuning").mkdir(parents=True)
    (workspace / "pipelines/tuning/dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    assert journal.dependencies("als") == ["data/a.parquet", "src/models/als.py"]
    assert journal.dependencies("mlc") == ["data/b.parquet"]

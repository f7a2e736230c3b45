"""A study on disk: killed at any moment, it goes on as if nothing had happened.

Each study has a folder of its own, named by a fingerprint of all that its trials depend on. Other
data, code, settings or ranges are another folder, so trials of different studies never mix, and
going back to earlier settings finds their trials again. DVC does not know these folders: it removes
the outputs of a stage before it starts it. They may be deleted at any time.
"""

import fcntl
import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from src.errors import InputError
from src.params import read_yaml
from src.reporting import atomic

FOLDER = "data/tuning"
_PIPELINE = "pipelines/tuning/dvc.yaml"
_SHOWING = ("src/tuning/report.py", "src/tuning/figures.py", "src/drawing.py")


def dependencies(model: str) -> list[str]:
    """Data and code that decide trials, as the stage in pipelines/tuning/dvc.yaml lists them."""
    content = read_yaml(Path(_PIPELINE).read_text(encoding="utf-8"))
    return [file for file in content["stages"][model]["deps"] if file not in _SHOWING]


@contextmanager
def opened(folder: Path, pruner: optuna.pruners.BasePruner) -> Iterator[optuna.Study]:
    """Open the study of a folder, or begin one, with its finished trials and no others.

    A trial that was running when its process died is forgotten: the next one takes its number.

    Raises
    ------
    InputError
        Another process works on the study.
    """
    folder.mkdir(parents=True, exist_ok=True)
    journal = folder / "journal.log"
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however
        except BlockingIOError:
            raise InputError(
                f"another process works on the study in {folder}: wait for it"
            ) from None
        trials = _finished(folder, journal)
        with atomic(journal) as temporary:
            fresh = optuna.create_study(
                study_name="study", direction="maximize", storage=_storage(temporary)
            )
            fresh.add_trials(trials)
        Path(f"{journal}.lock").unlink(missing_ok=True)  # Optuna's, of a process that was killed
        yield optuna.load_study(study_name="study", storage=_storage(journal), pruner=pruner)


def save_precision(folder: Path, number: int, precision: NDArray[np.float64]) -> None:
    """Keep the average precision of each person under one trial; (people,)."""
    with atomic(_precision(folder, number)) as temporary, temporary.open("wb") as file:
        np.save(file, precision)


def load_precision(folder: Path, number: int) -> NDArray[np.float64]:
    """Read what `save_precision` wrote."""
    values: NDArray[np.float64] = np.load(_precision(folder, number), allow_pickle=False)
    return values


def _precision(folder: Path, number: int) -> Path:
    return folder / f"{number:05}.npy"


def _finished(folder: Path, journal: Path) -> list[FrozenTrial]:
    """Trials up to the first that has not ended, or whose precisions are not there."""
    if not journal.exists():
        return []
    _cut_off_damage(journal)
    try:
        trials = optuna.load_study(study_name="study", storage=_storage(journal)).trials
    except (ValueError, KeyError):  # nothing whole is left of it
        return []
    for number, trial in enumerate(trials):
        complete = trial.state == TrialState.COMPLETE
        if not trial.state.is_finished() or (complete and not _precision(folder, number).exists()):
            return trials[:number]
    return trials


def _cut_off_damage(journal: Path) -> None:
    """Keep the lines of a journal before the first that is damaged."""
    lines = journal.read_bytes().splitlines(keepends=True)
    whole = list(itertools.takewhile(_is_whole, lines))
    if len(whole) < len(lines):
        print(
            f"note: {journal} is damaged in line {len(whole) + 1} of {len(lines)}; the trials "
            "before it are kept",
            file=sys.stderr,
        )
        with atomic(journal) as temporary:
            temporary.write_bytes(b"".join(whole))


def _is_whole(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _storage(path: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(path)))

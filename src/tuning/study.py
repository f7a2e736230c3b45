"""A study: many trials of one model in one process, each judged on days before the test.

Optuna does not store the state of its sampler. Every trial therefore gets a sampler of its own,
seeded by the study's seed and the trial's number: what it proposes depends on the trials before it
and on nothing else, so a study that goes on proposes what an uninterrupted one would have.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Protocol

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState
from tqdm import tqdm

from src.errors import InputError
from src.fingerprint import fingerprint
from src.tuning import journal
from src.tuning.space import Settings, Space, Tuning, distributions, rounded, to_params, to_settings


@dataclass(frozen=True)
class Measure:
    """What a trial is worth: its name in tables and in figures, and over whom it is a mean."""

    name: str
    label: str
    people: str


class Objective(Protocol):
    """How trials are judged.

    Attributes
    ----------
    measure : Measure
    decides : dict
        What values depend on besides the deps of the stage and the settings of the model.
    facts : dict
        What trials are judged on, for the metrics.
    title : str
        The same, in words.
    """

    @property
    def measure(self) -> Measure: ...  # noqa: D102

    @property
    def decides(self) -> dict[str, object]: ...  # noqa: D102

    @property
    def facts(self) -> dict[str, object]: ...  # noqa: D102

    @property
    def title(self) -> str: ...  # noqa: D102

    def __call__(self, scores: NDArray[Any], /) -> NDArray[np.float64]:
        """Average precision of each person; their mean is the value of the trial."""


@dataclass(frozen=True)
class Sweep(Generic[Settings]):
    """What is searched, where it begins, and how a trial is judged.

    Attributes
    ----------
    model : str
        Name of the study, its stage and its section in pipelines/tuning/params.yaml.
    section : str
        Section of `params_file` that holds the model's settings.
    tuning : Tuning
    current : Section
        The model's settings in `params_file`: the first trial has them.
    objective : Objective
    score : callable
        Takes settings and a part of the budget, 1.0 for all of it; gives what the objective judges.
        InputError if the model cannot be fitted so.
    params_file : str
    """

    model: str
    section: str
    tuning: Tuning
    current: Settings
    objective: Objective
    score: Callable[[Settings, float], NDArray[Any]]
    params_file: str = "params.yaml"

    @cached_property
    def space(self) -> Space:
        """Distributions by parameter; InputError if params.yaml does not allow them."""
        return distributions(self.model, self.section, self.tuning, self.current)

    @cached_property
    def folder(self) -> Path:
        """Where the study lives: named by its settings, data and code, not by its size."""
        decides = {
            "current": self.current.model_dump(),
            "tuning": self.tuning.model_dump(exclude={"trials", "seconds"}),
            "objective": self.objective.decides,
        }
        name = fingerprint(decides, journal.dependencies(self.model))
        return Path(journal.FOLDER) / self.model / name

    def params(self, trial: FrozenTrial | optuna.Trial) -> dict[str, Any]:
        """Parameters of a trial: sampled numbers have three digits, current ones all."""
        return rounded(trial.params, self.space) if trial.number else dict(trial.params)


@dataclass(frozen=True)
class StudyResult:
    """The trials of a study so far; of complete ones the average precision of each person."""

    trials: list[FrozenTrial]
    precision: dict[int, NDArray[np.float64]]


def reduced(settings: Settings, name: str, part: float) -> Settings:
    """Settings with a part of their iterations or epochs, at least one."""
    return settings.model_copy(update={name: max(1, round(getattr(settings, name) * part))})


def run_trials(sweep: Sweep[Settings]) -> StudyResult:
    """Run a study, or go on with it, until its trials are done or its seconds are over.

    Raises
    ------
    InputError
        The search space does not fit the model, another process works on the study, or the
        model cannot be fitted with its current settings. (With others, a trial fails.)
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    wanted = sweep.tuning.trials
    with journal.opened(sweep.folder, MedianPruner(n_startup_trials=5)) as study:
        first = len(study.trials)
        begun = time.monotonic()
        with tqdm(
            total=wanted, initial=min(first, wanted), desc=sweep.model, unit="trial", disable=None
        ) as bar:
            for number in range(first, wanted):
                if number > first and time.monotonic() - begun > sweep.tuning.seconds:
                    break
                try:
                    _run_trial(sweep, study, number)
                except KeyboardInterrupt:
                    print(
                        f"\n{number} finished trials are kept; run it again to go on",
                        file=sys.stderr,
                    )
                    raise
                bar.update()
                bar.set_postfix(best=f"{study.best_value:.4f}")
        trials = study.trials[:wanted]
    complete = [trial.number for trial in trials if trial.state == TrialState.COMPLETE]
    precision = {number: journal.load_precision(sweep.folder, number) for number in complete}
    return StudyResult(trials, precision)


def _run_trial(sweep: Sweep[Settings], study: optuna.Study, number: int) -> None:
    seed = np.random.SeedSequence([sweep.tuning.seed, number]).generate_state(1)
    study.sampler = TPESampler(seed=int(seed[0]))
    if not number:
        study.enqueue_trial(to_params(sweep.current, sweep.space))
    trial = study.ask(dict(sweep.space))
    settings = to_settings(sweep.params(trial), sweep.space, sweep.current)
    try:
        if sweep.tuning.prune:
            trial.report(_precision(sweep, settings, sweep.tuning.prune).mean(), step=0)
            if trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                return
        precision = _precision(sweep, settings, 1.0)
    except InputError as fault:
        if not number:
            raise
        tqdm.write(f"trial {number} failed: {fault}", file=sys.stderr)
        study.tell(trial, state=TrialState.FAIL)
        return
    journal.save_precision(sweep.folder, number, precision)
    study.tell(trial, precision.mean())


def _precision(sweep: Sweep[Settings], settings: Settings, part: float) -> NDArray[np.float64]:
    scores = sweep.score(settings, part)
    if not np.isfinite(scores).all():
        raise InputError(f"{sweep.section}: the model's scores are not finite with {settings}")
    return sweep.objective(scores)

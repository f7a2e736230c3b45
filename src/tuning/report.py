"""What a study found: tables, figures, and a summary that does not boast."""

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from numpy.typing import NDArray
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState

from src.drawing import save
from src.reporting import write_csv, write_json
from src.tuning import figures
from src.tuning.space import PARAMS, Settings, at_edge
from src.tuning.study import StudyResult, Sweep

METRICS = "metrics/tuning"
PLOTS = "plots/tuning"
_RESAMPLES = 500


def write(sweep: Sweep[Settings], result: StudyResult) -> None:
    """Write metrics, tables and figures of a study, and print the best trials."""
    trials = trials_table(sweep, result)
    weights = importances(result.trials, sweep.tuning.seed)
    summary = summarise(sweep, result, trials) | {"importances": weights}
    folder = Path(PLOTS) / sweep.model
    write_json(f"{METRICS}/{sweep.model}.json", summary)
    write_csv(folder / "trials.csv", trials)
    model, measure, space = sweep.model, sweep.objective.measure, sweep.space
    save(folder / "history.png", figures.history(model, measure, trials))
    save(folder / "importances.png", figures.importances(model, weights))
    save(folder / "parallel.png", figures.parallel(model, measure, trials, space))
    save(folder / "slices.png", figures.slices(model, measure, trials, space))
    print(describe(sweep, trials, summary))


def trials_table(sweep: Sweep[Settings], result: StudyResult) -> pd.DataFrame:
    """One row per trial, in their order.

    Returns
    -------
    DataFrame
        trial (0 has the current settings), state, parameters; with_part, the value with a part of
        the budget if trials are given up; the value; its difference to trial 0 on the same
        people with two standard errors; the best so far, last, so that DVC plots it.
    """
    value = sweep.objective.measure.name
    rows = []
    best = 0.0
    for trial in result.trials:
        row: dict[str, Any] = {"trial": trial.number, "state": trial.state.name.lower()}
        row[value] = trial.value if trial.state == TrialState.COMPLETE else None
        row["with_part"] = trial.intermediate_values.get(0)
        best = max(best, row[value] or 0.0)
        row["best"] = best
        if trial.number in result.precision:
            difference = result.precision[trial.number] - result.precision[0]
            row["difference"] = difference.mean()
            row["error"] = 2 * difference.std() / np.sqrt(len(difference))
        rows.append(row | sweep.params(trial))
    columns = ["trial", "state", *sweep.space, "with_part", value, "difference", "error", "best"]
    return pd.DataFrame(rows, columns=columns)


def gain_on_others(precision: NDArray[np.float64], seed: int) -> float:
    """Gain of the best trial over the first, without the luck of having been chosen.

    On each resample of the people the best trial is chosen anew, and judged on the people who
    were not drawn (Tsamardinos, Greasidou and Borboudakis 2018, BBC-CV).

    Parameters
    ----------
    precision : float array, shape (trials, people)
    seed : int
    """
    generator = np.random.default_rng(seed)
    people = precision.shape[1]
    gains = []
    for _ in range(_RESAMPLES):
        drawn = np.bincount(generator.integers(0, people, size=people), minlength=people)
        others = drawn == 0
        if others.any():
            chosen = int(np.argmax(precision @ drawn))
            gains.append((precision[chosen, others] - precision[0, others]).mean())
    return float(np.mean(gains)) if gains else 0.0


def importances(trials: list[FrozenTrial], seed: int) -> dict[str, float]:
    """Share of the variance between trials that each parameter explains.

    fANOVA (Hutter, Hoos and Leyton-Brown 2014). A trial that was given up counts with what it had
    reached: without the bad ones there would be little to explain.

    Returns
    -------
    dict of parameter -> share
        Descending; zeros if there is no variance.
    """
    finished = [
        optuna.trial.create_trial(
            value=trial.value, params=trial.params, distributions=trial.distributions
        )
        for trial in trials
        if trial.value is not None
    ]
    shares = dict.fromkeys(trials[0].params, 0.0)
    if len({trial.value for trial in finished}) > 1:
        study = optuna.create_study(direction="maximize")
        study.add_trials(finished)
        evaluator = FanovaImportanceEvaluator(seed=seed)
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return dict(sorted(shares.items(), key=lambda share: (-share[1], share[0])))


def summarise(sweep: Sweep[Settings], result: StudyResult, trials: pd.DataFrame) -> dict[str, Any]:
    """The best trial beside the current settings, and what is left of its gain on others."""
    value = sweep.objective.measure.name
    number = int(np.nanargmax(trials[value]))
    best = trials.iloc[number]
    precision = np.stack(list(result.precision.values()))
    return {
        "section": sweep.section,
        **sweep.objective.facts,
        "trials": len(trials),
        "planned": sweep.tuning.trials,
        "pruned": int((trials["state"] == "pruned").sum()),
        "failed": int((trials["state"] == "fail").sum()),
        "current": trials.loc[0, value],
        value: best[value],
        "gain": best["difference"],
        "gain_error": best["error"],
        "gain_on_others": gain_on_others(precision, sweep.tuning.seed),
        "best": {"trial": number} | sweep.params(result.trials[number]),
    }


def describe(sweep: Sweep[Settings], trials: pd.DataFrame, summary: dict[str, Any]) -> str:
    """The current settings and the five best trials as Markdown, and what to make of them."""
    names = list(sweep.space)
    done, planned, model = summary["trials"], summary["planned"], sweep.model
    measure = sweep.objective.measure
    complete = trials.dropna(subset=measure.name)
    top = complete.sort_values([measure.name, "trial"], ascending=[False, True])
    lines = [
        f"{model}: {done} of {planned} trials, {summary['pruned']} given up early, "
        f"{summary['failed']} failed; judged on the {sweep.objective.title}",
        "",
        f"| trial | {measure.label} | difference, ± 2 s.e. | {' | '.join(names)} |",
        "| --- | --: | --: |" + " --: |" * len(names),
    ]
    for row in [trials.iloc[0], *(row for _, row in top[top["trial"] > 0].head(5).iterrows())]:
        name = row["trial"] or "current"
        difference = f"{row['difference']:+.4f} ± {row['error']:.4f}" if row["trial"] else ""
        cells = [
            f"{row[name]:.6g}" if isinstance(row[name], float) else str(row[name]) for name in names
        ]
        lines.append(f"| {name} | {row[measure.name]:.4f} | {difference} | {' | '.join(cells)} |")
    lines.append("")
    if summary["best"]["trial"]:
        lines.append(
            f"The best gains {summary['gain']:+.4f} on the {measure.people} it was chosen on; on "
            f"others {summary['gain_on_others']:+.4f} is to be expected."
        )
        lines += [
            f"{name} = {summary['best'][name]:g} lies at the edge of its range: widen "
            f"{model}.space.{name} in {PARAMS}."
            for name in names
            if at_edge(name, summary["best"][name], sweep.space, sweep.current)
        ]
        lines.append(_taken(sweep, summary["best"]))
    else:
        lines.append("No trial beats the current settings.")
    if done < planned:
        lines.append(
            f"The time was over after {done} of {planned} trials. To go on: dvc repro --force "
            f"--single-item pipelines/tuning/dvc.yaml:{model}"
        )
    return "\n".join(lines)


def _taken(sweep: Sweep[Settings], best: dict[str, Any]) -> str:
    """How the best trial gets into the pipeline."""
    if sweep.params_file == "params.yaml":
        return f"Make an experiment of it: python -m src.tuning.promote {sweep.model}"
    values = ", ".join(f"{name}: {value}" for name, value in best.items() if name != "trial")
    pipeline = Path(sweep.params_file).with_name("dvc.yaml")
    return (
        f"Take it: write {values} into {sweep.section} of {sweep.params_file}, then dvc repro "
        f"{pipeline}"
    )

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
VALUE = "map@7_adders"
_RESAMPLES = 500


def write(sweep: Sweep[Settings], result: StudyResult) -> None:
    """Write metrics, tables and figures of a study, and print the best trials."""
    trials = trials_table(sweep, result)
    weights = importances(result.trials, sweep.tuning.seed)
    summary = summarise(sweep, result, trials) | {"importances": weights}
    folder = Path(PLOTS) / sweep.model
    write_json(f"{METRICS}/{sweep.model}.json", summary)
    write_csv(folder / "trials.csv", trials)
    save(folder / "history.png", figures.history(sweep.model, trials))
    save(folder / "importances.png", figures.importances(sweep.model, weights))
    save(folder / "parallel.png", figures.parallel(sweep.model, trials, sweep.space))
    save(folder / "slices.png", figures.slices(sweep.model, trials, sweep.space))
    print(describe(sweep, trials, summary))


def trials_table(sweep: Sweep[Settings], result: StudyResult) -> pd.DataFrame:
    """One row per trial, in their order.

    Returns
    -------
    DataFrame
        trial (0 has the current settings), state, parameters; with_part, the value with a part of
        the budget if trials are given up; the value; its difference to trial 0 on the same
        adders with two standard errors; the best so far, last, so that DVC plots it.
    """
    rows = []
    best = 0.0
    for trial in result.trials:
        row: dict[str, Any] = {"trial": trial.number, "state": trial.state.name.lower()}
        row[VALUE] = trial.value if trial.state == TrialState.COMPLETE else None
        row["with_part"] = trial.intermediate_values.get(0)
        best = max(best, row[VALUE] or 0.0)
        row["best"] = best
        if trial.number in result.precision:
            difference = result.precision[trial.number] - result.precision[0]
            row["difference"] = difference.mean()
            row["error"] = 2 * difference.std() / np.sqrt(len(difference))
        rows.append(row | sweep.params(trial))
    columns = ["trial", "state", *sweep.space, "with_part", VALUE, "difference", "error", "best"]
    return pd.DataFrame(rows, columns=columns)


def gain_on_others(precision: NDArray[np.float64], seed: int) -> float:
    """Gain of the best trial over the first, without the luck of having been chosen.

    On each resample of the adders the best trial is chosen anew, and judged on the adders that
    were not drawn (Tsamardinos, Greasidou and Borboudakis 2018, BBC-CV).

    Parameters
    ----------
    precision : float array, shape (trials, adders)
    seed : int
    """
    generator = np.random.default_rng(seed)
    adders = precision.shape[1]
    gains = []
    for _ in range(_RESAMPLES):
        drawn = np.bincount(generator.integers(0, adders, size=adders), minlength=adders)
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
    number = int(np.nanargmax(trials[VALUE]))
    best = trials.iloc[number]
    precision = np.stack(list(result.precision.values()))
    return {
        "section": sweep.section,
        "month": sweep.objective.month,
        "adders": len(sweep.objective.customers),
        "trials": len(trials),
        "planned": sweep.tuning.trials,
        "pruned": int((trials["state"] == "pruned").sum()),
        "failed": int((trials["state"] == "fail").sum()),
        "current": trials.loc[0, VALUE],
        VALUE: best[VALUE],
        "gain": best["difference"],
        "gain_error": best["error"],
        "gain_on_others": gain_on_others(precision, sweep.tuning.seed),
        "best": {"trial": number} | sweep.params(result.trials[number]),
    }


def describe(sweep: Sweep[Settings], trials: pd.DataFrame, summary: dict[str, Any]) -> str:
    """The current settings and the five best trials as Markdown, and what to make of them."""
    names = list(sweep.space)
    done, planned, model = summary["trials"], summary["planned"], sweep.model
    top = trials.dropna(subset=VALUE).sort_values([VALUE, "trial"], ascending=[False, True])
    lines = [
        f"{model}: {done} of {planned} trials, {summary['pruned']} given up early, "
        f"{summary['failed']} failed; judged on the {summary['adders']:,} adders of "
        f"{summary['month']}",
        "",
        f"| trial | MAP@7 among adders | difference, ± 2 s.e. | {' | '.join(names)} |",
        "| --- | --: | --: |" + " --: |" * len(names),
    ]
    for row in [trials.iloc[0], *(row for _, row in top[top["trial"] > 0].head(5).iterrows())]:
        name = row["trial"] or "current"
        difference = f"{row['difference']:+.4f} ± {row['error']:.4f}" if row["trial"] else ""
        cells = [
            f"{row[name]:.6g}" if isinstance(row[name], float) else str(row[name]) for name in names
        ]
        lines.append(f"| {name} | {row[VALUE]:.4f} | {difference} | {' | '.join(cells)} |")
    lines.append("")
    if summary["best"]["trial"]:
        lines.append(
            f"The best gains {summary['gain']:+.4f} on the adders it was chosen on; on others "
            f"{summary['gain_on_others']:+.4f} is to be expected."
        )
        lines += [
            f"{name} = {summary['best'][name]:g} lies at the edge of its range: widen "
            f"{model}.space.{name} in {PARAMS}."
            for name in names
            if at_edge(name, summary["best"][name], sweep.space, sweep.current)
        ]
        lines.append(f"Make an experiment of it: python -m src.tuning.promote {model}")
    else:
        lines.append("No trial beats the current settings.")
    if done < planned:
        lines.append(
            f"The time was over after {done} of {planned} trials. To go on: dvc repro --force "
            f"--single-item pipelines/tuning/dvc.yaml:{model}"
        )
    return "\n".join(lines)

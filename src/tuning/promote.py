"""The best trials of a study as DVC experiments: `python -m src.tuning.promote als --top 3`.

A trial is judged on the last blend month and knows one model. The experiment runs the pipeline with
its settings, so that `dvc exp show`, `dvc metrics diff` and `dvc plots diff` compare them. They run
in a folder of DVC's own, one after the other; the workspace stays as it is. There the payments
pipeline, whose outputs no cache keeps, would have to begin anew: its studies are not promoted.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd

from src.errors import InputError, run
from src.params import read_yaml
from src.tuning.report import METRICS, PLOTS

PIPELINE = "pipelines/tuning/dvc.yaml"  # a stage per study
_OWN = ("metrics/tuning/", "plots/tuning/", "pipelines/tuning/dvc.lock")


def studies() -> list[str]:
    """Names of the studies whose settings are in params.yaml.

    Raises
    ------
    InputError
        Their pipeline is missing.
    """
    try:
        text = Path(PIPELINE).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{PIPELINE} is missing: run from the root of the repository") from None
    stages = read_yaml(text)["stages"].items()
    return [name for name, stage in stages if any(isinstance(one, str) for one in stage["params"])]


def best_trials(model: str, top: int) -> list[dict[str, str]]:
    """Parameters of the best trials of a study, the best first, none twice.

    Returns
    -------
    list of dict
        ``train_als.factors`` -> value as the command line takes it. Fewer than `top` if the
        study has no more; the current settings are not among them.

    Raises
    ------
    InputError
        The study has not been run, or only the first trial is complete.
    """
    metrics, table = Path(METRICS) / f"{model}.json", Path(PLOTS) / model / "trials.csv"
    if not (metrics.exists() and table.exists()):
        raise InputError(f"{metrics} or {table} is missing: run 'dvc repro {PIPELINE}:{model}'")
    section = json.loads(metrics.read_text(encoding="utf-8"))["section"]
    trials = pd.read_csv(table, dtype=str)
    columns = list(trials.columns)
    names = columns[columns.index("state") + 1 : columns.index("with_part")]
    value = trials[columns[columns.index("with_part") + 1]].astype(float)
    order = value.drop(index=0).dropna().sort_values(ascending=False, kind="stable").index
    best = trials.loc[order, names].drop_duplicates().head(top)
    if best.empty:
        raise InputError(f"the study of {model} has no complete trial besides the current settings")
    return [{f"{section}.{name}": str(row[name]) for name in names} for _, row in best.iterrows()]


def main() -> None:
    """Queue or run experiments, or apply one, as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m src.tuning.promote", description=__doc__)
    parser.add_argument("model", choices=studies())
    parser.add_argument("--top", type=int, default=1, help="how many of the best trials (1)")
    parser.add_argument("--queue", action="store_true", help="queue them: run by 'dvc queue start'")
    parser.add_argument("--force", action="store_true", help="replace experiments of these names")
    parser.add_argument(
        "--apply",
        type=int,
        metavar="RANK",
        help="take one experiment's settings and results into the workspace, run before or now",
    )
    options = parser.parse_args()
    if options.apply is not None:
        _apply(options.model, options.apply, force=options.force)
    else:
        _promote(options.model, options.top, queue=options.queue, force=options.force)


def _promote(model: str, top: int, *, queue: bool, force: bool) -> None:
    if top < 1:
        raise InputError(f"--top is {top}, but must be at least 1")
    trials = best_trials(model, top)
    if len(trials) < top:
        print(f"the study of {model} offers only {len(trials)} of the {top} that --top asks for")
    names = [f"tuned-{model}-{rank}" for rank in range(1, len(trials) + 1)]
    taken = sorted(set(names) & set(_experiments()))
    if taken and not force:
        raise InputError(f"experiment {', '.join(taken)} exists: --force replaces it")
    if taken:
        _dvc("exp", "remove", *taken)
    for name, settings in zip(names, trials, strict=True):
        _run(name, settings, "--queue" if queue else "--temp")
    if queue:
        print(f"queued {', '.join(names)}; run them: dvc queue start")
        return
    print(
        f"\nCompare: dvc exp show --only-changed · dvc metrics diff HEAD {names[0]} · "
        f"dvc plots diff HEAD {names[0]}\n"
        f"Take one: python -m src.tuning.promote {model} --apply 1\n"
        "The study chose them on a month that it knew. The test month shows what they are worth; "
        "whoever chooses by it has no month left to judge by."
    )


def _apply(model: str, rank: int, *, force: bool) -> None:
    status = _output("git", "status", "--porcelain", "--untracked-files=no")
    changed = [line[3:] for line in status.splitlines() if not line[3:].startswith(_OWN)]
    if changed and not force:
        raise InputError(
            f"uncommitted changes in {', '.join(changed[:3])}: an experiment would replace them; "
            "commit or stash them, or give --force"
        )
    trials = best_trials(model, max(rank, 1))
    if not 1 <= rank <= len(trials):
        raise InputError(f"--apply is {rank}, but the study of {model} offers 1 to {len(trials)}")
    name, settings = f"tuned-{model}-{rank}", trials[rank - 1]
    reference = _experiments().get(name)
    if reference and not _has(reference, settings):
        if not force:
            raise InputError(f"experiment {name} has other settings: --force replaces it")
        _dvc("exp", "remove", name)
        reference = None
    if not reference:
        _run(name, settings, "--temp")
    _dvc("exp", "apply", name)


def _has(reference: str, settings: dict[str, str]) -> bool:
    """Whether an experiment has these settings."""
    content = read_yaml(_output("git", "show", f"{reference}:params.yaml"))
    found = {}
    for key in settings:
        section, _, name = key.partition(".")
        found[key] = content[section][name]
    return found == {key: read_yaml(value) for key, value in settings.items()}


def _experiments() -> dict[str, str]:
    """Experiments of the current commit: name -> git reference."""
    head = _output("git", "rev-parse", "HEAD").strip()
    folder = f"refs/exps/{head[:2]}/{head[2:]}"
    references = _output("git", "for-each-ref", "--format=%(refname)", folder).split()
    return {reference.rpartition("/")[2]: reference for reference in references}


def _run(name: str, settings: dict[str, str], where: str) -> None:
    values = [option for key, value in settings.items() for option in ("-S", f"{key}={value}")]
    # DVC does not take raw data along that neither git nor DVC knows: ingest is up to date anyway
    _dvc("exp", "run", where, "--allow-missing", "--name", name, *values)


def _dvc(*arguments: str) -> None:
    print("$ dvc", *arguments, flush=True)
    if subprocess.run([sys.executable, "-m", "dvc", *arguments]).returncode:  # noqa: S603
        raise InputError(f"'dvc {arguments[0]} {arguments[1]}' failed, see above")


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise InputError(f"'{' '.join(command)}' failed: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    run(main)

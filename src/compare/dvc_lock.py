"""Do the locks of a commit fit its code? What `dvc repro` would run there, and why."""

import re
import subprocess
import sys
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dvc.repo import Repo

from src.errors import InputError
from src.params import read_yaml

_DRY_RUN = ("repro", "--dry", "--allow-missing", "--keep-going")
_PIPELINES = ("dvc.yaml", "pipelines/payments/dvc.yaml")
_IN_GIT = ("metrics/", "plots/")
_MOST = 3  # causes named per stage


def stale_stages(commit: str) -> dict[str, str]:
    """Find the stages that `dvc repro` would run in a fresh clone of a commit.

    The clone has no data, so ``dvc repro --dry --allow-missing`` goes by the hashes in dvc.lock.
    If it finds a stage stale, DVC 3 fails on the missing data instead of naming its cause, so
    `dvc status` is asked for it. Stages that are only downstream of a stale one are not listed.

    Parameters
    ----------
    commit : str
        Of the repository in the working folder.

    Returns
    -------
    dict of stage -> cause
        Empty when the locks, metrics and plots are those of the code. Stages of payments are named
        with their file; a commit without a lock of theirs has none.

    Raises
    ------
    InputError
        DVC cannot read the pipeline at all.
    """
    with TemporaryDirectory(prefix="nextbest-") as folder:
        for command in (
            ["clone", "--quiet", "--shared", "--no-checkout", ".", folder],
            ["-C", folder, "checkout", "--quiet", "--detach", commit],
        ):
            subprocess.run(["git", *command], check=True)  # noqa: S603, S607
        first, payments = _PIPELINES
        has_run = Path(folder, payments).with_name("dvc.lock").exists()
        targets = [first, payments] if has_run else [first]
        run = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "dvc", *_DRY_RUN, *targets],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        planned = re.findall(r"^(?:Stage|Running stage) '(.+?)'", run.stdout, re.MULTILINE)
        failed = re.search(r"^ERROR: failed to reproduce (.+)", run.stderr, re.MULTILINE)
        stale = re.findall(r"^Running stage '(.+?)'", run.stdout, re.MULTILINE)
        stale += re.findall(r"'(.+?)'", failed[1]) if failed else []
        if run.returncode and not stale:
            cause = " ".join(run.stderr.split()).removeprefix("ERROR: ")
            raise InputError(f"DVC cannot plan the pipeline of {commit[:7]}: {cause}")
        with chdir(folder), Repo() as repository:  # stage names depend on the working folder
            status: dict[str, Any] = repository.status()
        for stage in planned:  # a dry run does not miss what git should have
            lost = _lost(status.get(stage, []))
            stale += [stage] if lost and stage not in stale else []
        return {stage: _cause(stage, status.get(stage, []), Path(folder)) for stage in stale}


def complaint(stale: dict[str, str]) -> str:
    """Put stale stages and their causes into a sentence; empty if there are none."""
    if not stale:
        return ""
    by_cause: dict[str, list[str]] = {}
    for stage, cause in stale.items():
        by_cause.setdefault(cause, []).append(stage)
    parts = [
        (f"stage {stages[0]} is" if len(stages) == 1 else f"stages {_listed(stages)} are")
        + f" stale ({cause})"
        for cause, stages in by_cause.items()
    ]
    of_payments = any(stage.startswith(_PIPELINES[1]) for stage in stale)
    payments = f", 'dvc repro {_PIPELINES[1]}'" if of_payments else ""
    return (
        f"dvc.lock does not fit the code: {'; '.join(parts)}. Run 'dvc repro'{payments} and commit "
        "dvc.lock, metrics and plots."
    )


def _changes(status: list[Any]) -> set[tuple[str, str, str]]:
    """("deps" or "outs", path or parameter, state) of what `dvc status` says about a stage."""
    found = set()
    for change in status:
        for kind, paths in change.items() if isinstance(change, dict) else ():
            for path, state in paths.items():
                if isinstance(state, dict):
                    found |= {("deps", f"{key} in {path}", "modified") for key in state}
                else:
                    found.add((kind.removeprefix("changed "), path, state))
    return found


def _lost(status: list[Any]) -> list[str]:
    """Outputs that git should have and has not; data and models need not be there."""
    return sorted(
        path
        for kind, path, state in _changes(status)
        if (kind, state) == ("outs", "deleted") and path.startswith(_IN_GIT)
    )


def _cause(stage: str, status: list[Any], folder: Path) -> str:
    file, _, name = stage.rpartition(":")
    lock = (folder / file).with_name("dvc.lock") if file else folder / "dvc.lock"
    if not lock.exists() or name not in read_yaml(lock.read_text(encoding="utf-8"))["stages"]:
        return "it has never run"
    changed, rewritten = (
        sorted(path for kind, path, state in _changes(status) if (kind, state) == wanted)
        for wanted in (("deps", "modified"), ("outs", "modified"))
    )
    lost = _lost(status)
    causes = [f"{_listed(changed)} changed"] if changed else []
    causes += ["its command changed"] if "changed command" in status else []
    causes += [f"{_listed(rewritten)} is not what it wrote"] if rewritten else []
    causes += [f"{_listed(lost)} is not committed"] if lost else []
    return ", ".join(causes) or "it has not read what the stages before it wrote last"


def _listed(names: list[str]) -> str:
    if len(names) > _MOST:
        names = [*names[:_MOST], f"{len(names) - _MOST} more"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

"""A finished revision: its dvc.lock fits, and its results and models are at hand."""

from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc.scm import resolve_rev

from src.compare.dvc_lock import complaint, stale_stages
from src.compare.git import git
from src.compare.revisions import WORKSPACE, raw_files_sentence, read
from src.errors import InputError
from src.params import read_yaml
from src.products import paths
from src.products.schema import Schema
from src.products.scoring import model_files
from src.products.windows import Windows

PAYMENTS_LOCK = "pipelines/payments/dvc.lock"
REPORTS = [paths.QUALITY, paths.REPAIRS, paths.METRICS]


def serving() -> dict[str, str]:
    """Files of the served models, by model."""
    return {name: f"{paths.SERVING}/{file}" for name, file in model_files().items()}


@dataclass(frozen=True)
class Finished:
    """A revision whose dvc.lock fits its code, parameters and results.

    Attributes
    ----------
    commit : str
        Full hash.
    lock : bytes
        Its dvc.lock.
    stages : dict
        The stages in it: deps, params, outs.
    files : dict of path -> content
        Metrics, plots, served models, and what these need to be loaded.
    payments : dict
        The stages of the payments pipeline, if it has run; of theirs only metrics and plots are
        among the files, because their models are in no cache.
    """

    commit: str
    lock: bytes
    stages: dict[str, Any]
    files: dict[str, bytes]
    payments: dict[str, Any]

    @classmethod
    def read(cls, revision: str) -> "Finished":
        """Read a commit, branch, tag or DVC experiment out of git and DVC.

        Raises
        ------
        InputError
            There is none; it is not finished, as dvc.lock is missing or belongs to other code,
            parameters or results than those beside it; or its models cannot be obtained.
        """
        if revision == WORKSPACE:
            raise InputError("the workspace is no revision: commit it, or name an experiment")
        (lock,) = read(revision, "dvc.lock")
        with Repo() as repository:
            commit = resolve_rev(repository.scm, revision)
        if warning := raw_files_sentence(commit):
            raise InputError(warning)
        if sentence := complaint(stale_stages(commit)):
            raise InputError(f"'{revision}' is not finished: {sentence}")
        stages = read_yaml(lock)["stages"]
        plots = [path for path in written(stages) if path.startswith("plots/")]
        served = [*serving().values(), *code(stages), paths.WINDOWS, "requirements.txt"]
        payments_lock = git("show", f"{commit}:{PAYMENTS_LOCK}")
        payments = read_yaml(payments_lock)["stages"] if payments_lock else {}
        shown = [path for path in written(payments) if path.startswith(("metrics/", "plots/"))]
        names = [*REPORTS, *plots, *served, *shown]
        files = dict(zip(names, read(commit, *names), strict=True))
        return cls(commit, lock, stages, files, payments)

    @property
    def schema(self) -> Schema:
        """Columns of the bank."""
        return Schema.model_validate(self.stages["ingest"]["params"]["params.yaml"]["schema"])

    @property
    def windows(self) -> Windows:
        """Months of the data."""
        return Windows.read(self.files[paths.WINDOWS])

    @property
    def tags(self) -> dict[str, str]:
        """What the results are based on: the commit, its dvc.lock, the raw data."""
        return {
            "git_revision": self.commit,
            "dvc_lock_md5": md5(self.lock).hexdigest(),  # noqa: S324
            "data_md5": raw_md5(self.stages),
        }

    def write(self, names: list[str], folder: Path) -> None:
        """Write some of the files into a folder, each at its own path."""
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(self.files[name])


def raw_md5(stages: dict[str, Any]) -> str:
    """Hash of the raw data that ingest read."""
    (data,) = (dep["md5"] for dep in stages["ingest"]["deps"] if not dep["path"].endswith(".py"))
    return str(data)


def written(stages: dict[str, Any], *names: str) -> list[str]:
    """Paths that some stages of a dvc.lock write, or all."""
    return sorted(out["path"] for name in names or stages for out in stages[name]["outs"])


def code(stages: dict[str, Any]) -> list[str]:
    """Modules that a served model needs: recommend has fitted and scored with the same."""
    deps = (dep["path"] for dep in stages["recommend"]["deps"])
    return [path for path in deps if path.endswith(".py")]

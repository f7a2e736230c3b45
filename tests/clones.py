"""Clones of the working tree and the commands that run in them, as on somebody's machine."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest
import yaml

from src.products import paths

ROOT = Path(__file__).parent.parent
LONGEST = 1200  # seconds; only a hung command takes as long
STAGES = [
    "ingest", "clean", "split", "eda", "train_als", "train_kmeans", "train_mlc",
    "train_propensity", "blend", "evaluate", "recommend",
]  # fmt: skip
SMALL = {
    "train_als": {"factors": 4, "iterations": 3, "regularization": 0.01, "alpha": 10},
    "train_kmeans": {"clusters": 5, "epochs": 2, "rows": 2000},
    "train_mlc": {"rows": 1000, "iterations": 5, "depth": 3},
    "train_propensity": {"others": 2000, "bags": 1, "iterations": 5, "depth": 3},
    "blend": {"models": ["als", "kmeans", "mlc"], "iterations": 5, "depth": 3},
    "evaluate": {"resamples": 200},
}


@dataclass(frozen=True)
class Clone:
    """A checkout of its own and the environment that its commands run in."""

    folder: Path
    environment: dict[str, str]

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def run(self, *command: str) -> str:
        """Output of a command that succeeds."""
        return finish(self.start(*command))

    def fail(self, *command: str) -> str:
        """Output of a command that must not succeed."""
        return finish(self.start(*command), succeeds=False)

    def kill_when(self, happened: Callable[[], bool], *command: str) -> None:
        """Start a command, and kill all of its processes as soon as something has happened."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            while not happened():
                if process.poll() is not None:
                    finish(process)
                    pytest.fail(f"{command!r} ended before it could be killed")
                time.sleep(0.002)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=LONGEST)

    def metrics(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.read(paths.METRICS))
        return content

    def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    def digests(self, *folders: str) -> dict[str, str]:
        """MD5 of every file in some folders, temporary ones included."""
        return {
            str(file.relative_to(self.folder)): md5(file.read_bytes()).hexdigest()  # noqa: S324
            for folder in folders
            for file in sorted((self.folder / folder).rglob("*"))
            if file.is_file()
        }

    def change(self, params: dict[str, Any], file: str = "params.yaml") -> None:
        """Change some keys of some sections of a params file."""
        path = self.folder / file
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for section, values in params.items():
            content[section] |= values
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)


def finish(process: subprocess.Popen[str], *, succeeds: bool = True) -> str:
    output, _ = process.communicate(timeout=LONGEST)
    if (process.returncode == 0) != succeeds:
        pytest.fail(f"{process.args!r} ended with {process.returncode}:\n{output}", pytrace=False)
    return output


def interruptible() -> None:
    """Let a command that is about to start be interrupted: `preexec_fn` of a process.

    A shell that starts the tests in the background has them ignore interrupts, and so do the
    commands that they start.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def rerun(output: str) -> list[str]:
    """Stages that a `dvc repro` ran."""
    lines = [line for line in output.splitlines() if line.startswith("Running stage ")]
    return [line.split("'")[1].rpartition(":")[2] for line in lines]


def environment(home: Path) -> dict[str, str]:
    """This interpreter first, and nothing of the user's own git, DVC, S3 or MLflow."""
    tools = ("GIT_", "DVC_", "AWS_", "S3_", "RCLONE_", "MLFLOW_")
    foreign = (*tools, "NEXTBEST_", "PYTHON", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONIOENCODING": "utf-8",
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "test",
        "GIT_AUTHOR_EMAIL": "test@localhost",
        "GIT_COMMITTER_NAME": "test",
        "GIT_COMMITTER_EMAIL": "test@localhost",
        "DVC_GLOBAL_CONFIG_DIR": str(home / "dvc-global"),
        "DVC_SYSTEM_CONFIG_DIR": str(home / "dvc-system"),
        "DVC_SITE_CACHE_DIR": str(home / "dvc-site"),
        "DVC_NO_ANALYTICS": "1",
        "CI": "1",  # DVC does not look for a newer DVC
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


def copy_of_working_tree(folder: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)


def small_bank(clone: Clone) -> None:
    """Make a repository of the working tree, of a bank that is small and has not run."""
    copy_of_working_tree(clone.folder)
    for others in (
        "metrics/tuning",
        "plots/tuning",
        "plots/payments",
        "plots/backtest",
        "plots/campaign",
        "plots/card",
    ):
        shutil.rmtree(clone.folder / others, ignore_errors=True)  # of another bank
    for file in (
        *clone.folder.glob("metrics/payments*"),
        *clone.folder.glob("metrics/backtest*"),
        *clone.folder.glob("metrics/campaign*"),
        *clone.folder.glob("metrics/slices.json"),
        *clone.folder.glob("metrics/ablation.json"),
        *clone.folder.glob("metrics/feedback*"),
        *clone.folder.glob("pipelines/*/dvc.lock"),
    ):
        if file.parent.name != "simulation":
            file.unlink()
    clone.change({"products": {"customers": 1100}}, "pipelines/simulation/params.yaml")
    clone.change(SMALL)
    clone.run("git", "init", "--quiet")
    clone.commit("A small bank")

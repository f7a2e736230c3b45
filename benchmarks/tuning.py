"""What a study saves beside one DVC experiment per trial: `python -m benchmarks.tuning`.

Run after `dvc repro`, with everything committed. A clone of the repository in a temporary folder,
with a copy of its cache, runs the study of ALS as pipelines/tuning/params.yaml has it, and then
some experiments one after the other. An experiment reruns all that its parameter reaches:
train_als, blend, evaluate and recommend.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

EXPERIMENTS = 5
STUDY = "pipelines/tuning/dvc.yaml:als"
ROOT = Path(__file__).parent.parent


def main() -> None:
    """Print a Markdown table."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        shutil.copytree(ROOT / ".dvc/cache", clone / ".dvc/cache")
        dvc(clone, "repro")
        params = yaml.safe_load((clone / "pipelines/tuning/params.yaml").read_text())
        trials = params["als"]["trials"]
        begun = time.perf_counter()
        dvc(clone, "repro", "--force", "--single-item", STUDY)
        study = time.perf_counter() - begun
        begun = time.perf_counter()
        for number in range(EXPERIMENTS):
            dvc(clone, "exp", "run", "-S", f"train_als.factors={20 + number}")
        experiments = time.perf_counter() - begun
    per_trial, per_experiment = study / trials, experiments / EXPERIMENTS
    print("| | measured | s | s each | 100 of them, s |")
    print("| --- | --: | --: | --: | --: |")
    for name, count, seconds, each in (
        ("trials in one study", trials, study, per_trial),
        ("`dvc exp run -S train_als.factors=…`", EXPERIMENTS, experiments, per_experiment),
    ):
        print(f"| {name} | {count} | {seconds:.0f} | {each:.2f} | {100 * each:.0f} |")
    print(f"\nThe study is {per_experiment / per_trial:.0f} times cheaper.")


def dvc(folder: Path, *arguments: str) -> None:
    """Run a DVC command and say so."""
    print("$ dvc", *arguments, file=sys.stderr, flush=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        ["dvc", *arguments],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PATH": path},
    )


if __name__ == "__main__":
    main()

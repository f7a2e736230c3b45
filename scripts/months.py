"""The last four months of the simulated bank, taken in one by one: ``make months``.

In a clone of its own, `.months`, because the cycle commits: the reports are in `.months/reports`.
"""

import csv
import os
import shutil
import subprocess
import sys
from itertools import groupby
from pathlib import Path

from ruamel.yaml import YAML

CLONE, INCOMING, FOLDER = Path(".months"), Path(".months-incoming"), Path("data/raw/months")
RAW, MONTH = Path("data/simulation/train_ver2.csv"), "fecha_dato"
PLAYED = 4


def call(*command: str) -> None:
    """Run a command in the clone, with this interpreter's tools, and stop if it fails."""
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(command, cwd=CLONE, check=True, env={**os.environ, "PATH": tools})  # noqa: S603


def split(path: Path, folder: Path) -> list[Path]:
    """Write snapshots as one file per month; returns the files in order."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    place = header.index(MONTH)
    files = []
    for month, lines in groupby(sorted(rows, key=lambda row: row[place]), lambda row: row[place]):
        files.append(folder / f"{month[:7]}.csv")
        with files[-1].open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *lines])
    return files


def main() -> None:
    """Clone, take in all months but four as a bank would begin, then play the rest."""
    for folder in (CLONE, INCOMING):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    subprocess.run(["git", "clone", "--quiet", ".", str(CLONE)], check=True)  # noqa: S603, S607
    call("git", "config", "user.name", "months")
    call("git", "config", "user.email", "months@localhost")
    call("dvc", "repro", "pipelines/simulation/dvc.yaml")
    files = split(CLONE / RAW, INCOMING)
    (CLONE / FOLDER).mkdir(parents=True)
    for file in files[:-PLAYED]:
        shutil.copy(file, CLONE / FOLDER)
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1000
    params = CLONE / "params.yaml"
    content = yaml.load(params.read_text(encoding="utf-8"))
    content["ingest"]["path"] = str(FOLDER)
    with params.open("w", encoding="utf-8") as stream:
        yaml.dump(content, stream)
    call("dvc", "add", "--quiet", str(FOLDER))
    call("dvc", "repro")
    call("git", "add", "--all")
    call("git", "commit", "--quiet", "--message", f"{len(files) - PLAYED} months")
    call("python", "-m", "src.month.promote", "HEAD", "--why", "the first run")
    for file in files[-PLAYED:]:
        call("python", "-m", "src.month", str(file.resolve()))
    print(f"\nReports: {CLONE}/reports/*/report.md; what was decided: git -C {CLONE} log --oneline")


if __name__ == "__main__":
    main()

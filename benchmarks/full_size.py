"""Time and memory of every stage at full size: `python -m benchmarks.full_size`.

Simulates the bank (`--customers`, by default all 956,645), then runs the stages of dvc.yaml one
after the other, each as a process of its own, in a temporary folder with a copy of params.yaml.
With `--folder` in that folder, which is kept; a bank that is simulated there already is taken.

Time is wall-clock with imports, beside the processor time, which other work on the machine disturbs
less; memory is the peak resident set of the process. A host may keep a virtual machine waiting:
that share is printed, too.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.machine import Stolen
from src.simulation.calibration import TOTAL_CUSTOMERS
from src.simulation.products import PARAMS, SNAPSHOTS

ROOT = Path.cwd()


@dataclass(frozen=True)
class Run:
    """What one stage took: seconds, seconds of processor, GB."""

    wall: float
    processor: float
    memory: float

    def row(self, title: str) -> str:
        """As a line of the table."""
        return f"| {title} | {self.wall:.0f} | {self.processor:.0f} | {self.memory:.2f} |"


def measure(module: str, folder: Path) -> Run:
    """Run a module as a process of its own, in a folder.

    Raises
    ------
    SystemExit
        It fails.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=sys.stderr,
    )
    _, status, usage = os.wait4(process.pid, 0)  # of this child alone
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{module} ended with exit code {process.returncode}")
    wall = time.perf_counter() - began
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6)


def prepare(folder: Path, customers: int) -> None:
    """Put both params files into a folder, the simulation's with so many customers."""
    shutil.copy("params.yaml", folder / "params.yaml")
    simulation = yaml.safe_load(Path(PARAMS).read_text(encoding="utf-8"))
    simulation["products"]["customers"] = customers
    target = folder / PARAMS
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(yaml.safe_dump(simulation), encoding="utf-8")


def every_stage() -> list[str]:
    """The stages of dvc.yaml, in order."""
    return list(yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"])


def runs(folder: Path, customers: int, stages: list[str], of: str = "") -> dict[str, Run]:
    """Simulate a bank, unless it is there, and run stages; prints a line for each as it ends."""
    prepare(folder, customers)
    if not (folder / SNAPSHOTS).exists():
        print(measure("src.simulation.products", folder).row(f"{of}simulation"), flush=True)
    found = {}
    for stage in stages:
        found[stage] = measure(f"src.products.{stage}", folder)
        print(found[stage].row(f"{of}{stage}"), flush=True)
    return found


def benchmark(folder: Path, customers: int) -> None:
    """Print a Markdown table of the simulation and of all stages."""
    stages = every_stage()
    stolen = Stolen()
    print("| stage | wall, s | processor, s | peak memory, GB |\n| --- | --: | --: | --: |")
    own = runs(folder, customers, stages).values()
    total = Run(
        sum(run.wall for run in own),
        sum(run.processor for run in own),
        max(run.memory for run in own),
    )
    print(total.row(f"{stages[0]} … {stages[-1]}"))
    size = (folder / SNAPSHOTS).stat().st_size / 1e9
    memory = os.environ.get("NEXTBEST_MEMORY") or "default"
    print(
        f"\n{size:.2f} GB of CSV, {os.cpu_count()} cores, NEXTBEST_MEMORY {memory}; "
        f"the host took {stolen.share():.0%} of the time."
    )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=TOTAL_CUSTOMERS)
    parser.add_argument("--folder", type=Path, help="where to work, and leave everything")
    chosen = parser.parse_args()
    if chosen.folder:
        chosen.folder.mkdir(parents=True, exist_ok=True)
        benchmark(chosen.folder, chosen.customers)
    else:
        with tempfile.TemporaryDirectory() as folder:
            benchmark(Path(folder), chosen.customers)


if __name__ == "__main__":
    main()

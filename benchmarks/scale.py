"""How time and memory of every stage grow with the bank: `python -m benchmarks.scale`.

Simulates banks of 1 %, 10 % and 100 % of the real size (`--shares`) in a folder each, runs the
stages of dvc.yaml in them, each as a process of its own, and fits the exponent of growth of each
stage's processor time by least squares of the logarithms: 1 is linear. With `--stages`, only the
first ones. With `--engine spark`, the engine of engine.yaml is Spark, and the master has to be
there: `scripts/spark_cluster.sh run .venv-spark/bin/python -m benchmarks.scale --engine spark`.

Of Spark, processor time and memory are those of the driver's Python alone: look at the wall-clock.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import yaml

from benchmarks.full_size import every_stage, runs
from src.engine import SETTINGS
from src.simulation.calibration import TOTAL_CUSTOMERS


def choose(engine: str, cores: int, folder: Path) -> None:
    """Put engine.yaml with an engine into a folder."""
    content = yaml.safe_load(Path(SETTINGS).read_text(encoding="utf-8"))
    content["engine"]["name"] = engine
    content["engine"]["spark"]["cores"] = cores
    (folder / SETTINGS).write_text(yaml.safe_dump(content), encoding="utf-8")


def exponent(sizes: list[int], seconds: list[float]) -> float:
    """The power of the size with which seconds grow."""
    return float(np.polyfit(np.log(sizes), np.log(np.maximum(seconds, 0.01)), 1)[0])


def benchmark(folder: Path, sizes: list[int], engine: str, cores: int, stages: list[str]) -> None:
    """Print a Markdown table of all runs, and one of the exponents."""
    print("| stage | wall, s | processor, s | peak memory, GB |\n| --- | --: | --: | --: |")
    found = []
    for size in sizes:
        own_folder = folder / f"{size}"
        own_folder.mkdir(parents=True, exist_ok=True)
        choose(engine, cores, own_folder)
        found.append(runs(own_folder, size, stages, f"{size:,} customers: "))
    if len(sizes) == 1:
        return
    print("\n| stage | wall | processor | memory |\n| --- | --: | --: | --: |")
    for stage in stages:
        own = [by_stage[stage] for by_stage in found]
        grows = [
            exponent(sizes, [getattr(run, name) for run in own])
            for name in ("wall", "processor", "memory")
        ]
        print(f"| {stage} | " + " | ".join(f"{power:.2f}" for power in grows) + " |")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.01, 0.1, 1.0])
    parser.add_argument("--engine", choices=["duckdb", "spark"], default="duckdb")
    parser.add_argument("--cores", type=int, default=2, help="of Spark: an executor has one")
    every = every_stage()
    parser.add_argument("--stages", type=int, default=len(every), help="so many, from the first")
    parser.add_argument("--folder", type=Path, help="where to work, and leave everything")
    chosen = parser.parse_args()
    sizes = [round(share * TOTAL_CUSTOMERS) for share in chosen.shares]
    stages = every[: chosen.stages]
    if chosen.folder:
        benchmark(chosen.folder.resolve(), sizes, chosen.engine, chosen.cores, stages)
    else:
        with tempfile.TemporaryDirectory() as folder:
            benchmark(Path(folder), sizes, chosen.engine, chosen.cores, stages)


if __name__ == "__main__":
    main()

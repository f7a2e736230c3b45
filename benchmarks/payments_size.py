"""Time and memory of payments at size: `python -m benchmarks.payments_size`.

Simulates a bank of `--clients` clients and `--providers` providers (by default so many that there
are about ten million payments), then runs the stages up to evaluate that know operations, each as a
process of its own, in a temporary folder with a copy of params.yaml; observe builds the factors.
What is measured is as in `benchmarks.full_size`.
"""

import argparse
import os
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from benchmarks.full_size import measure
from benchmarks.machine import Stolen
from src.payments import paths
from src.payments.schema import PARAMS

STAGES = ("ingest", "clean", "eda", "observe", "train_operations")


def prepare(folder: Path, clients: int, providers: int) -> None:
    """Put params.yaml into a folder, with so many clients and providers."""
    content = yaml.safe_load(Path(PARAMS).read_text(encoding="utf-8"))
    content["simulate"] |= {"clients": clients, "providers": providers}
    target = folder / PARAMS
    target.parent.mkdir(parents=True)
    target.write_text(yaml.safe_dump(content), encoding="utf-8")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clients", type=int, default=155_000)
    parser.add_argument("--providers", type=int, default=20_000)
    chosen = parser.parse_args()
    stolen = Stolen()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, chosen.clients, chosen.providers)
        print("| stage | wall, s | processor, s | peak memory, GB |\n| --- | --: | --: | --: |")
        print(measure("src.simulation.payments", folder).row("simulate"), flush=True)
        for stage in STAGES:
            print(measure(f"src.payments.{stage}", folder).row(stage), flush=True)
        payments, observations = (
            pq.read_metadata(folder / path).num_rows for path in (paths.CLEAN, paths.OBSERVATIONS)
        )
    print(
        f"\n{payments:,} payments, {observations:,} observations, {os.cpu_count()} cores; the host "
        f"took {stolen.share():.0%} of the time."
    )


if __name__ == "__main__":
    main()

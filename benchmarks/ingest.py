"""Time and memory of ingest beside pandas, on one CSV: ``python -m benchmarks.ingest CSV``.

Each contestant runs in a process of its own. Time is wall-clock with imports, beside the processor
time, which other work on the machine disturbs less; memory is the peak resident set of the process.
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """What one contestant took: seconds, seconds of processor, GB."""

    wall: float
    processor: float
    memory: float


def ingest(source: str) -> None:
    """Run the stage as params.yaml maps the columns."""
    from src import params
    from src.products import ingest as stage
    from src.products.schema import Schema

    file = os.environ["BENCHMARK_PARAMS"]
    settings = params.load("ingest", stage.Ingest, file)
    stage.ingest(source, params.load("schema", Schema, file), settings)


def pandas_read(source: str) -> None:
    """Read the file, nothing else."""
    import pandas as pd

    pd.read_csv(source, low_memory=False)


def pandas_same_work(source: str) -> None:
    """Read, sort by customer and month, write parquet: ingest without its checks."""
    import pandas as pd
    import yaml

    schema = yaml.safe_load(Path(os.environ["BENCHMARK_PARAMS"]).read_text())["schema"]
    keys = [schema["id"], schema["month"]]
    columns = [
        *keys,
        *schema["numeric"].values(),
        *schema["categorical"].values(),
        *schema["products"],
    ]
    table = pd.read_csv(source, usecols=columns, skipinitialspace=True, low_memory=False)
    table.sort_values(keys).to_parquet("snapshots.parquet", compression="lz4", index=False)


def _child(work: Callable[[str], None], source: str, results: "multiprocessing.Queue[Run]") -> None:
    start = time.perf_counter()
    work(source)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    processor = usage.ru_utime + usage.ru_stime
    results.put(Run(time.perf_counter() - start, processor, usage.ru_maxrss / 1e6))


def measure(work: Callable[[str], None], source: str) -> Run:
    """Run one contestant in a fresh process and an empty folder."""
    here = Path.cwd()
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[Run] = context.Queue()
    with tempfile.TemporaryDirectory(dir=here / "data") as folder:
        os.chdir(folder)
        try:
            process = context.Process(target=_child, args=(work, source, results))
            process.start()
            process.join()
        finally:
            os.chdir(here)
    if process.exitcode:
        raise SystemExit(f"{work.__name__} ended with exit code {process.exitcode}")
    return results.get()


def main() -> None:
    """Print a Markdown table of all contestants."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("csv", type=Path)
    source = str(arguments.parse_args().csv.resolve())
    os.environ["BENCHMARK_PARAMS"] = str(Path("params.yaml").resolve())
    os.environ.setdefault("NEXTBEST_MEMORY", "1GB")
    contestants = {
        "ingest (read, check, sort, write)": ingest,
        "pandas.read_csv alone": pandas_read,
        "pandas: read, sort, to_parquet": pandas_same_work,
    }
    gigabytes = Path(source).stat().st_size / 1e9
    memory = os.environ["NEXTBEST_MEMORY"]
    print(f"{gigabytes:.2f} GB, {os.cpu_count()} cores, NEXTBEST_MEMORY={memory}\n")
    print("| | wall, s | processor, s | peak memory, GB | wall ÷ ingest | memory ÷ ingest |")
    print("|---|---:|---:|---:|---:|---:|")
    base = None
    for name, work in contestants.items():
        took = measure(work, source)
        base = base or took
        print(
            f"| {name} | {took.wall:.1f} | {took.processor:.1f} | {took.memory:.2f} "
            f"| {took.wall / base.wall:.2f} | {took.memory / base.memory:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

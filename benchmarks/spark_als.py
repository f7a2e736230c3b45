"""ALS of the cluster beside implicit's: `python -m benchmarks.spark_als`, in .venv-spark.

`scripts/spark_cluster.sh run .venv-spark/bin/python -m benchmarks.spark_als` starts a cluster for
it; without, the master of engine.yaml has to be there. Simulates a bank (`--customers`; with
`--folder`, one that is there is taken), runs the stages up to split, fits ALS on the base months by
both trainers with every `--regularization`, all else as in params.yaml, and scores the customers of
the test month as evaluate does: MAP@7 among adders, NDCG@3 of holdings.

Seconds are of the fit alone. The first of the cluster waits for classes to be loaded and compiled.
Memory is the peak of this process before there is a cluster, and the peak of each process of the
application at the end. Every fit of the cluster runs twice: are the bytes the same?
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.full_size import runs
from benchmarks.machine import peak
from src import params
from src.engine import SETTINGS, EngineSettings
from src.engine.duckdb import DuckDB
from src.evaluation.metrics import average_precision
from src.lists import LIST_LENGTH
from src.models.als import FIRST_STAGE, Als
from src.models.customers import Customers
from src.models.factorization import TrainAls
from src.models.history import History
from src.products import paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.windows import Windows
from src.ranking import top_k
from src.tables.months import month_of

REGULARIZATION = [1.0, 10.0, 30.0, 100.0, 300.0, 1000.0]
PROCESSES = {"driver": "SparkSubmit", "executor": "CoarseGrainedExecutorBackend"}


def peaks() -> list[str]:
    """The peak of each of the cluster's processes on this machine that belong to an application."""
    found = [f"Python {peak():.2f} GB"]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_text(encoding="utf-8", errors="replace")
            for name, part in PROCESSES.items():
                if part in command and "java" in command:
                    found.append(f"{name} {peak(path.parent.name):.2f} GB")
        except OSError:  # gone
            continue
    return found


def quality(model: Als, dataset: Dataset) -> dict[str, float]:
    """MAP@7 among the adders of the test month, and NDCG@3 of its holdings."""
    (test,) = (month_of(date) for date in dataset.windows.test)
    history = dataset.known_before(test)
    customers = Customers(pd.DataFrame(index=range(len(history.customers))), history)
    rows = dataset.rows(customers)
    additions = dataset.additions(test)[rows]
    then = dataset.history.of(rows).before(test + 1)
    scores = model.score(customers)
    adds = np.asarray(additions.any(axis=1))
    ranking = top_k(scores[adds], LIST_LENGTH, history.holdings()[adds])
    precision = average_precision(ranking, additions[adds], LIST_LENGTH)
    here: NDArray[np.bool_] = then.known()
    assert FIRST_STAGE.metrics is not None  # noqa: S101
    held = FIRST_STAGE.metrics(model, customers, scores[here], then.holdings()[here])
    return {"map@7_adders": float(precision.mean()), **held}


def fitted(dataset: Dataset, settings: TrainAls) -> tuple[Als, float]:
    """A model, and the seconds that it took."""
    began = time.perf_counter()
    model = Als.learn(dataset, settings)
    return model, time.perf_counter() - began


def row(settings: TrainAls, model: Als, dataset: Dataset, seconds: float, *others: str) -> None:
    """Print a line of the table."""
    found = quality(model, dataset)
    cells = [
        settings.trainer,
        f"{settings.regularization:g}",
        f"{found['map@7_adders']:.4f}",
        f"{found.get('ndcg@3', np.nan):.4f}",
        f"{seconds:.1f}",
        *others,
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


def benchmark(customers: int, folder: Path, regularizations: list[float]) -> None:
    """Print a Markdown table."""
    engine = params.load("engine", EngineSettings, SETTINGS).spark
    if master := os.environ.get("NEXTBEST_SPARK_MASTER"):
        engine = engine.model_copy(update={"master": master})
    runs(folder, customers, ["ingest", "clean", "split"])
    os.chdir(folder)
    schema = params.load("schema", Schema)
    settings = params.load("train_als", TrainAls)
    windows = Windows.read()
    history = History.read(paths.HISTORY, list(schema.products), windows.last)
    dataset = Dataset(DuckDB.connect(), schema, history, windows)
    shares = dataset.base_history().usage_share()
    print(f"\n{len(shares):,} customers, {np.count_nonzero(shares):,} shares\n")
    print("| trainer | regularization | MAP@7 among adders | NDCG@3 | s | again, s | same bytes |")
    print("| --- | --: | --: | --: | --: | --: | --- |")
    for each in regularizations:
        own = settings.model_copy(update={"regularization": each, "trainer": "implicit"})
        model, seconds = fitted(dataset, own)
        row(own, model, dataset, seconds, "", "")
    before = peak()
    from src.engine.spark import Spark

    dataset = Dataset(Spark.connect(engine), schema, history, windows)
    for each in regularizations:
        own = settings.model_copy(update={"regularization": each, "trainer": "cluster"})
        (model, seconds), (again, later) = fitted(dataset, own), fitted(dataset, own)
        same = model.item_factors.tobytes() == again.item_factors.tobytes()
        row(own, model, dataset, seconds, f"{later:.1f}", "yes" if same else "no")
    print(f"\nPeak memory: {before:.2f} GB with implicit; of the cluster: {', '.join(peaks())}.")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--regularization", type=float, nargs="+", default=REGULARIZATION)
    parser.add_argument("--folder", type=Path, help="where to work, and leave everything")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as own:
        folder = (chosen.folder or Path(own)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        benchmark(chosen.customers, folder, chosen.regularization)


if __name__ == "__main__":
    main()

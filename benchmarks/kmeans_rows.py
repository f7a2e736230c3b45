"""Memory of K-means by the rows of its sample: `python -m benchmarks.kmeans_rows`.

Run after `dvc repro`, or in a folder in which the stages up to split have run, such as one that
`benchmarks.scale --folder` leaves. Fits K-means to samples of `--rows` customer-months, each in a
process of its own, all else as in params.yaml. Prints the peak memory of the process before (the
history of all customers is read then) and after, seconds, and the mean squared distance to the
nearest center after the last epoch.
"""

import argparse
import time
from multiprocessing import get_context

from benchmarks.machine import peak
from src import params
from src.models.kmeans import FIRST_STAGE, KMeans, KMeansSettings
from src.products.dataset import Dataset
from src.products.schema import Schema

ROWS = [300_000, 6_000_000]


def measure(rows: int) -> str:
    """A line of the table."""
    dataset = Dataset.open(params.load("schema", Schema))
    settings = params.load("train_kmeans", KMeansSettings).model_copy(update={"rows": rows})
    before, began, busy = peak(), time.perf_counter(), time.process_time()
    model = FIRST_STAGE.fit(dataset, settings)
    assert isinstance(model, KMeans)  # noqa: S101
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    drawn, _ = dataset.samples(rows, settings.seed, rows)
    cells = [
        f"{drawn:,}",
        f"{before:.2f}",
        f"{peak():.2f}",
        f"{seconds:.0f}",
        f"{busy:.0f}",
        f"{model.inertia[-1]:.3f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    print("| rows | peak before, GB | peak, GB | wall, s | processor, s | inertia |")
    print("| --: | --: | --: | --: | --: | --: |")
    with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for line in pool.imap(measure, parser.parse_args().rows):
            print(line, flush=True)


if __name__ == "__main__":
    main()

"""What more rows buy: `python -m benchmarks.sample_size`.

Run after `dvc repro`, or in a folder in which the stages up to blend have run, such as one that
`benchmarks.scale --folder` leaves. CatBoost learns on one machine, from a sample; this fits it to
samples of growing size, all else as in params.yaml, and measures each on the same customers:

- `ranker`, from so many adders: MAP@7 among the adders of the test month;
- `propensity`, from so many adders and customers who add nothing in the proportion of params.yaml,
  weighted as many as they stand for: AUC of adding anything in the test month;
- `operations`, from so many observations (if the payments pipeline has run up to observe): Gini of
  each model in the test.

A sample is of the size asked for, or all there is.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from src import params
from src.evaluation.metrics import average_precision
from src.evaluation.targeting import placements
from src.lists import LIST_LENGTH
from src.models.propensity import Propensity, PropensitySettings
from src.models.ranker import RankerSettings
from src.payments import paths as payments
from src.payments.operations.evaluation import gini
from src.payments.operations.factors import FACTORS
from src.payments.operations.models import MODELS, TrainOperations, fit_rows
from src.payments.operations.observations import Observe
from src.payments.schema import PARAMS
from src.products import paths
from src.products.dataset import Dataset
from src.products.propensity import customers_of, draw
from src.products.schema import Schema
from src.products.scoring import load_first_stage
from src.products.second_stage import find_adders, fit_ranker
from src.ranking import top_k
from src.tables.months import month_of

SIZES = [10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000]
ASKED = 300_000  # customers of the test month, evenly by id


def curve(
    title: str, sizes: list[int], everything: int, measured: Callable[[int], tuple[int, str]]
) -> None:
    """Print a line for each size of the sample: rows, what was measured, seconds."""
    for size in sorted({min(size, everything) for size in sizes}):
        began = time.perf_counter()
        rows, found = measured(size)
        print(f"| {title} | {rows:,} | {found} | {time.perf_counter() - began:.1f} |", flush=True)


def products(sizes: list[int]) -> None:
    """Curves of the ranker and of propensity."""
    dataset = Dataset.open(params.load("schema", Schema))
    (test,) = (month_of(date) for date in dataset.windows.test)
    asked, additions = customers_of(dataset, test, ASKED)
    adds = np.asarray(additions.any(axis=1))
    blend = params.load("blend", RankerSettings)
    first_stage = load_first_stage(paths.MODELS)
    own = asked.of(adds)
    own_scores = {name: first_stage[name].score(own) for name in blend.models}
    found = find_adders(dataset)
    scores = {name: first_stage[name].score(found.customers) for name in blend.models}
    order = np.random.default_rng(blend.seed).permutation(len(found))

    def ranker(size: int) -> tuple[int, str]:
        rows = np.sort(order[:size])
        part = {name: table[rows] for name, table in scores.items()}
        model = fit_ranker(found.of(rows), part, dataset.products, blend)
        ranking = top_k(model.score(own, own_scores), LIST_LENGTH, own.history.holdings())
        precision = average_precision(ranking, additions[adds], LIST_LENGTH)
        return len(rows), f"{precision.mean():.4f}"

    settings = params.load("train_propensity", PropensitySettings)
    months = [month_of(date) for date in dataset.windows.blend]

    def propensity(size: int) -> tuple[int, str]:
        others = size * settings.others // settings.rows
        drawn = draw(dataset, months, size, others, settings.seed)
        model = Propensity.fit(
            drawn.customers, drawn.additions, drawn.weights, dataset.products, settings
        )
        anything = model.anything(model.score(asked))
        return len(drawn.customers), f"{placements(anything, adds)[adds].mean():.4f}"

    curve("ranker: MAP@7 among adders", sizes, len(found), ranker)
    curve("propensity: AUC of anything", sizes, len(found), propensity)


def operations(sizes: list[int]) -> None:
    """Curves of repeat operations."""
    names = [factor.name for factor in FACTORS]
    train, test = (
        pq.read_table(
            payments.OBSERVATIONS, columns=["repeated", *names], filters=pc.field("part") == part
        )
        for part in ("train", "test")
    )
    settings = params.load("train_operations", TrainOperations, PARAMS)
    booster = settings.booster.model_copy(update={"rows": train.num_rows})
    settings = settings.model_copy(update={"booster": booster})
    share = params.load("observe", Observe, PARAMS).negatives
    order = np.random.default_rng(settings.booster.seed).permutation(train.num_rows)
    columns = {name: test[name].to_numpy() for name in names}

    def repeated(size: int) -> tuple[int, str]:
        models = fit_rows(train.take(np.sort(order[:size])), share, settings)
        scores = models.score(columns)
        found = [gini(scores[name], test["repeated"].to_numpy()) for name in MODELS]
        return size, ", ".join(f"{one:.4f}" for one in found)

    curve(f"operations: Gini of {', '.join(MODELS)}", sizes, train.num_rows, repeated)


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    sizes = parser.parse_args().rows
    print("| learnt from a sample | rows | measured | s |\n| --- | --: | --: | --: |")
    products(sizes)
    if Path(payments.OBSERVATIONS).exists():
        operations(sizes)


if __name__ == "__main__":
    main()

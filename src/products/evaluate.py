"""evaluate: every model on the test month, which nothing before this stage has touched."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from src import params
from src.drawing import save
from src.engine import Engine
from src.errors import run
from src.evaluation import comparison
from src.evaluation import figures as comparisons
from src.evaluation.targeting import Resampling
from src.lists import LIST_LENGTH, as_column, as_matrix
from src.models.contract import Scores
from src.models.customers import Customers
from src.models.registry import FIRST_STAGE
from src.products import figures, paths, targeting
from src.products.dataset import Dataset
from src.products.propensity import chances_table
from src.products.schema import Schema
from src.products.scoring import Models
from src.products.slices import adder_table, slices_of
from src.ranking import top_k
from src.reporting import write_csv, write_json, write_parquet
from src.tables.months import month_of


class Evaluate(params.Section):
    """Parameters of the stage: bootstrap resamples of customers, and their seed."""

    resamples: int = Field(ge=10)
    seed: int = Field(ge=0)


def score(models: Models, customers: Customers) -> dict[str, pa.Table]:
    """Every model's ``lists``, held products left out, and the ``scores`` that metrics look at.

    A column per model in both, a row per customer.
    """
    wanted = (*FIRST_STAGE, "ranker", "propensity", "blend")
    held = customers.history.holdings()
    scores = models.score(customers)
    k = min(LIST_LENGTH, held.shape[1])
    lists = {name: as_column(top_k(own, k, held)) for name, own in scores.items()}
    kept = {name: as_column(scores[name]) for name in wanted if name in scores}
    return {"lists": pa.table(lists), "scores": pa.table(kept)}


def score_all(
    engine: Engine, models: Models, customers: Customers
) -> tuple[comparison.Rankings, dict[str, Scores]]:
    """Every model's lists of all customers, held products left out; scores that metrics look at."""
    ranked: dict[str, list[NDArray[np.int16]]] = {}
    scored: dict[str, list[Scores]] = {}
    for tables in engine.by_parts(score, models, customers, "test month"):
        for name, ranking in zip(tables["lists"].column_names, tables["lists"], strict=True):
            ranked.setdefault(name, []).append(as_matrix(ranking))
        for name, own in zip(tables["scores"].column_names, tables["scores"], strict=True):
            scored.setdefault(name, []).append(as_matrix(own))
    # One after the other gives its parts back, so that all are not in memory twice.
    return (
        {name: np.concatenate(ranked.pop(name)) for name in list(ranked)},
        {name: np.concatenate(scored.pop(name)) for name in list(scored)},
    )


def holdings_metrics(
    models: Models,
    customers: Customers,
    scores: dict[str, Scores],
    held: NDArray[np.bool_],
    present: NDArray[np.bool_],
) -> dict[str, dict[str, float]]:
    """How well each first-stage model predicts holdings, by its own metrics.

    Parameters
    ----------
    models : Models
    customers : Customers
    scores : dict of name -> float32 array, shape (customers, products)
    held : bool array, shape (customers, products)
        Holdings in the test month.
    present : bool array, shape (customers,)
        Who is a customer in the test month; the others do not count.
    """
    here, truth = customers.of(present), held[present]
    return {
        name: record.metrics(models.first_stage[name], here, scores[name][present], truth)
        for name, record in FIRST_STAGE.items()
        if record.metrics
    }


def write_targeting(
    models: Models,
    customers: Customers,
    anything: NDArray[np.float32],
    chances: Scores,
    additions: NDArray[np.bool_],
    schema: Schema,
    settings: Evaluate,
) -> None:
    """Write how well propensity tells who adds.

    Parameters
    ----------
    anything : float32 array, shape (customers,)
    chances : float32 array, shape (customers, products)
    additions : bool array, shape (customers, products)
    """
    held, adds = customers.history.holdings(), np.asarray(additions.any(axis=1))
    titles = [title.en for title in schema.products.values()]
    simpler = targeting.rules(models, customers)
    resampling = Resampling.of(len(adds), settings.resamples, settings.seed)
    write_json(
        paths.TARGETING,
        targeting.compare(
            anything, simpler, chances, held, additions, list(schema.products), resampling
        ),
    )
    found = targeting.gains(anything, simpler, adds)
    write_csv(paths.GAINS, found)
    save(paths.GAINS_PNG, figures.gains(found))
    bins = targeting.calibration(anything, chances, held, additions, titles)
    write_csv(paths.CALIBRATION, bins)
    save(paths.CALIBRATION_PNG, figures.calibration(bins))


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("evaluate", Evaluate)
    schema = params.load("schema", Schema)
    dataset = Dataset.open(schema)
    (date,) = dataset.windows.test
    month = month_of(date)
    models = Models.load(paths.MODELS)
    customers = dataset.customers(month)
    rows = dataset.rows(customers)
    additions = dataset.additions(month)[rows]
    lists, scores = score_all(dataset.engine, models, customers)

    precision = comparison.precisions(lists, additions)
    table = comparison.compare(lists, additions, precision, settings.resamples, settings.seed)
    adds = additions.any(axis=1)
    in_test = dataset.history.before(month + 1)
    held_then, there = in_test.holdings()[rows], in_test.known()[rows]
    del in_test
    own = holdings_metrics(models, customers, scores, held_then, there)
    for name in FIRST_STAGE:
        del scores[name]  # a tenth of a gigabyte each, of a million customers
    write_json(
        paths.METRICS,
        {
            "test": {
                "month": str(date),
                "customers": len(customers),
                "adders": int(adds.sum()),
                "additions": int(additions.sum()),
                "map@7_max": adds.mean(),
            },
            **({"warnings": dataset.windows.warnings} if dataset.windows.warnings else {}),
            **{name: values | own.get(name, {}) for name, values in table.items()},
            "slices": comparison.by_slice(slices_of(customers), lists, additions),
        },
    )
    write_parquet(paths.TEST_CUSTOMERS, adder_table(customers.of(np.flatnonzero(adds)), precision))
    ids, held = customers.history.customers, customers.history.holdings()
    chances = chances_table(models.propensity, ids, scores["propensity"])
    write_parquet(paths.TEST_CHANCES, chances)
    shares = np.where(held, np.float32(0), scores["ranker"])
    write_parquet(paths.TEST_SCORES, pa.table([ids, *shares.T], ["customer", *dataset.products]))
    anything = chances["anything"].to_numpy()
    write_targeting(models, customers, anything, scores["propensity"], additions, schema, settings)
    at_k = comparison.map_at_k(lists, additions)
    by_product = comparison.product_precision(
        {
            "popularity": np.broadcast_to(models.popularity.shares, held.shape),
            "blend": scores["blend"],
        },
        held,
        additions,
        {product: title.en for product, title in schema.products.items()},
    )
    bins = comparison.reliability(scores["blend"], additions)
    write_csv(paths.MAP_AT_K, at_k)
    write_csv(paths.PRODUCT_AP, by_product)
    write_csv(paths.RELIABILITY, bins)
    save(paths.COMPARISON_PNG, comparisons.comparison(table, str(date)))
    save(paths.MAP_AT_K_PNG, comparisons.map_at_k(at_k))
    save(paths.PRODUCT_AP_PNG, comparisons.product_precision(by_product))
    save(paths.RELIABILITY_PNG, comparisons.reliability(bins))
    monthly = {
        str(later): dataset.additions(month_of(later)).sum(axis=0)
        for later in dataset.windows.dates[1:]
    }
    save(paths.ADDITIONS_PNG, figures.additions(monthly, schema))


if __name__ == "__main__":
    run(main)

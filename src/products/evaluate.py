"""evaluate: every model on the test month, which nothing before this stage has touched."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from src import params
from src.errors import run
from src.models.customers import Customers, Scores
from src.products import figures, measures, paths
from src.products.dataset import Dataset
from src.products.measures import Lists
from src.products.offers import LIST_LENGTH, batches
from src.products.schema import Schema
from src.products.scoring import Models
from src.ranking import top_k
from src.reporting import write_csv, write_json, write_parquet


class Evaluate(params.Section):
    """Parameters of the stage: bootstrap resamples of customers, and their seed."""

    resamples: int = Field(ge=10)
    seed: int = Field(ge=0)


def score_all(models: Models, customers: Customers) -> tuple[Lists, dict[str, Scores]]:
    """Every model's lists of all customers, held products left out, and its scores."""
    ranked: dict[str, list[NDArray[np.int16]]] = {}
    scored: dict[str, list[Scores]] = {}
    for batch in batches(customers, "test month"):
        held = batch.history.holdings()
        for name, scores in models.score(batch).items():
            ranked.setdefault(name, []).append(
                top_k(scores, min(LIST_LENGTH, scores.shape[1]), held)
            )
            scored.setdefault(name, []).append(scores)
    return (
        {name: np.concatenate(parts) for name, parts in ranked.items()},
        {name: np.concatenate(parts) for name, parts in scored.items()},
    )


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("evaluate", Evaluate)
    schema = params.load("schema", Schema)
    dataset = Dataset.open(schema)
    ago = dataset.window("test")[0]
    models = Models.load(paths.MODELS)
    customers = dataset.customers(ago)
    rows = dataset.rows(customers)
    additions = dataset.additions(ago)[rows]
    lists, scores = score_all(models, customers)

    precision = measures.precisions(lists, additions)
    table = measures.compare(lists, additions, precision, settings.resamples, settings.seed)
    adds = additions.any(axis=1)
    in_test = dataset.history.before(ago - 1)
    present = in_test.known()[rows]
    own = measures.holdings_measures(
        models,
        customers.of(present),
        {name: values[present] for name, values in scores.items()},
        in_test.holdings()[rows][present],
    )
    write_json(
        paths.METRICS,
        {
            "test": {
                "month": str(dataset.windows["test"][0]),
                "customers": len(customers),
                "adders": int(adds.sum()),
                "additions": int(additions.sum()),
                "map@7_max": adds.mean(),
            },
            **{name: values | own.get(name, {}) for name, values in table.items()},
            "slices": measures.by_slice(measures.slices_of(customers), lists, additions),
        },
    )
    write_parquet(
        paths.TEST_CUSTOMERS, measures.adder_table(customers.of(np.flatnonzero(adds)), precision)
    )
    at_k = measures.map_at_k(lists, additions)
    by_product = measures.product_precision(
        {name: scores[name] for name in ("popularity", "blend")},
        customers.history.holdings(),
        additions,
        schema,
    )
    bins = measures.reliability(scores["blend"], additions)
    write_csv(paths.MAP_AT_K, at_k)
    write_csv(paths.PRODUCT_AP, by_product)
    write_csv(paths.RELIABILITY, bins)
    figures.comparison(paths.COMPARISON_PNG, table, str(dataset.windows["test"][0]))
    figures.map_at_k(paths.MAP_AT_K_PNG, at_k)
    figures.product_precision(paths.PRODUCT_AP_PNG, by_product)
    figures.reliability(paths.RELIABILITY_PNG, bins)
    monthly = {
        str(month): dataset.additions(len(dataset.months) - index).sum(axis=0)
        for index, month in enumerate(dataset.months)
        if index
    }
    figures.additions(paths.ADDITIONS_PNG, monthly, schema)


if __name__ == "__main__":
    run(main)

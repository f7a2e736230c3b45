"""learn: what the ranker gains from learning what customers said to their offers.

Rankers learn from adders alone, and from adders and feedback. They are compared on customers who
were offered nothing: what they added, and what they would accept, which only a simulator knows.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field

from src import params
from src.errors import InputError, run
from src.evaluation.intervals import bootstrap_means
from src.evaluation.metrics import average_precision
from src.feedback import paths as own
from src.feedback.examples import Examples
from src.feedback.settings import PARAMS, Export
from src.lists import LIST_LENGTH
from src.models.contract import Scores
from src.models.customers import Customers
from src.models.ranker import Ranker, RankerSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import Models
from src.products.second_stage import Adders, check_names, find_adders
from src.ranking import top_k
from src.reporting import write_json
from src.tables.months import month_of

TRUTH = "truth.parquet"  # in the folder of simulated feedback: who accepts what
WITHOUT, ACCEPTED, BOTH, BEST = "without feedback", "accepted", "accepted and dismissed", "best"


class Learn(params.Section):
    """Parameters of the stage.

    Attributes
    ----------
    accepted, dismissed : float
        Weight of an offer to which that was said; that of an adder of the last blend month is 1.
    resamples, seed : int
        Of the bootstrap.
    """

    accepted: float = Field(ge=0)
    dismissed: float = Field(ge=0)
    resamples: int = Field(ge=10)
    seed: int = Field(ge=0)


def fit(
    adders: Adders,
    told: Examples,
    weights: NDArray[np.float64],
    models: Models,
    products: list[str],
    settings: RankerSettings,
) -> Ranker:
    """Learn from adders and, where its weight is above 0, from what was said."""
    counts = weights > 0
    parts = [adders.customers]
    if counts.any():
        parts.append(told.customers.of(counts))
    customers = Customers.stack(parts)
    scores = {name: models.first_stage[name].score(customers) for name in settings.models}
    return Ranker.fit(
        customers,
        scores,
        np.concatenate([adders.additions, told.wanted[counts]]),
        np.concatenate([settings.month_decay ** adders.ages.astype(np.float64), weights[counts]]),
        products,
        settings,
    )


def read_truth(path: Path, ids: NDArray[Any], products: list[str]) -> NDArray[np.float64] | None:
    """Chance that each customer accepts each product; (customers, products). None if nobody knows.

    Raises
    ------
    InputError
        It is about other customers.
    """
    if not path.exists():
        return None
    table = pq.read_table(path)
    if not np.isin(ids, table["customer"].to_numpy()).all():
        raise InputError(f"{path} is about other customers: run 'make feedback' first")
    rows = np.searchsorted(table["customer"].to_numpy(), ids)
    columns = [table[product].to_numpy()[rows] for product in products]
    return np.column_stack(columns).astype(np.float64)


def judge(
    rankings: dict[str, NDArray[np.int16]],
    accepting: NDArray[np.float64] | None,
    additions: NDArray[np.bool_],
    settings: Learn,
) -> dict[str, dict[str, float]]:
    """Accepted first offers of 1,000 customers, if it is known, and MAP@7 among adders, by ranking.

    Each but the first has its paired difference from the first with a 95 % interval, customers
    resampled.
    """
    adds = np.asarray(additions.any(axis=1))
    values: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name, ranking in rankings.items():
        if accepting is not None:
            first = ranking[:, 0].astype(np.intp)
            taken = accepting[np.arange(len(first)), np.maximum(first, 0)]
            values.setdefault("accepted", {})[name] = 1000 * np.where(first >= 0, taken, 0)
        precision = average_precision(ranking[adds], additions[adds], LIST_LENGTH)
        values.setdefault("map@7_adders", {})[name] = precision
    found: dict[str, dict[str, float]] = {name: {} for name in rankings}
    for metric, by_name in values.items():
        base = next(iter(by_name.values()))
        changes = {name: own_values - base for name, own_values in by_name.items()}
        intervals = bootstrap_means(changes, len(adds), settings.resamples, settings.seed)
        for number, (name, own_values) in enumerate(by_name.items()):
            found[name][metric] = float(own_values.mean())
            if number:
                found[name] |= intervals[name][1].named(f"{metric}_change")
    return found


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("learn", Learn, PARAMS)
    folder = params.load("export", Export, PARAMS).folder
    blend = params.load("blend", RankerSettings)
    dataset = Dataset.open(params.load("schema", Schema))
    check_names(blend)
    models = Models.load(paths.MODELS)
    answers = pq.read_table(own.ANSWERS)
    told = Examples.of(answers, dataset.products)
    adders = find_adders(dataset, blend)

    month = month_of(dataset.windows.test[0])
    offered = answers["customer"].to_numpy()
    customers = dataset.customers(month, ~np.isin(dataset.history.customers, offered))
    ids, held = customers.history.customers, customers.history.holdings()
    first_stage = models.score_first_stage(customers)
    chances = models.propensity.score(customers)
    accepting = read_truth(Path(folder) / TRUTH, ids, dataset.products)

    def ranking(scores: Scores) -> NDArray[np.int16]:
        return top_k(scores, min(LIST_LENGTH, len(dataset.products)), held)

    rankings = {}
    for name, dismissed in {WITHOUT: 0.0, ACCEPTED: 0.0, BOTH: settings.dismissed}.items():
        accepted = 0.0 if name == WITHOUT else settings.accepted
        weights = told.weights(accepted, dismissed)
        ranker = fit(adders, told, weights, models, dataset.products, blend)
        shares = ranker.score(customers, first_stage)
        rankings[name] = ranking(models.pool.share(shares, chances))
    if accepting is not None:
        rankings[BEST] = ranking(accepting.astype(np.float32))
    additions = dataset.additions(month)[dataset.rows(customers)]
    write_json(
        own.METRICS,
        {
            "month": str(dataset.windows.test[0]),
            "answers": len(answers),
            "accepted": int(told.accepted.sum()),
            "dismissed": int((~told.accepted).sum()),
            "customers": len(customers),
            "adders": int(additions.any(axis=1).sum()),
            "rankings": judge(rankings, accepting, additions, settings),
        },
    )


if __name__ == "__main__":
    run(main)

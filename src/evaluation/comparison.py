"""Models side by side: tables of how well each ranks what customers added.

A *ranking* is int16, (customers, k), best first, -1 behind the last; *relevant* is bool,
(customers, items), what each customer added, or paid for the first time.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.evaluation import metrics
from src.evaluation.intervals import Interval, bootstrap_means
from src.lists import LIST_LENGTH

Rankings = dict[str, NDArray[np.int16]]


def precisions(lists: Rankings, additions: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """AP@7 of each adder by model; (adders,)."""
    adds = additions.any(axis=1)
    return {
        name: metrics.average_precision(ranking[adds], additions[adds], LIST_LENGTH)
        for name, ranking in lists.items()
    }


def compare(
    lists: Rankings,
    additions: NDArray[np.bool_],
    precision: dict[str, NDArray[np.float64]],
    resamples: int,
    seed: int,
) -> dict[str, dict[str, float]]:
    """Ranking metrics of each model.

    Parameters
    ----------
    lists : dict of name -> int16 array, shape (customers, k)
    additions : bool array, shape (customers, products)
    precision : dict of name -> float array, shape (adders,)
        As `precisions` computes it.
    resamples, seed : int
        Of the bootstrap.

    Returns
    -------
    dict of name -> metrics
        MAP@7 over all customers and over adders with 95 % bootstrap intervals, recall@7 and hit
        rate@3 over adders, coverage@7.
    """
    means = mean_precisions(precision, len(additions), resamples, seed)
    found = shares_found(lists, additions)
    return {name: means[name] | found[name] for name in means}


def mean_precisions(
    precision: dict[str, NDArray[np.float64]], customers: int, resamples: int, seed: int
) -> dict[str, dict[str, float]]:
    """MAP@7 of each model with its intervals: the part of `compare` that needs no lists."""
    intervals = bootstrap_means(precision, customers, resamples, seed)
    return {name: with_intervals(*pair) for name, pair in intervals.items()}


def with_intervals(over_all: Interval, over_adders: Interval) -> dict[str, float]:
    """MAP@7 over all customers and over adders, under the names of the metrics."""
    return over_all.named("map@7") | over_adders.named("map@7_adders")


def shares_found(lists: Rankings, additions: NDArray[np.bool_]) -> dict[str, dict[str, float]]:
    """Recall, hit rate and coverage of each model: the part of `compare` without intervals."""
    adds = additions.any(axis=1)
    wanted = additions[adds]
    return {
        name: {
            "recall@7_adders": metrics.recall(ranking[adds], wanted, LIST_LENGTH).mean(),
            "hit_rate@3_adders": metrics.hit_rate(ranking[adds], wanted, 3).mean(),
            "coverage@7": metrics.coverage(ranking, additions.shape[1], LIST_LENGTH),
        }
        for name, ranking in lists.items()
    }


def by_slice(
    slices: dict[str, NDArray[np.bool_]], lists: Rankings, additions: NDArray[np.bool_]
) -> dict[str, dict[str, object]]:
    """MAP@7 of each model within each slice."""
    table: dict[str, dict[str, object]] = {}
    for title, members in slices.items():
        wanted = additions[members]
        adds = wanted.any(axis=1)
        table[title] = {"customers": int(members.sum()), "adders": int(adds.sum())}
        if adds.any():
            for name, ranking in lists.items():
                precision = metrics.average_precision(
                    ranking[members][adds], wanted[adds], LIST_LENGTH
                )
                table[title][name] = {
                    "map@7": precision.sum() / members.sum(),
                    "map@7_adders": precision.mean(),
                }
    return table


def map_at_k(lists: Rankings, additions: NDArray[np.bool_]) -> pd.DataFrame:
    """MAP@k among adders for k = 1 … 7; columns model, k, map."""
    adds = additions.any(axis=1)
    rows = [
        (name, k, metrics.average_precision(ranking[adds], additions[adds], k).mean())
        for name, ranking in lists.items()
        for k in range(1, LIST_LENGTH + 1)
    ]
    return pd.DataFrame(rows, columns=["model", "k", "map"])


def product_precision(
    scores: dict[str, NDArray[np.float32]],
    held: NDArray[np.bool_],
    additions: NDArray[np.bool_],
    titles: dict[str, str],
) -> pd.DataFrame:
    """Average precision of each product among the adders who did not hold it.

    Columns product, title, additions, share (of those adders: what a blind guess scores), and one
    per model of `scores`. Products that nobody added are left out. `titles` names all products, in
    the order of their columns.
    """
    # A second to import, which the monthly cycle and the backtest need not wait for.
    from sklearn.metrics import average_precision_score

    rows = []
    for index, (product, title) in enumerate(titles.items()):
        free = additions.any(axis=1) & ~held[:, index]
        truth = additions[free, index]
        if truth.any():
            precision = {
                name: average_precision_score(truth, values[free, index])
                for name, values in scores.items()
            }
            rows.append(
                {"product": product, "title": title, "additions": int(truth.sum())}
                | {"share": truth.mean(), **precision}
            )
    return pd.DataFrame(rows).sort_values(["additions", "product"], ascending=[False, True])


def reliability(probabilities: NDArray[np.float32], additions: NDArray[np.bool_]) -> pd.DataFrame:
    """Predicted against observed share of additions, in ten bins of the prediction.

    One row per bin of (adder, product) pairs; an adder of several products counts once in all, as
    their probabilities sum to 1. Columns bin, pairs, predicted, observed.
    """
    adds = additions.any(axis=1)
    predicted = probabilities[adds].ravel().astype(np.float64)
    observed = (additions[adds] / additions[adds].sum(axis=1, keepdims=True)).ravel()
    bins = np.minimum((predicted * 10).astype(int), 9)
    table = pd.DataFrame({"bin": bins, "predicted": predicted, "observed": observed})
    grouped = table.groupby("bin").agg(
        pairs=("predicted", "size"), predicted=("predicted", "mean"), observed=("observed", "mean")
    )
    return grouped.reset_index()

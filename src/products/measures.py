"""What evaluate measures: rankings of additions, slices, holdings, products, probabilities."""

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from src import metrics
from src.models.customers import Customers, Scores
from src.models.kmeans import KMeans
from src.products.offers import LIST_LENGTH
from src.products.schema import Schema
from src.products.scoring import Models

Lists = dict[str, NDArray[np.int16]]


def precisions(lists: Lists, additions: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
    """AP@7 of each adder by model; (adders,)."""
    adds = additions.any(axis=1)
    return {
        name: metrics.average_precision(ranking[adds], additions[adds], LIST_LENGTH)
        for name, ranking in lists.items()
    }


def compare(
    lists: Lists,
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
    adds = additions.any(axis=1)
    wanted = additions[adds]
    intervals = metrics.bootstrap_means(precision, len(additions), resamples, seed)
    table = {}
    for name, (over_all, over_adders) in intervals.items():
        ranking = lists[name][adds]
        table[name] = {
            "map@7": over_all.mean,
            "map@7_lo": over_all.low,
            "map@7_hi": over_all.high,
            "map@7_adders": over_adders.mean,
            "map@7_adders_lo": over_adders.low,
            "map@7_adders_hi": over_adders.high,
            "recall@7_adders": metrics.recall(ranking, wanted, LIST_LENGTH).mean(),
            "hit_rate@3_adders": metrics.hit_rate(ranking, wanted, 3).mean(),
            "coverage@7": metrics.coverage(lists[name], additions.shape[1], LIST_LENGTH),
        }
    return table


def slices_of(customers: Customers) -> dict[str, NDArray[np.bool_]]:
    """Who belongs to which slice: customers new to the bank, and each segment; (customers,)."""
    members = {}
    if "new_customer" in customers.profile:
        members["cold_start"] = (customers.profile["new_customer"] == "1").to_numpy()
    if "segment" in customers.profile:
        for segment in sorted(customers.profile["segment"].cat.categories):
            members[f"segment {segment}"] = (customers.profile["segment"] == segment).to_numpy()
    return members


def by_slice(
    slices: dict[str, NDArray[np.bool_]], lists: Lists, additions: NDArray[np.bool_]
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


def adder_table(adders: Customers, precision: dict[str, NDArray[np.float64]]) -> pa.Table:
    """What `src.compare` pairs: customer, AP@7 of each model, and True for each slice of his.

    Scores are the columns of float, slices those of bool; rows in the order of ids.
    """
    return pa.table({"customer": adders.history.customers, **precision, **slices_of(adders)})


def holdings_measures(
    models: Models, customers: Customers, scores: dict[str, Scores], held: NDArray[np.bool_]
) -> dict[str, dict[str, float]]:
    """The first system's own measures: how well holdings, not additions, are told.

    Parameters
    ----------
    held : bool array, shape (customers, products)
        Holdings in the test month: its usage share, 1 or 0 as the window has one month.

    Returns
    -------
    dict
        ``als`` and ``mlc``: NDCG@3 over customers with at least three products; ``kmeans``: NDCG@3
        over clusters, training means against test means; ``mlc``: F1 and ROC AUC weighted by
        product, from probabilities and (as that system printed it) from labels. A measure is left
        out where nobody holds three products, or fewer than two products tell customers apart.
    """
    three = held.sum(axis=1) >= 3
    usage = held.astype(np.float64)
    result = {
        name: {"ndcg@3": metrics.ndcg(scores[name][three], usage[three], 3)}
        for name in ("als", "mlc")
    }
    kmeans = models.base["kmeans"]
    assert isinstance(kmeans, KMeans)  # noqa: S101
    clusters = kmeans.clusters(customers)
    means = pd.DataFrame(usage).groupby(clusters).mean()
    result["kmeans"] = {"ndcg@3": metrics.ndcg(kmeans.holdings[means.index], means.to_numpy(), 3)}
    varied = held.any(axis=0) & ~held.all(axis=0)
    truth, probability = held[:, varied], scores["mlc"][:, varied]
    if varied.sum() >= 2:  # scikit-learn would take a single one for two classes
        label = probability > 0.5
        result["mlc"] |= {
            "f1_weighted": f1_score(truth, label, average="weighted", zero_division=0.0),
            "roc_auc_weighted": roc_auc_score(truth, probability, average="weighted"),
            "roc_auc_weighted_of_labels": roc_auc_score(truth, label, average="weighted"),
        }
    return {
        name: {measure: value for measure, value in values.items() if not np.isnan(value)}
        for name, values in result.items()
    }


def map_at_k(lists: Lists, additions: NDArray[np.bool_]) -> pd.DataFrame:
    """MAP@k among adders for k = 1 … 7; columns model, k, map."""
    adds = additions.any(axis=1)
    rows = [
        (name, k, metrics.average_precision(ranking[adds], additions[adds], k).mean())
        for name, ranking in lists.items()
        for k in range(1, LIST_LENGTH + 1)
    ]
    return pd.DataFrame(rows, columns=["model", "k", "map"])


def product_precision(
    scores: dict[str, Scores],
    held: NDArray[np.bool_],
    additions: NDArray[np.bool_],
    schema: Schema,
) -> pd.DataFrame:
    """Average precision of each product among the adders who did not hold it.

    Columns product, title, additions, share (of those adders: what a blind guess scores), and one
    per model of `scores`. Products that nobody added are left out.
    """
    rows = []
    for index, (product, title) in enumerate(schema.products.items()):
        free = additions.any(axis=1) & ~held[:, index]
        truth = additions[free, index]
        if truth.any():
            precision = {
                name: average_precision_score(truth, values[free, index])
                for name, values in scores.items()
            }
            rows.append(
                {"product": product, "title": title.en, "additions": int(truth.sum())}
                | {"share": truth.mean(), **precision}
            )
    return pd.DataFrame(rows).sort_values(["additions", "product"], ascending=[False, True])


def reliability(probabilities: Scores, additions: NDArray[np.bool_]) -> pd.DataFrame:
    """Predicted against observed share of additions, in ten bins of the prediction.

    One row per bin of (adder, product) pairs; an adder of several products counts once in all, as
    his probabilities sum to 1. Columns bin, pairs, predicted, observed.
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

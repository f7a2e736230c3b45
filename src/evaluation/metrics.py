"""Ranking and classification metrics: arrays in, floats out, no state.

Shapes are (customers, ...) throughout. A *ranking* holds item indices, best first, -1 for "no
item"; *relevant* is True where the customer added the item.
"""

import numpy as np
from numpy.typing import NDArray


def hits(ranking: NDArray[np.int16], relevant: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each recommended item is relevant; shape of `ranking`."""
    found = np.take_along_axis(relevant, np.maximum(ranking, 0).astype(np.intp), axis=1)
    return found & (ranking >= 0)


def average_precision(
    ranking: NDArray[np.int16], relevant: NDArray[np.bool_], k: int
) -> NDArray[np.float64]:
    """AP@k of each customer, shape (customers,).

    ``sum over ranks r <= k of (precision at r where r hits) / min(k, number of relevant items)``,
    0 for a customer without relevant items (Kaggle's Santander competition, ``apk`` of
    benhamner/Metrics).
    """
    hit = hits(ranking[:, :k], relevant)
    precision = np.cumsum(hit, axis=1) / np.arange(1, hit.shape[1] + 1)
    wanted = np.minimum(relevant.sum(axis=1), k)
    # without relevant items there are no hits either, so the sum is 0
    score: NDArray[np.float64] = (precision * hit).sum(axis=1) / np.maximum(wanted, 1)
    return score


def recall(ranking: NDArray[np.int16], relevant: NDArray[np.bool_], k: int) -> NDArray[np.float64]:
    """Share of each customer's relevant items within the first k; 0 without relevant items."""
    wanted = relevant.sum(axis=1)
    found = hits(ranking[:, :k], relevant).sum(axis=1)
    return np.asarray(found / np.maximum(wanted, 1))


def hit_rate(
    ranking: NDArray[np.int16], relevant: NDArray[np.bool_], k: int
) -> NDArray[np.float64]:
    """1.0 for a customer with at least one relevant item within the first k, else 0.0."""
    return np.asarray(hits(ranking[:, :k], relevant).any(axis=1), dtype=np.float64)


def coverage(ranking: NDArray[np.int16], items: int, k: int) -> float:
    """Share of the catalogue of `items` that is recommended to anybody within the first k."""
    shown = np.unique(ranking[:, :k])
    return float((shown >= 0).sum() / items)


def ndcg(scores: NDArray[np.float32], relevance: NDArray[np.float64], k: int) -> float:
    """Mean NDCG@k of unmasked scores against graded relevance, both (customers, items).

    ``DCG = sum over ranks r of relevance / log2(r + 1)``, divided by the DCG of the ideal order
    (Järvelin and Kekäläinen 2002, linear gain). Ties go to the lower index. Customers without any
    relevance are left out; NaN when there are none.
    """
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    discount = 1.0 / np.log2(np.arange(2, order.shape[1] + 2))
    gained = (np.take_along_axis(relevance, order, axis=1) * discount).sum(axis=1)
    ideal = (-np.sort(-relevance, axis=1)[:, :k] * discount).sum(axis=1)
    scored = ideal > 0
    return float((gained[scored] / ideal[scored]).mean()) if scored.any() else float("nan")

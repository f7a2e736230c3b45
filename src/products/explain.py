"""Why a product stands in a list: the features that speak for it most, by SHAP values."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from src.models.contract import Scores
from src.models.customers import Customers
from src.models.ranker import Ranker
from src.models.shap import LeafShap
from src.ranking import top_k

COUNT = 3  # per product

_AT_ONCE = 5_000  # customers: all contributions to all products of a list take 50 MB


@dataclass(frozen=True)
class Reasons:
    """Strongest reasons of products in lists.

    Attributes
    ----------
    features : int16 array, shape (customers, k, COUNT)
        Features of the ranker, the strongest first; -1 where nothing else speaks for the product.
    values : float32 array, shape (customers, k, COUNT)
        What the features are for the customer.
    contributions : float32 array, shape (customers, k, COUNT)
        SHAP values: what each adds to the product's log-odds; above 0.
    """

    features: NDArray[np.int16]
    values: NDArray[np.float32]
    contributions: NDArray[np.float32]


def explain(
    ranker: Ranker, shap: LeafShap, matrix: NDArray[np.float32], items: NDArray[np.int16]
) -> Reasons:
    """Find what speaks for some items.

    Parameters
    ----------
    matrix : float32 array, shape (customers, features)
        As `Ranker.features` makes it.
    items : int16 array, shape (customers, k)
        -1 where a list ends; items never added in training have no reasons.
    """
    class_of = np.full(len(ranker.products) + 1, -1, dtype=np.intp)  # item -1: the last
    class_of[ranker.classes] = np.arange(len(ranker.classes))
    classes = class_of[items]
    found = shap.values_of(matrix, np.maximum(classes, 0))
    found[classes < 0] = 0
    about = _products_of_scores(ranker, matrix.shape[1])
    found[(about >= 0) & (about != items[:, :, None])] = 0
    best = np.argpartition(-found, COUNT, axis=2)[:, :, :COUNT]
    strength = np.take_along_axis(found, best, axis=2)
    order = np.argsort(-strength, axis=2, kind="stable")
    best = np.take_along_axis(best, order, axis=2)
    strength = np.take_along_axis(strength, order, axis=2)
    values = np.take_along_axis(matrix[:, None, :], best, axis=2)
    return Reasons(np.where(strength > 0, best, -1).astype(np.int16), values, strength)


def _products_of_scores(ranker: Ranker, features: int) -> NDArray[np.int16]:
    """Item that each first-stage score is about; -1 for other features.

    What a first-stage model thinks of another product helps the ranker, but tells nobody anything.
    """
    about = np.full(features, -1, dtype=np.int16)
    scores = len(ranker.models) * len(ranker.products)
    if scores:  # they come last
        about[-scores:] = np.tile(np.arange(len(ranker.products)), len(ranker.models))
    return about


def reasons_table(
    ranker: Ranker, shap: LeafShap, customers: Customers, scores: dict[str, Scores], k: int
) -> pa.Table:
    """Reasons for the products of the blend's top-k lists, one row per product.

    Parameters
    ----------
    scores : dict of model -> float32 array, shape (customers, products)
        Of the first-stage models, and of the blend.

    Returns
    -------
    pa.Table
        customer, rank, and ``feature_n``, ``value_n``, ``contribution_n`` of the n-th reason; by
        customer and rank, as the lists themselves.
    """
    width = min(k, len(ranker.products))
    items = top_k(scores["blend"], width, customers.history.holdings())
    parts = []
    for start in range(0, len(customers), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        base = {name: scores[name][part] for name in ranker.models}
        names, matrix = ranker.features(customers.of(part), base)
        shown = items[part] >= 0
        rows, ranks = np.nonzero(shown)
        columns = {
            "customer": customers.history.customers[part][rows],
            "rank": (ranks + 1).astype(np.int8),
        }
        reasons = explain(ranker, shap, matrix, items[part])
        for place in range(COUNT):
            features = reasons.features[shown, place]
            codes = pa.array(features, mask=features < 0)
            columns[f"feature_{place + 1}"] = pa.DictionaryArray.from_arrays(codes, names)
            columns[f"value_{place + 1}"] = reasons.values[shown, place]
            columns[f"contribution_{place + 1}"] = reasons.contributions[shown, place]
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)

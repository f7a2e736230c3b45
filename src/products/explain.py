"""Why a product is in a list: the features that speak for it most, by SHAP values."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from src.models.history import Ids
from src.models.ranker import Ranker
from src.models.shap import LeafShap

COUNT = 3  # per product

_AT_ONCE = 1_000  # customers: all contributions to all products of a list take 10 MB


@dataclass(frozen=True)
class Reasons:
    """Strongest reasons of products in lists.

    Attributes
    ----------
    features : int16 array, shape (customers, k, COUNT)
        Features of the ranker, the strongest first, equal ones by their index; -1 where nothing
        else speaks for the product.
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
    # A first-stage model's score for another product helps the ranker, but explains nothing to a
    # reader. These scores come last.
    about = np.tile(np.arange(len(ranker.products)), len(ranker.models))
    of_scores = found[:, :, found.shape[2] - len(about) :]
    of_scores[about != items[:, :, None]] = 0
    pairs = found.reshape(items.size, found.shape[2])
    customer, each = np.repeat(np.arange(len(items)), items.shape[1]), np.arange(items.size)
    shape = (items.size, COUNT)
    best, values = np.empty(shape, dtype=np.int16), np.empty(shape, dtype=np.float32)
    strength = np.empty(shape, dtype=np.float32)
    for place in range(COUNT):  # quicker than even a partial order of all features
        feature = pairs.argmax(axis=1)
        strength[:, place] = pairs[each, feature]
        values[:, place] = matrix[customer, feature]
        best[:, place] = np.where(strength[:, place] > 0, feature, -1)
        pairs[each, feature] = -np.inf
    shape = (*items.shape, COUNT)
    return Reasons(best.reshape(shape), values.reshape(shape), strength.reshape(shape))


def reasons_table(
    ranker: Ranker,
    shap: LeafShap,
    customers: Ids,
    names: list[str],
    matrix: NDArray[np.float32],
    items: NDArray[np.int16],
) -> pa.Table:
    """Reasons for the products of the blend's lists, one row per product.

    Parameters
    ----------
    customers : array, shape (customers,)
        Ids.
    names : list of str
    matrix : float32 array, shape (customers, features)
        As `Ranker.features` makes both.
    items : int16 array, shape (customers, k)
        The lists; -1 where one ends.

    Returns
    -------
    pa.Table
        customer, rank, and ``feature_n``, ``value_n``, ``contribution_n`` of the n-th reason; by
        customer and rank, as the lists themselves.
    """
    parts = []
    for start in range(0, len(items), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        shown = items[part] >= 0
        rows, ranks = np.nonzero(shown)
        columns = {"customer": customers[part][rows], "rank": (ranks + 1).astype(np.int8)}
        # Column by column, as CatBoost takes it without a copy.
        reasons = explain(ranker, shap, np.asfortranarray(matrix[part]), items[part])
        for place in range(COUNT):
            features = reasons.features[shown, place]
            codes = pa.array(features, mask=features < 0)
            columns[f"feature_{place + 1}"] = pa.DictionaryArray.from_arrays(codes, names)
            columns[f"value_{place + 1}"] = reasons.values[shown, place]
            columns[f"contribution_{place + 1}"] = reasons.contributions[shown, place]
        parts.append(pa.table(columns))
    return pa.concat_tables(parts)

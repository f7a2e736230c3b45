"""Why a product, and why anything at all: the features that speak for it most, by SHAP values."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from catboost import CatBoost
from numpy.typing import NDArray

from src.errors import InputError
from src.models.contract import CannotFitError, Scores
from src.models.history import Ids
from src.models.propensity import Propensity
from src.models.ranker import Ranker
from src.models.shap import LeafShap
from src.products.scoring import Models

COUNT = 3  # per product, and for anything

_AT_ONCE = 1_000  # customers: all contributions to all products of a list take 10 MB


@dataclass(frozen=True)
class Reasons:
    """Strongest reasons: of k products in a list, or of adding anything, where there is no k.

    Attributes
    ----------
    features : int16 array, shape (customers, k, COUNT) or (customers, COUNT)
        Features of the model, the strongest first, equal ones by their index; -1 where nothing
        else speaks for it.
    values : float32 array, same shape
        What the features are for the customer.
    contributions : float32 array, same shape
        SHAP values: what each adds to the log-odds; above 0.
    """

    features: NDArray[np.int16]
    values: NDArray[np.float32]
    contributions: NDArray[np.float32]


@dataclass(frozen=True)
class Explained:
    """Models with what is needed to give reasons.

    Attributes
    ----------
    models : Models
    shap : LeafShap
        Of the ranker.
    who_shap : LeafShap
        Of propensity.
    """

    models: Models
    shap: LeafShap
    who_shap: LeafShap

    @classmethod
    def of(cls, models: Models) -> "Explained":
        """Find the SHAP values of the leaves.

        Raises
        ------
        InputError
            Trees are too deep.
        """
        return cls(
            models,
            _leaf_shap(models.ranker.booster, "blend"),
            _leaf_shap(models.propensity.booster, "train_propensity"),
        )

    def save(self, folder: str | Path) -> None:
        """Write the models; the rest follows from them."""
        self.models.save(folder)

    @classmethod
    def load(cls, folder: str | Path) -> "Explained":
        """Read what `save` wrote."""
        return cls.of(Models.load(folder))


def _leaf_shap(booster: CatBoost, section: str) -> LeafShap:
    try:
        return LeafShap.of(booster)
    except CannotFitError as error:
        raise InputError(f"{error}: lower {section}.depth in params.yaml") from None


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
    customer = np.repeat(np.arange(len(items)), items.shape[1])
    best = _strongest(found.reshape(items.size, found.shape[2]), matrix, customer)
    shape = (*items.shape, COUNT)
    return Reasons(
        best.features.reshape(shape), best.values.reshape(shape), best.contributions.reshape(shape)
    )


def explain_anything(
    propensity: Propensity, shap: LeafShap, matrix: NDArray[np.float32], chances: Scores
) -> Reasons:
    """Find what speaks for adding anything at all.

    The SHAP values of a product are parts of its log-odds. They are summed over the products, each
    times ``p / q``, the derivative of the log-odds of anything by those of the product
    (`Propensity.pull`): the share of a feature in the chance of anything, to first order. Products
    without a booster have the rate of a segment, and no part in it.

    Parameters
    ----------
    shap : LeafShap
        Of the booster of `propensity`.
    matrix : float32 array, shape (customers, features)
        As `Propensity.features` makes it.
    chances : float32 array, shape (customers, products)
        As `Propensity.score` makes them.
    """
    if not propensity.ends:
        none = np.zeros(matrix.shape, dtype=np.float32)
        return _strongest(none, matrix, np.arange(len(matrix)))
    pull = propensity.pull(chances)[:, propensity.classes]
    found = shap.weighted(matrix, pull, propensity.ends)
    return _strongest(found, matrix, np.arange(len(matrix)))


def _strongest(
    found: NDArray[np.float32], matrix: NDArray[np.float32], customer: NDArray[np.intp]
) -> Reasons:
    """The strongest of each row of contributions, which are used up; values of its customer."""
    each, shape = np.arange(len(found)), (len(found), COUNT)
    best, values = np.empty(shape, dtype=np.int16), np.empty(shape, dtype=np.float32)
    strength = np.empty(shape, dtype=np.float32)
    for place in range(COUNT):  # quicker than even a partial order of all features
        feature = found.argmax(axis=1)
        strength[:, place] = found[each, feature]
        values[:, place] = matrix[customer, feature]
        best[:, place] = np.where(strength[:, place] > 0, feature, -1)
        found[each, feature] = -np.inf
    return Reasons(best, values, strength)


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
        told = Reasons(reasons.features[shown], reasons.values[shown], reasons.contributions[shown])
        parts.append(pa.table(columns | _columns(told, names)))
    return pa.concat_tables(parts)


def anything_table(
    propensity: Propensity,
    shap: LeafShap,
    customers: Ids,
    matrix: NDArray[np.float32],
    chances: Scores,
) -> pa.Table:
    """Reasons for adding anything, a row per customer; parameters as in `explain_anything`.

    Returns
    -------
    pa.Table
        customer, and columns as in `reasons_table`.
    """
    reasons = explain_anything(propensity, shap, matrix, chances)
    return pa.table({"customer": customers} | _columns(reasons, propensity.names))


def _columns(reasons: Reasons, names: list[str]) -> dict[str, Any]:
    """Columns of reasons, shapes (rows, COUNT)."""
    columns: dict[str, Any] = {}
    for place in range(COUNT):
        features = reasons.features[:, place]
        codes = pa.array(features, mask=features < 0)
        columns[f"feature_{place + 1}"] = pa.DictionaryArray.from_arrays(codes, names)
        columns[f"value_{place + 1}"] = reasons.values[:, place]
        columns[f"contribution_{place + 1}"] = reasons.contributions[:, place]
    return columns

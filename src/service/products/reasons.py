"""Reasons of answers: read for the lists of known customers, computed for everybody else."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.errors import InputError
from src.models.contract import Scores
from src.models.propensity import Propensity
from src.models.ranker import Ranker
from src.models.shap import LeafShap
from src.products import paths
from src.products.explain import COUNT, explain, explain_anything
from src.products.schema import Schema
from src.service.products.offline_lists import OfflineLists
from src.service.products.parquet import Table, codes_of
from src.service.products.phrases import Phrases
from src.service.products.wording import Wording

_COLUMNS = ("feature", "value", "contribution")


@dataclass(frozen=True)
class StoredReasons:
    """Reasons that recommend wrote: a row per product of the personal lists, or per customer.

    Attributes
    ----------
    features : int16 array, shape (rows, COUNT)
        -1 where there is no further reason.
    values : float32 array, shape (rows, COUNT)
        Minus infinity where the customer has no value.
    thousandths : int16 array, shape (rows, COUNT)
        Contributions: as exact as anybody needs, and short in JSON.
    """

    features: NDArray[np.int16]
    values: NDArray[np.float32]
    thousandths: NDArray[np.int16]

    @classmethod
    def read(cls, path: str, names: list[str]) -> "StoredReasons":
        """Read them.

        Parameters
        ----------
        names : list of str
            Features of the model that they are about.

        Raises
        ------
        InputError
            The file is missing or damaged, or is about another model.
        """
        table = Table.open(path)
        places = [f"{what}_{place}" for what in _COLUMNS for place in range(1, COUNT + 1)]
        table.require(places)
        shape = len(table), COUNT
        stored = cls(
            # Written by column, of which there are few and long ones.
            np.empty(shape, dtype=np.int16, order="F"),
            np.empty(shape, dtype=np.float32, order="F"),
            np.empty(shape, dtype=np.int16, order="F"),
        )
        for place in range(COUNT):
            columns = table.file.read(columns=[f"{what}_{place + 1}" for what in _COLUMNS])
            feature, value, contribution = columns.itercolumns()
            stored.features[:, place] = codes_of(feature, names, f"{path}: feature")
            stored.values[:, place] = _findable(value.to_numpy())
            stored.thousandths[:, place] = _thousandths(contribution.to_numpy())
        return stored


def begins_of(personal: OfflineLists) -> NDArray[np.int32]:
    """Row of the reasons of each customer's first product in the personal lists; (customers,).

    Raises
    ------
    InputError
        The reasons are not those of these lists.
    """
    table = Table.open(paths.REASONS)
    table.require(["rank"])
    shown = personal.items >= 0
    ranks = np.broadcast_to(np.arange(1, shown.shape[1] + 1, dtype=np.int8), shown.shape)
    if not np.array_equal(table.read("rank").to_numpy(), ranks[shown]):
        raise InputError(
            f"{paths.REASONS} is not about the personal lists; run dvc repro or dvc pull"
        )
    begins = np.zeros(len(shown), dtype=np.int32)
    np.cumsum(shown[:-1].sum(axis=1), out=begins[1:])
    return begins


def _findable(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """NaN is not equal to itself, so phrases would be made again and again."""
    return np.where(np.isnan(values), np.float32(-np.inf), values)


def _thousandths(contributions: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.asarray(np.rint(np.minimum(contributions, 32) * 1000), dtype=np.int16)


class Explainer:
    """What speaks for products, and for adding anything, in words."""

    def __init__(
        self, schema: Schema, ranker: Ranker, propensity: Propensity, wording: Wording
    ) -> None:
        self._ranker = ranker
        self._propensity = propensity
        self._shap = LeafShap.of(ranker.booster)
        self._who_shap = LeafShap.of(propensity.booster)
        self._products = list(schema.products)
        names = list(ranker.booster.feature_names_)
        self._phrases = Phrases(schema, ranker.encoder, names, wording)
        self._who_phrases = Phrases(schema, propensity.encoder, propensity.names, wording)

    def read(self, stored: StoredReasons, begin: int, count: int) -> list[list[dict[str, Any]]]:
        """Reasons of the first products of a known customer's personal list."""
        rows = slice(begin, begin + count)
        return _told(
            self._phrases, stored.features[rows], stored.values[rows], stored.thousandths[rows]
        )

    def computed(self, matrix: NDArray[np.float32], items: list[int]) -> list[list[dict[str, Any]]]:
        """Reasons of the blend for some items of the one customer whose features are given."""
        reasons = explain(self._ranker, self._shap, matrix, np.array([items], dtype=np.int16))
        return _told(
            self._phrases,
            reasons.features[0],
            _findable(reasons.values[0]),
            _thousandths(reasons.contributions[0]),
        )

    def read_anything(self, stored: StoredReasons, row: int) -> list[dict[str, Any]]:
        """Reasons of a known customer's chance of anything."""
        one = slice(row, row + 1)
        (told,) = _told(
            self._who_phrases, stored.features[one], stored.values[one], stored.thousandths[one]
        )
        return told

    def computed_anything(
        self, matrix: NDArray[np.float32], chances: Scores
    ) -> list[dict[str, Any]]:
        """Reasons of the chance of anything of the one customer whose features are given."""
        reasons = explain_anything(self._propensity, self._who_shap, matrix, chances)
        (told,) = _told(
            self._who_phrases,
            reasons.features,
            _findable(reasons.values),
            _thousandths(reasons.contributions),
        )
        return told

    def fallback(self, source: str, item: int, score: float) -> list[dict[str, Any]]:
        """The one reason of a product that is not from personal scores."""
        return [self._phrases.fallback(source, self._products[item], score)]


def _told(
    phrases: Phrases,
    features: NDArray[np.int16],
    values: NDArray[np.float32],
    thousandths: NDArray[np.int16],
) -> list[list[dict[str, Any]]]:
    """Reasons in words, a list per row."""
    return [
        [
            {**phrases.phrase(feature, value), "contribution": thousandth / 1000}
            for feature, value, thousandth in zip(*one, strict=True)
            if feature >= 0
        ]
        for one in zip(features.tolist(), values.tolist(), thousandths.tolist(), strict=True)
    ]

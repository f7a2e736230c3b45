"""The second-stage ranker: which product does an adder add? (CatBoost, MultiClass)."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier, Pool
from numpy.typing import NDArray
from pydantic import Field

from src.models.boosting import (
    BoosterSettings,
    fit_booster,
    load_booster,
    new_booster,
    predict,
    save_booster,
)
from src.models.contract import CannotFitError, Scores
from src.models.customers import Customers
from src.models.encoding import Encoder
from src.models.features import feature_blocks, feature_names

_HELD = np.float32(-8.0)  # e^-8: a product that is held is hardly ever added


class RankerSettings(BoosterSettings):
    """Hyperparameters, and what the ranker looks at; the training sample consists of adders.

    `models` are the first-stage models whose scores it sees; `lags` are months back at which
    holdings are given one by one; `month_decay` is the weight of a blend month relative to the one
    after it.
    """

    models: list[str]
    lags: list[int] = Field(min_length=1)
    month_decay: float = Field(gt=0, le=1)
    colsample_bylevel: float = Field(gt=0, le=1)


@dataclass(frozen=True)
class Ranker:
    """P(product | the customer adds something), from history, profile and first-stage scores.

    The booster starts from the log of each product's share of additions, and from almost nothing
    for products already held, so that no tree is spent on what the mask knows.

    Attributes
    ----------
    encoder : Encoder
        Categories of the profile.
    products : tuple of str
        Names of the items.
    models : tuple of str
        First-stage models whose scores are features.
    lags : tuple of int
        Months back at which holdings are features.
    classes : int array, shape (classes,)
        Items that were added in training.
    prior : float32 array, shape (items,)
        Share of each item among additions, smoothed by one addition: above 0 for all.
    loss : tuple of float
        Training loss after each iteration.
    """

    booster: CatBoostClassifier
    encoder: Encoder
    products: tuple[str, ...]
    models: tuple[str, ...]
    lags: tuple[int, ...]
    classes: NDArray[np.intp]
    prior: NDArray[np.float32]
    loss: tuple[float, ...] = ()

    @classmethod
    def fit(
        cls,
        adders: Customers,
        scores: dict[str, Scores],
        additions: NDArray[np.bool_],
        weights: NDArray[np.float64],
        products: list[str],
        settings: RankerSettings,
    ) -> "Ranker":
        """Learn from customers who added something.

        Parameters
        ----------
        adders : Customers
            As known the month before they added.
        scores : dict of first-stage model -> float32 array, shape (adders, items)
        additions : bool array, shape (adders, items)
        weights : float array, shape (adders,)
            Of each adder; split evenly between the products that they added.
        products : list of str
            Names of the items.
        settings : RankerSettings
            Lags beyond the longest history of `adders` are left out.

        Raises
        ------
        CannotFitError
            Fewer than two products were added.
        """
        rows, items = np.nonzero(additions)
        classes = np.unique(items)
        if len(classes) < 2:
            added = ", ".join(products[item] for item in classes) or "nothing"
            raise CannotFitError(
                f"the customers add {added}, but ranking needs at least two products"
            )
        longest = int(np.bitwise_or.reduce(adders.history.present)).bit_length()
        lags = tuple(lag for lag in settings.lags if lag <= longest)
        row_weights = weights[rows] / additions.sum(axis=1)[rows]
        counts = np.bincount(items, weights=row_weights, minlength=len(products)) + 1
        prior = (counts / counts.sum()).astype(np.float32)
        booster = new_booster("MultiClass", settings, rsm=settings.colsample_bylevel)
        untrained = cls(
            booster,
            Encoder.fit(adders.profile),
            tuple(products),
            tuple(settings.models),
            lags,
            classes,
            prior,
        )
        names, matrix = untrained.features(adders, scores)
        pool = Pool(
            matrix[rows],
            np.searchsorted(classes, items),
            weight=row_weights,
            baseline=untrained._baseline(adders)[rows][:, classes],
            feature_names=names,
        )
        loss = fit_booster(booster, pool)
        return replace(untrained, loss=loss)

    def features(
        self, customers: Customers, scores: dict[str, Scores]
    ) -> tuple[list[str], NDArray[np.float32]]:
        """Names, and values (customers, features): history, profile, ``model:product`` scores.

        The values are in Fortran order (by column), which CatBoost takes without a copy.
        """
        names = [*feature_names(self.products, self.lags), *self.encoder.names]
        blocks = feature_blocks(customers.history, self.lags)
        blocks.append(self.encoder.transform(customers.profile))
        for model in self.models:
            names += [f"{model}:{product}" for product in self.products]
            blocks.append(scores[model])
        return names, np.concatenate([block.T for block in blocks]).T

    def score(self, customers: Customers, scores: dict[str, Scores]) -> Scores:
        """P(item | adds something); (customers, items), rows sum to 1."""
        _, matrix = self.features(customers, scores)
        return self.score_features(customers, matrix)

    def score_features(self, customers: Customers, matrix: NDArray[np.float32]) -> Scores:
        """As `score`, from features already computed."""
        logits = self._baseline(customers)
        logits[:, self.classes] += predict(self.booster, matrix, "RawFormulaVal")
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), dtype=np.float32)

    def importances(self) -> pd.DataFrame:
        """Features by importance (mean change of the prediction, sums to 100); descending."""
        table = pd.DataFrame(
            {
                "feature": self.booster.feature_names_,
                "importance": self.booster.get_feature_importance(),
            }
        )
        return table.sort_values(["importance", "feature"], ascending=[False, True])

    def save(self, path: str | Path) -> None:
        """Write .cbm; our own fields go into its metadata."""
        save_booster(
            path,
            self.booster,
            {
                "encoder": self.encoder.to_json(),
                "products": self.products,
                "models": self.models,
                "lags": self.lags,
                "classes": self.classes.tolist(),
                "prior": self.prior.tolist(),
            },
        )

    @classmethod
    def load(cls, path: str | Path) -> "Ranker":
        """Read .cbm."""
        booster, ours = load_booster(path)
        return cls(
            booster,
            Encoder.from_json(ours["encoder"]),
            tuple(ours["products"]),
            tuple(ours["models"]),
            tuple(ours["lags"]),
            np.array(ours["classes"], dtype=np.intp),
            np.array(ours["prior"], dtype=np.float32),
        )

    def _baseline(self, customers: Customers) -> NDArray[np.float32]:
        held = customers.history.holdings()
        return np.where(held, _HELD, np.float32(0)) + np.log(self.prior)

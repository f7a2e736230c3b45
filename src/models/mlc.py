"""MLC: a multi-label classifier of holdings from the profile (CatBoost, MultiLogloss)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from catboost import CatBoostClassifier, Pool
from numpy.typing import NDArray

from src.evaluation.holdings import label_metrics, ndcg_by_customer
from src.models.boosting import (
    BoosterSettings,
    fit_booster,
    idle_booster,
    load_booster,
    new_booster,
    predict,
    save_booster,
)
from src.models.contract import CannotFitError, Curve, FirstStage, Phrase, Scores
from src.models.customers import Customers
from src.models.encoding import Encoder


class MlcSettings(BoosterSettings):
    """Hyperparameters; the training sample consists of customer-months."""


@dataclass(frozen=True)
class Mlc:
    """A probability of holding each item; items that nobody or everybody holds are constants.

    If profiles cannot tell customers apart, all items are constants.

    Attributes
    ----------
    classes : int array, shape (classes,)
        Items that the booster scores.
    constant : float32 array, shape (items,)
        Share of holders, the score of the other items.
    loss : tuple of float
        Training MultiLogloss after each iteration.
    """

    booster: CatBoostClassifier
    encoder: Encoder
    classes: NDArray[np.intp]
    constant: NDArray[np.float32]
    loss: tuple[float, ...] = ()

    @classmethod
    def fit(cls, customers: Customers, holdings: NDArray[np.bool_], settings: MlcSettings) -> "Mlc":
        """Learn holdings, bool (customers, items), from profiles of the same month.

        Raises
        ------
        CannotFitError
            No item is held by some customers and not by others.
        """
        encoder = Encoder.fit(customers.profile)
        constant = holdings.mean(axis=0).astype(np.float32)
        classes = np.flatnonzero((constant > 0) & (constant < 1))
        if not len(classes):
            raise CannotFitError(
                f"among {len(holdings)} customer-months every product is held by all or by none, "
                "so there is nothing to learn"
            )
        features = encoder.transform(customers.profile)
        if not (features != features[:1]).any():
            nothing = np.zeros(0, dtype=np.intp)
            return cls(idle_booster(), encoder, nothing, constant)
        booster = new_booster("MultiLogloss", settings)
        labels = holdings[:, classes].astype(np.int8)
        pool = Pool(features, labels, feature_names=encoder.names)
        loss = fit_booster(booster, pool)
        return cls(booster, encoder, classes, constant, loss)

    def score(self, customers: Customers) -> Scores:
        """Score every item for every customer; see `Model`."""
        scores = np.tile(self.constant, (len(customers), 1))
        if not len(self.classes):
            return scores
        features = self.encoder.transform(customers.profile)
        chances = predict(self.booster, features, "Probability")
        scores[:, self.classes] = chances[
            :, -len(self.classes) :
        ]  # of one item: without, then with
        return scores

    def save(self, path: str | Path) -> None:
        """Write .cbm; our own fields go into its metadata."""
        save_booster(
            path,
            self.booster,
            {
                "encoder": self.encoder.to_json(),
                "classes": self.classes.tolist(),
                "constant": self.constant.tolist(),
            },
        )

    @classmethod
    def load(cls, path: str | Path) -> "Mlc":
        """Read .cbm."""
        booster, ours = load_booster(path)
        return cls(
            booster,
            Encoder.from_json(ours["encoder"]),
            np.array(ours["classes"], dtype=np.intp),
            np.array(ours["constant"], dtype=np.float32),
        )


FIRST_STAGE = FirstStage(
    name="mlc",
    turn=1,
    model=Mlc,
    settings=MlcSettings,
    file="mlc.cbm",
    offline_lists="mlc_recs.parquet",
    fit=lambda data, settings: Mlc.fit(*data.sample(settings.rows, settings.seed), settings),
    looks_at=frozenset({"profile"}),
    title=Phrase("similar profiles", "похожие профили"),
    score_means=Phrase("chance of holding it", "вероятность иметь продукт"),
    fallback="what customers with this profile hold",
    phrase=Phrase(
        "{p} of customers with this profile hold {t}", "{p} клиентов с таким профилем имеют «{t}»"
    ),
    metrics=lambda _model, _customers, scores, held: (
        ndcg_by_customer(scores, held) | label_metrics(scores, held)
    ),
    curve=Curve("iteration", "loss", "loss"),
)

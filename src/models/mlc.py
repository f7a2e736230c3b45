"""MLC: a multi-label classifier of holdings from the profile (CatBoost, MultiLogloss)."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from catboost import CatBoostClassifier, Pool
from numpy.typing import NDArray

from src.errors import InputError
from src.models.boosting import (
    BoosterSettings,
    fit_booster,
    load_booster,
    new_booster,
    save_booster,
)
from src.models.customers import Customers, Scores
from src.models.encoding import Encoder


class MlcSettings(BoosterSettings):
    """Hyperparameters; the training sample are customer-months."""


@dataclass(frozen=True)
class Mlc:
    """A probability of holding each item; items that nobody or everybody holds are constants.

    Attributes
    ----------
    learnt : int array, shape (learnt items,)
        Items that the booster tells apart.
    constant : float32 array, shape (items,)
        Share of holders, the score of the other items.
    loss : tuple of float
        Training MultiLogloss after each iteration.
    """

    booster: CatBoostClassifier
    encoder: Encoder
    learnt: NDArray[np.intp]
    constant: NDArray[np.float32]
    loss: tuple[float, ...] = ()

    @classmethod
    def fit(cls, customers: Customers, holdings: NDArray[np.bool_], settings: MlcSettings) -> "Mlc":
        """Learn holdings, bool (customers, items), from profiles of the same month.

        Raises
        ------
        InputError
            No item is held by some customers and not by others.
        """
        encoder = Encoder.fit(customers.profile)
        constant = holdings.mean(axis=0).astype(np.float32)
        learnt = np.flatnonzero((constant > 0) & (constant < 1))
        if not len(learnt):
            raise InputError(
                f"among {len(holdings)} customer-months of the base window every product is held "
                "by all or by none, so there is nothing to learn: take more with train_mlc.rows "
                "or lengthen split.base in params.yaml"
            )
        booster = new_booster("MultiLogloss", settings)
        features = encoder.transform(customers.profile)
        labels = holdings[:, learnt].astype(np.int8)
        pool = Pool(features, labels, feature_names=encoder.names)
        loss = fit_booster(booster, pool)
        return cls(booster, encoder, learnt, constant, loss)

    def score(self, customers: Customers) -> Scores:
        """Score every item for every customer; see `Model`."""
        scores = np.tile(self.constant, (len(customers), 1))
        features = self.encoder.transform(customers.profile)
        chances = self.booster.predict(features, prediction_type="Probability")
        scores[:, self.learnt] = chances[:, -len(self.learnt) :]  # of one item: without, then with
        return scores

    def save(self, path: str | Path) -> None:
        """Write .cbm; what is ours goes into its metadata."""
        save_booster(
            path,
            self.booster,
            {
                "encoder": self.encoder.to_json(),
                "learnt": self.learnt.tolist(),
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
            np.array(ours["learnt"], dtype=np.intp),
            np.array(ours["constant"], dtype=np.float32),
        )

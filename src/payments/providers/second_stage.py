"""The second stage: a booster ranks the candidates of all models, learnt on earlier windows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier, Pool
from numpy.typing import NDArray
from pydantic import Field

from src.errors import InputError
from src.models.boosting import (
    BoosterSettings,
    fit_booster,
    load_booster,
    new_booster,
    predict,
    save_booster,
)
from src.models.contract import CannotFitError
from src.payments.schema import PARAMS


class SecondStageSettings(BoosterSettings):
    """Hyperparameters, and what the second stage learns from.

    `models` give `per_model` candidates for each client; `windows` before the cut-off, each as long
    as the horizon, are learnt from. `rows` bounds the training sample: all first payments, and as
    many of the other candidates, drawn at random.
    """

    models: list[str] = Field(min_length=1)
    per_model: int = Field(ge=10, le=1000)
    windows: int = Field(ge=1)
    colsample_bylevel: float = Field(gt=0, le=1)


@dataclass(frozen=True)
class SecondStage:
    """Chance that a candidate is paid for the first time in the window, on no absolute scale.

    Attributes
    ----------
    booster : CatBoostClassifier
    names : tuple of str
        Its features, in order.
    """

    booster: CatBoostClassifier
    names: tuple[str, ...]

    @classmethod
    def fit(
        cls,
        names: Sequence[str],
        examples: Sequence[tuple[NDArray[np.float32], NDArray[np.bool_]]],
        settings: SecondStageSettings,
    ) -> "SecondStage":
        """Learn.

        Parameters
        ----------
        names : sequence of str
            Of the features.
        examples : sequence of (float32 array (pairs, features), bool array (pairs,))
            Candidates of each window, and which of them were paid.
        settings : SecondStageSettings

        Raises
        ------
        InputError
            None of the candidates was paid, or all were.
        """
        features = np.concatenate([matrix for matrix, _ in examples])
        paid = np.concatenate([labels for _, labels in examples])
        if paid.all() or not paid.any():
            raise InputError(
                f"of {len(paid):,} candidates of earlier windows {int(paid.sum()):,} were paid for "
                "the first time, so there is nothing to learn: set more windows or a longer "
                f"horizon in examples of {PARAMS}, or give payments of more days"
            )
        others = np.flatnonzero(~paid)
        wanted = min(max(settings.rows - int(paid.sum()), 1), len(others))
        drawn = np.random.default_rng(settings.seed).choice(others, size=wanted, replace=False)
        rows = np.sort(np.concatenate([np.flatnonzero(paid), drawn]))
        booster = new_booster("Logloss", settings, rsm=settings.colsample_bylevel)
        pool = Pool(features[rows], paid[rows].astype(np.int8), feature_names=list(names))
        try:
            fit_booster(booster, pool)
        except CannotFitError as error:
            raise InputError(f"the second stage of new providers cannot learn: {error}") from None
        return cls(booster, tuple(names))

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Log odds of candidates; (pairs,)."""
        if not len(features):
            return np.zeros(0, dtype=np.float32)
        return np.asarray(predict(self.booster, features, "RawFormulaVal"), dtype=np.float32)

    def importances(self) -> pd.DataFrame:
        """Features by importance (mean change of the prediction, sums to 100); descending."""
        table = pd.DataFrame(
            {"feature": self.names, "importance": self.booster.get_feature_importance()}
        )
        return table.sort_values(["importance", "feature"], ascending=[False, True])

    def save(self, path: str | Path) -> None:
        """Write .cbm."""
        save_booster(path, self.booster, {"names": self.names})

    @classmethod
    def load(cls, path: str | Path) -> "SecondStage":
        """Read .cbm."""
        booster, ours = load_booster(path)
        return cls(booster, tuple(ours["names"]))

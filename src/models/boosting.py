"""CatBoost models on disk: a .cbm file with our metadata, and no timestamps or machine details."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from catboost import CatBoost, CatBoostClassifier, CatBoostError, Pool
from numpy.typing import NDArray
from pydantic import Field

from src.models.contract import CannotFitError
from src.params import Section
from src.reporting import atomic

# The same fit must write the same bytes: no random id, no time, no number of processors.
_UNREPEATABLE = ("model_guid", "train_finish_time")


class BoosterSettings(Section):
    """Hyperparameters of every booster; `rows` bounds the training sample."""

    rows: int = Field(ge=100)
    iterations: int = Field(ge=1)
    depth: int = Field(ge=1, le=16)
    learning_rate: float = Field(gt=0, le=1)
    l2_leaf_reg: float = Field(ge=0)
    subsample: float = Field(gt=0, le=1)
    border_count: int = Field(ge=1, le=254)
    seed: int = Field(ge=0)


def new_booster(
    loss: str, settings: BoosterSettings, threads: int | None = None, **options: Any
) -> CatBoostClassifier:
    """Make an untrained booster; `options` are CatBoost's own beyond the settings."""
    return CatBoostClassifier(
        loss_function=loss,
        iterations=settings.iterations,
        depth=settings.depth,
        learning_rate=settings.learning_rate,
        l2_leaf_reg=settings.l2_leaf_reg,
        bootstrap_type="Bernoulli",
        subsample=settings.subsample,
        border_count=settings.border_count,
        random_seed=settings.seed,
        thread_count=threads or os.cpu_count() or 1,
        allow_writing_files=False,
        **options,
    )


def idle_booster() -> CatBoostClassifier:
    """A booster that is never asked: the file of a model without features needs one."""
    booster = CatBoostClassifier(iterations=1, thread_count=1, allow_writing_files=False)
    booster.fit([[0.0], [1.0]], [0, 1], verbose=False)
    return booster


def fit_booster(booster: CatBoostClassifier, pool: Pool) -> tuple[float, ...]:
    """Learn; returns the training loss after each iteration.

    Silently: CatBoost would swallow an interrupt in our own callback, and its logging interval
    would be stored in the file.

    Raises
    ------
    CannotFitError
        CatBoost cannot learn from these rows; for example they are too few to draw from.
    """
    try:
        booster.fit(pool, verbose=False)
    except CatBoostError as error:
        cause = str(error).rpartition(".cpp:")[2].partition(": ")[2] or str(error)
        raise CannotFitError(
            f"there are {pool.num_row():,} rows, and CatBoost says: {cause}"
        ) from None
    (losses,) = booster.get_evals_result()["learn"].values()
    return tuple(losses)


def predict(
    booster: CatBoost, features: NDArray[np.float32] | Pool, kind: str, trees: range | None = None
) -> Any:
    """Ask a booster, or some of its trees; `kind` is CatBoost's prediction type; (rows, classes).

    On one thread: batches and requests run side by side, and for a row to start threads takes
    longer than to answer.
    """
    first, end = (trees.start, trees.stop) if trees else (0, 0)  # 0: all
    return booster.predict(
        features, prediction_type=kind, ntree_start=first, ntree_end=end, thread_count=1
    )


def save_booster(path: str | Path, booster: CatBoost, ours: dict[str, Any]) -> None:
    """Write .cbm with `ours` as JSON in its metadata."""
    metadata = booster.get_metadata()
    for name in list(metadata):
        # The models of a sum, "model3:train_finish_time", leave all that they knew of themselves.
        if ":" in name or name in _UNREPEATABLE:
            metadata[name] = ""
    if metadata.get("params"):  # empty: a sum that was saved and read
        settings = json.loads(metadata["params"])
        settings.pop("system_options", None)
        settings["flat_params"].pop("thread_count", None)
        metadata["params"] = json.dumps(settings)
    metadata["nextbest"] = json.dumps(ours)
    with atomic(path) as temporary:
        booster.save_model(str(temporary), format="cbm")


def load_booster(path: str | Path) -> tuple[CatBoostClassifier, dict[str, Any]]:
    """Read what `save_booster` wrote."""
    booster = CatBoostClassifier()
    booster.load_model(str(path), format="cbm")
    return booster, json.loads(booster.get_metadata()["nextbest"])

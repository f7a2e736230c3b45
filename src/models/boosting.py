"""CatBoost, as all models here use it: a bar while it learns, and repeatable files.

A .cbm file holds what is ours, too, and no trace of when or where it was made.
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from catboost import CatBoostClassifier, Pool
from tqdm import tqdm

from src.reporting import atomic

# The same fit must write the same bytes: no random id, no time, no number of processors.
_UNREPEATABLE = ("model_guid", "train_finish_time")


class _Bar:
    """One step of a bar per iteration; CatBoost goes on as long as it is told True."""

    def __init__(self, title: str, iterations: int) -> None:
        self.bar = tqdm(total=iterations, desc=title, unit="tree", disable=None)

    def after_iteration(self, _: SimpleNamespace) -> bool:
        self.bar.update()
        return True


def fit_booster(booster: CatBoostClassifier, pool: Pool, title: str) -> tuple[float, ...]:
    """Learn with a bar on a terminal; returns the training loss after each iteration."""
    bar = _Bar(title, booster.get_param("iterations"))
    with bar.bar:
        booster.fit(pool, callbacks=[bar])
    (losses,) = booster.get_evals_result()["learn"].values()
    return tuple(losses)


def save_booster(path: str | Path, booster: CatBoostClassifier, ours: dict[str, Any]) -> None:
    """Write .cbm with `ours` as JSON in its metadata."""
    metadata = booster.get_metadata()
    for name in _UNREPEATABLE:
        metadata[name] = ""
    settings = json.loads(metadata["params"])
    settings.pop("system_options", None)
    metadata["params"] = json.dumps(settings)
    metadata["nextbest"] = json.dumps(ours)
    with atomic(path) as temporary:
        booster.save_model(str(temporary), format="cbm")


def load_booster(path: str | Path) -> tuple[CatBoostClassifier, dict[str, Any]]:
    """Read what `save_booster` wrote."""
    booster = CatBoostClassifier()
    booster.load_model(str(path), format="cbm")
    return booster, json.loads(booster.get_metadata()["nextbest"])

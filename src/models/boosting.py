"""CatBoost models on disk: .cbm that holds what is ours, too, and no trace of when or where."""

import json
from pathlib import Path
from typing import Any

from catboost import CatBoostClassifier

from src.reporting import atomic

# The same fit must write the same bytes: no random id, no time, no number of processors.
_UNREPEATABLE = ("model_guid", "train_finish_time", "params")


def save_booster(path: str | Path, booster: CatBoostClassifier, ours: dict[str, Any]) -> None:
    """Write .cbm with `ours` as JSON in its metadata."""
    metadata = booster.get_metadata()
    for name in _UNREPEATABLE:
        metadata[name] = ""
    metadata["nextbest"] = json.dumps(ours)
    with atomic(path) as temporary:
        booster.save_model(str(temporary), format="cbm")


def load_booster(path: str | Path) -> tuple[CatBoostClassifier, dict[str, Any]]:
    """Read what `save_booster` wrote."""
    booster = CatBoostClassifier()
    booster.load_model(str(path), format="cbm")
    return booster, json.loads(booster.get_metadata()["nextbest"])

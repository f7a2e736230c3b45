"""Frozen records of arrays and boosters on disk, which several processes can read; no pickle."""

import json
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from catboost import CatBoostClassifier

from src.models.boosting import load_booster, save_booster
from src.payments.providers.known import Matrix

_CONTENT = "record.json"


def save(record: object, folder: str | Path) -> None:
    """Write a record into a folder that is there.

    Parameters
    ----------
    record : dataclass
        Of arrays (not of objects), sparse matrices, boosters, numbers, text, None, tuples of these
        three, and dicts and records of all that.
    folder : path

    Raises
    ------
    TypeError
        It holds something else.
    """
    content = _content(record, Path(folder), "record")
    (Path(folder) / _CONTENT).write_text(json.dumps(content), encoding="utf-8")


def load(folder: str | Path, kinds: Sequence[type]) -> Any:
    """Read what `save` wrote, bit for bit; arrays are read where they lie, as they are looked at.

    Parameters
    ----------
    folder : path
        It has to stay as it is while the record is used.
    kinds : sequence of dataclasses
        Those that may be in it.
    """
    content = json.loads((Path(folder) / _CONTENT).read_text(encoding="utf-8"))
    return _value(content, Path(folder), {kind.__name__: kind for kind in kinds})


def _content(value: object, folder: Path, name: str) -> dict[str, Any]:
    """A value as JSON; arrays and boosters are written to files of this name."""
    if isinstance(value, np.ndarray):
        np.save(folder / f"{name}.npy", value, allow_pickle=False)
        return {"array": f"{name}.npy"}
    if isinstance(value, Matrix):
        parts = {part: getattr(value, part) for part in ("data", "indices", "indptr")}
        return {"sparse": _of_dict(parts, folder, name), "shape": value.shape}
    if isinstance(value, CatBoostClassifier):
        save_booster(folder / f"{name}.cbm", value, {})
        return {"booster": f"{name}.cbm"}
    if isinstance(value, dict):
        return {"dict": _of_dict(value, folder, name)}
    if is_dataclass(value):
        own = {field.name: getattr(value, field.name) for field in fields(value)}
        return {"record": type(value).__name__, "fields": _of_dict(own, folder, name)}
    if isinstance(value, tuple):
        return {"tuple": value}
    if value is None or isinstance(value, (int, float, str)):
        return {"value": value}
    raise TypeError(f"{name} is of {type(value).__name__}, which cannot be stored")


def _of_dict(values: dict[str, Any], folder: Path, name: str) -> dict[str, Any]:
    numbered = enumerate(values.items())  # names of models and columns need not be names of files
    return {key: _content(value, folder, f"{name}-{number}") for number, (key, value) in numbered}


def _value(content: dict[str, Any], folder: Path, kinds: dict[str, type]) -> Any:
    def all_of(named: dict[str, Any]) -> dict[str, Any]:
        return {key: _value(one, folder, kinds) for key, one in named.items()}

    match content:
        case {"array": file}:
            return np.load(folder / file, mmap_mode="r", allow_pickle=False)
        case {"sparse": parts, "shape": shape}:
            return Matrix(tuple(all_of(parts).values()), shape=shape)
        case {"booster": file}:
            return load_booster(folder / file)[0]
        case {"dict": named}:
            return all_of(named)
        case {"record": kind, "fields": named}:
            return kinds[kind](**all_of(named))
        case {"tuple": values}:
            return tuple(values)
    return content["value"]

"""Profiles as numbers: categories become integer codes that are learnt once."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def counted(profile: pd.DataFrame) -> tuple[list[str], dict[str, dict[str, int]]]:
    """Names of the numbers of a profile, and how often each category is there."""
    numeric, counts = [], {}
    for name in profile.columns:
        if isinstance(profile[name].dtype, pd.CategoricalDtype):
            found = profile[name].value_counts().items()
            counts[str(name)] = {str(value): int(count) for value, count in found if count}
        else:
            numeric.append(str(name))
    return numeric, counts


@dataclass(frozen=True)
class Encoder:
    """Column order and category codes of a profile.

    Codes are ranks by frequency, so that trees can split off the rare categories; a category not
    seen in `fit` is -1. Trees take integer codes ten times faster than native categories, at the
    same loss (benchmarks/catboost_categories.py).
    """

    numeric: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]

    @classmethod
    def fit(cls, profile: pd.DataFrame) -> "Encoder":
        """Learn the categories of a profile; ties of frequency go by name."""
        return cls.of(*counted(profile))

    @classmethod
    def of(cls, numeric: Iterable[str], counts: Mapping[str, Mapping[str, int]]) -> "Encoder":
        """What is learnt of categories that were counted; see `counted`."""
        categories = {
            name: tuple(sorted(own, key=lambda value: (-own[value], value)))
            for name, own in counts.items()
        }
        return cls(tuple(numeric), categories)

    @property
    def names(self) -> list[str]:
        """Names of the encoded columns."""
        return [*self.numeric, *self.categories]

    def transform(self, profile: pd.DataFrame) -> NDArray[np.float32]:
        """Encode a profile; float32, (customers, columns), Fortran order (by column)."""
        encoded = np.empty((len(profile), len(self.names)), dtype=np.float32, order="F")
        for index, name in enumerate(self.numeric):
            encoded[:, index] = profile[name].to_numpy(dtype=np.float32)
        for index, name in enumerate(self.categories, start=len(self.numeric)):
            column = profile[name].array
            position = self._positions[name]
            codes = [position.get(str(value), -1) for value in column.categories]
            encoded[:, index] = np.array([*codes, -1], dtype=np.float32)[column.codes]
        return encoded

    @cached_property
    def _positions(self) -> dict[str, dict[str, int]]:
        return {
            name: {value: code for code, value in enumerate(known)}
            for name, known in self.categories.items()
        }

    def to_json(self) -> str:
        """Serialise."""
        return json.dumps({"numeric": self.numeric, "categories": self.categories})

    @classmethod
    def from_json(cls, text: str) -> "Encoder":
        """Restore what `to_json` made."""
        content = json.loads(text)
        categories = {name: tuple(values) for name, values in content["categories"].items()}
        return cls(tuple(content["numeric"]), categories)

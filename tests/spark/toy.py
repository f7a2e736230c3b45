"""Rows, a model and its work, small enough to reckon by hand: what the engine moves to tasks."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class Numbers:
    values: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.values)

    def of(self, rows: slice) -> "Numbers":
        return Numbers(self.values[rows])

    def to_arrow(self) -> pa.Table:
        return pa.table({"value": self.values})

    @classmethod
    def from_arrow(cls, table: pa.Table) -> "Numbers":
        return cls(table["value"].to_numpy())


@dataclass(frozen=True)
class Factor:
    by: int
    process: int  # that knows it

    def save(self, folder: str | Path) -> None:
        (Path(folder) / "factor.json").write_text(json.dumps(self.by), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> "Factor":
        return cls(json.loads((Path(folder) / "factor.json").read_text("utf-8")), os.getpid())


def multiplied(factor: Factor, numbers: Numbers) -> dict[str, pa.Table]:
    """Two tables of different columns; a value of 0 is an error."""
    if not numbers.values.all():
        raise ValueError("nothing is multiplied by 0")
    labels = pa.DictionaryArray.from_arrays(pa.array(numbers.values % 2), ["even", "odd"])
    known = pa.array([factor.process])
    return {
        "product": pa.table({"value": numbers.values, "product": numbers.values * factor.by}),
        "odd ones": pa.table({"label": labels}).filter(pa.array(numbers.values % 2 == 1)),
        "process": pa.table({"process": known}),
    }


def slowly(factor: Factor, numbers: Numbers) -> dict[str, pa.Table]:
    time.sleep(0.3)
    return multiplied(factor, numbers)

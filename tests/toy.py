"""A first-stage model from outside, as small as one can be."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field

from src.models.contract import Scores, TrainingData
from src.models.customers import Customers
from src.params import Section
from src.reporting import write_arrays


class ToySettings(Section):
    """The weight of a month."""

    weight: float = Field(gt=0)


@dataclass(frozen=True)
class Toy:
    """Likes what a customer has held for long; a month counts more with each customer seen."""

    weight: float

    @classmethod
    def fit(cls, data: TrainingData, settings: ToySettings) -> "Toy":
        return cls(settings.weight * len(data.base_history().customers))

    def score(self, customers: Customers) -> Scores:
        months = np.bitwise_count(customers.history.held)
        return np.asarray(self.weight * months, dtype=np.float32)

    def save(self, path: str | Path) -> None:
        write_arrays(path, weight=self.weight)

    @classmethod
    def load(cls, path: str | Path) -> "Toy":
        with np.load(path, allow_pickle=False) as arrays:
            return cls(float(arrays["weight"]))

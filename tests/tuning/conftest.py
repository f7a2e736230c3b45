"""A toy study: four adders, three products, and a model whose quality is arithmetic."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pydantic import Field

from src.models.contract import Scores
from src.models.customers import Customers
from src.params import Section
from src.tuning.objective import Objective
from src.tuning.space import Tuning
from src.tuning.study import Sweep
from tests.histories import histories
from tests.products.conftest import bank, open_bank, schema

__all__ = ["bank", "open_bank", "schema"]

# The toy model gives an adder his product the first place if `x` comes as near to 0.7 as this, else
# the second: the value of a trial is a mean of ones and halves.
REACH = np.array([0.01, 0.1, 0.3, 0.6])


class Toy(Section):
    """Settings of the toy model."""

    x: float = Field(ge=0, le=1)
    steps: int = Field(ge=1)
    kind: list[str] = Field(default=["plain"])


ToySweep = Sweep[Toy]
NewSweep = Callable[..., ToySweep]


def first_places(x: float) -> Scores:
    near = abs(x - 0.7) <= REACH
    scores = np.zeros((4, 3), dtype=np.float32)
    scores[:, 0] = np.where(near, 2, 0.5)
    scores[:, 1] = 1
    return scores


@pytest.fixture
def objective() -> Objective:
    """Four adders of product 0, who hold nothing."""
    history = histories([1] * 4, np.zeros((4, 3)), 1)
    additions = np.zeros((4, 3), dtype=bool)
    additions[:, 0] = True
    return Objective("2016-04-28", Customers(pd.DataFrame(index=range(4)), history), additions)


@pytest.fixture
def new_sweep(workspace: Path, objective: Objective) -> NewSweep:
    """Make a sweep of the toy model in an empty folder with a pipeline of its own."""
    pipeline = workspace / "pipelines/tuning/dvc.yaml"
    pipeline.parent.mkdir(parents=True)
    pipeline.write_text(yaml.safe_dump({"stages": {"toy": {"deps": ["toy.parquet"]}}}))
    (workspace / "toy.parquet").write_text("data")

    def make(
        score: Callable[[Toy, float], Scores] | None = None,
        current: Toy | None = None,
        **tuning: object,
    ) -> ToySweep:
        given: dict[str, object] = {
            "trials": 12,
            "seconds": 600,
            "seed": 3,
            "prune": 0,
            "space": {"x": {"low": 0, "high": 1}, "steps": {"low": 1, "high": 100, "log": True}},
        }
        return Sweep(
            "toy",
            "train_toy",
            Tuning.model_validate(given | tuning),
            current or Toy(x=0.05, steps=10),
            objective,
            score or (lambda settings, _: first_places(settings.x)),
        )

    return make

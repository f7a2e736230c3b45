from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from src.models import als
from src.models.als import Als
from src.models.contract import CannotFitError
from src.models.customers import Customers
from src.models.factorization import AlsSettings, TrainAls
from src.models.history import History
from src.params import Section
from tests.histories import histories

SETTINGS = AlsSettings(factors=2, iterations=10, regularization=0.01, alpha=10, seed=7)


def customers(*held: list[int]) -> Customers:
    """Customers of four months, by what they held in each, as bits."""
    bits = np.array(held)
    history = histories([0b1111] * len(bits), bits)
    return Customers(pd.DataFrame(index=range(len(bits))), history)


# Whoever uses one of items 0-2 uses the others, too; likewise 3-5.
USERS = customers(*[[15, 15, 15, 0, 0, 0]] * 20, *[[0, 0, 0, 15, 15, 15]] * 20).history


def test_customers_are_folded_in_from_what_they_hold() -> None:
    model = Als.fit(USERS, SETTINGS)
    first, second, nothing = model.score(
        customers([15, 0, 0, 0, 0, 0], [0, 0, 0, 0, 15, 15], [0, 0, 0, 0, 0, 0])
    )
    assert first[:3].min() > 0.5 > first[3:].max() + 0.3
    assert second[3:].min() > 0.5 > second[:3].max() + 0.3
    assert nothing.tolist() == [0] * 6


def test_longer_usage_counts_more() -> None:
    model = Als.fit(USERS, SETTINGS)
    # item 0 in one month of four, item 3 in all four
    (scores,) = model.score(customers([0b0001, 0, 0, 0b1111, 0, 0]))
    assert scores[3:].min() > scores[:3].max()


def test_scores_are_the_closed_form() -> None:
    model = Als.fit(USERS, SETTINGS)
    items = model.item_factors.astype(np.float64)
    usage = np.array([2 / 4, 0, 4 / 4, 0, 0, 0])
    confidence = SETTINGS.alpha * usage
    # implicit: confidence alpha * usage where used, 1 elsewhere (Hu, Koren and Volinsky, eq. 4)
    weights = np.where(usage > 0, confidence, 1.0)
    system = items.T @ (weights[:, None] * items) + SETTINGS.regularization * np.eye(2)
    factors = np.linalg.solve(system, items.T @ (weights * (usage > 0)))
    (scores,) = model.score(customers([0b0011, 0, 0b1111, 0, 0, 0]))
    assert scores == pytest.approx(items @ factors, abs=1e-4)


def test_customers_are_folded_in_from_as_many_months_as_training_had() -> None:
    model = Als.fit(USERS.recent(2), SETTINGS)
    assert model.months == 2
    # held only in months that training had no counterpart of: as good as never held
    assert model.score(customers([0b1100, 0, 0, 0, 0, 0])).tolist() == [[0] * 6]


# a trainer elsewhere


@dataclass
class Elsewhere:
    """Data whose engine answers with the same factors, and keeps what it was asked."""

    history: History
    factors: NDArray[np.float32]
    asked: list[object]

    def base_history(self) -> History:
        return self.history

    def sample(self, rows: int, seed: int) -> tuple[Customers, NDArray[np.bool_]]:
        raise NotImplementedError

    def samples(
        self, rows: int, seed: int, at_once: int
    ) -> tuple[int, Iterator[tuple[Customers, NDArray[np.bool_]]]]:
        raise NotImplementedError

    def factorize(
        self, shares: Iterable[pa.Table], items: int, settings: Section
    ) -> NDArray[np.float32]:
        self.asked = [*(table.to_pylist() for table in shares), items, settings]
        return self.factors


CLUSTER = TrainAls(**SETTINGS.model_dump(), trainer="cluster")


def test_the_cluster_is_given_shares_and_its_factors_are_the_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(als, "_CUSTOMERS_AT_ONCE", 2)
    factors = np.array([[1, 0], [0.5, 0], [0, 2]], dtype=np.float32)
    data = Elsewhere(customers([15, 0, 3], [0, 0, 0], [0, 1, 0]).history, factors, [])
    model = Als.learn(data, CLUSTER)
    assert data.asked == [
        [
            {"customer": 0, "item": 0, "share": 1.0},
            {"customer": 0, "item": 2, "share": 0.5},
        ],
        [{"customer": 2, "item": 1, "share": 0.25}],
        3,
        SETTINGS,
    ]
    assert (model.item_factors is factors, model.months, model.settings) == (True, 4, SETTINGS)
    model.save(tmp_path / "als.npz")
    assert Als.load(tmp_path / "als.npz").settings == SETTINGS


def test_the_trainer_in_the_process_is_asked_where_the_settings_say_so() -> None:
    data = Elsewhere(USERS, np.zeros((6, 2), dtype=np.float32), [])
    ours = Als.learn(data, CLUSTER.model_copy(update={"trainer": "implicit"}))
    assert data.asked == []
    assert (ours.item_factors == Als.fit(USERS, SETTINGS).item_factors).all()
    assert ours.settings == SETTINGS


def test_factors_that_the_cluster_cannot_find() -> None:
    data = Elsewhere(USERS, np.full((6, 2), np.nan, dtype=np.float32), [])
    with pytest.raises(CannotFitError, match=r"not finite with alpha 10 and regularization 0\.01"):
        Als.learn(data, CLUSTER)

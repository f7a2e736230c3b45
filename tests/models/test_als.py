import numpy as np
import pandas as pd
import pytest

from src.models.als import Als
from src.models.customers import Customers
from src.models.factorization import AlsSettings
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

import math

import numpy as np
import pytest

from src.payments.providers import neighbours
from tests.payments.providers.toy import DEFAULTS, changed, known

# payers: V 1, X 3, Y 2, Z 2
KNOWN = known("a:XY b:XYZ c:XZ d:V")
BELOW = {"V": 1 / 3 - 1, "X": 0.0, "Y": 2 / 3 - 1, "Z": 2 / 3 - 1}
A, B, C, D = range(4)


def test_conditional_co_occurrence_by_hand() -> None:
    model = neighbours.co_occurrence(KNOWN, changed(DEFAULTS.models.neighbours, shrinkage=1))
    scores = model.score(np.array([A, D]))
    # n(X,Y) = n(X,Z) = 2, n(Y,Z) = 1; what a has paid is not left out here
    of_a = [BELOW["V"], 2 / (2 + 1), 2 / (3 + 1), 2 / (3 + 1) + 1 / (2 + 1)]
    assert scores[0].tolist() == pytest.approx(of_a)
    assert scores[1].tolist() == pytest.approx(list(BELOW.values()))


def test_item_cosine_by_hand() -> None:
    (scores,) = neighbours.item_neighbours(KNOWN).score(np.array([A]))
    x_y = 2 / math.sqrt(3 * 2)
    assert scores.tolist() == pytest.approx([BELOW["V"], x_y, x_y, x_y + 1 / math.sqrt(2 * 2)])


def test_user_neighbours_by_hand() -> None:
    model = neighbours.user_neighbours(KNOWN, changed(DEFAULTS.models.neighbours, users=10))
    (scores,) = model.score(np.array([A]))
    a_b, a_c = 2 / math.sqrt(2 * 3), 1 / math.sqrt(2 * 2)
    assert scores.tolist() == pytest.approx([BELOW["V"], a_b + a_c, a_b, a_b + a_c])
    nearest = neighbours.user_neighbours(KNOWN, changed(DEFAULTS.models.neighbours, users=1))
    assert nearest.score(np.array([A]))[0].tolist() == pytest.approx([BELOW["V"], a_b, a_b, a_b])


def test_equally_similar_clients_are_taken_by_the_lower_index() -> None:
    model = neighbours.user_neighbours(
        known("a:X b:XY c:XZ"), changed(DEFAULTS.models.neighbours, users=1)
    )
    (scores,) = model.score(np.array([0]))
    assert scores[1] > 0 > scores[2]


def test_ease_is_the_regression_of_each_provider_on_the_others() -> None:
    settings = changed(DEFAULTS.models.neighbours, ease_providers=3, ease_regularization=0.5)
    model = neighbours.ease(KNOWN, settings)
    assert model.chosen.tolist() == [1, 2, 3]  # V is the least popular
    history = KNOWN.matrix().toarray()[:, 1:].astype(np.float64)
    for column in range(3):  # ridge regression without the provider itself
        others = [other for other in range(3) if other != column]
        some = history[:, others]
        weights = np.linalg.solve(some.T @ some + 0.5 * np.eye(2), some.T @ history[:, column])
        assert model.weights[others, column] == pytest.approx(weights, abs=1e-6)
    assert np.diag(model.weights).tolist() == [0, 0, 0]
    scores = model.score(np.array([A, D]))
    assert scores[0, 3] == pytest.approx(model.weights[0, 2] + model.weights[1, 2])
    assert scores[1].tolist() == pytest.approx(list(BELOW.values()))

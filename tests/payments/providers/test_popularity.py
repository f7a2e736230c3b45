import numpy as np
import pytest

from src.payments.providers import popularity
from src.payments.providers.known import Known
from tests.payments.providers.toy import DEFAULTS, changed, known, payments

SETTINGS = changed(DEFAULTS.models.popularity, recent_days=5, first_days=5, group_days=5)
# On day 10 the last five days are 5 … 9.
STREAM = Known.before(
    payments(
        [("a", 1, "X"), ("a", 6, "X"), ("a", 7, "Y"), ("b", 2, "Y"), ("c", 3, "Y"), ("c", 4, "Z")],
        region=["east", None, None, "east", "west", None],
    ),
    10,
)
CLIENTS = np.arange(3)
BELOW = [1 / 3 - 1, 0.0, 1 / 3 - 1]  # payers: X 1, Y 3, Z 1


def test_popularity_counts_clients() -> None:
    assert popularity.popularity(STREAM).score(CLIENTS).tolist() == [[1, 3, 1]] * 3


def test_recent_popularity_counts_those_of_the_last_days() -> None:
    scores = popularity.recent_popularity(STREAM, SETTINGS).score(CLIENTS[:1])
    assert scores[0].tolist() == pytest.approx([1, 1, BELOW[2]])


def test_first_payments_of_the_last_days() -> None:
    scores = popularity.first_payments_lately(STREAM, SETTINGS).score(CLIENTS[:1])
    assert scores[0].tolist() == pytest.approx([BELOW[0], 1, BELOW[2]])


def test_popularity_in_the_region() -> None:
    model = popularity.group_popularity(
        STREAM, "region", changed(DEFAULTS.models.popularity, group_days=9)
    )
    east = [1, 2, BELOW[2]]  # a and b
    west = [BELOW[0], 1, 1]  # c
    assert model.score(CLIENTS).tolist() == pytest.approx(np.array([east, east, west]))
    lately = popularity.group_popularity(STREAM, "region", SETTINGS).score(CLIENTS[1:2])
    assert lately[0].tolist() == pytest.approx([1, 1, BELOW[2]])


def test_a_client_without_a_region_gets_what_is_popular() -> None:
    stream = payments([("a", 1, "X"), ("b", 1, "X"), ("b", 2, "Y")], region=[None, "east", None])
    model = popularity.group_popularity(Known.before(stream, 9), "region", SETTINGS)
    assert model.score(np.array([0])).tolist() == [[0.0, -0.5]]


def test_scores_belong_to_the_caller() -> None:
    model = popularity.popularity(known("a:X b:XY"))
    model.score(np.array([0]))[:] = 9
    assert model.score(np.array([0])).tolist() == [[2, 1]]

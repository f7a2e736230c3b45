import numpy as np
import pytest

from src.errors import InputError
from src.payments.providers.boosting import aggregates, boosting
from src.payments.providers.known import Known
from tests.payments.providers.toy import DEFAULTS, changed, groups, payments

ALS = changed(DEFAULTS.models.als, factors=4, iterations=5, regularization=0.1, alpha=10)
SETTINGS = changed(
    DEFAULTS.models.boosting, days=20, classes=30, coverage=1, iterations=100, depth=3
)


def test_chances_of_the_client_s_taste() -> None:
    known = Known.before(groups(60), 60)
    model = boosting(known, SETTINGS, ALS)
    scores = model.score(np.arange(3))  # of tastes 0, 1, 2
    chances = scores[:, model.classes]
    assert chances.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    taste = model.classes // 10
    own = [chances[client, taste == client].sum() for client in range(3)]
    assert min(own) > 0.5
    others = np.delete(scores, model.classes, axis=1)
    assert others.size == 0 or others.max() <= 0


def test_classes_are_the_most_used_providers() -> None:
    settings = SETTINGS.model_copy(update={"classes": 4})
    known = Known.before(groups(60), 60)
    classes = boosting(known, settings, ALS).classes
    counts = np.bincount(known.payments.provider)
    most = sorted(range(30), key=lambda provider: (-counts[provider], provider))[:4]
    assert set(classes.tolist()) <= set(most)


def test_aggregates_by_hand() -> None:
    # days 7 and 14 are Thursdays, like the first of 1970, day 8 is a Friday
    stream = payments(
        [("a", 7, "X"), ("a", 8, "X"), ("b", 14, "Y")], region=["east", "west", "east"]
    )
    table = aggregates(Known.before(stream, 20))
    assert table[:, -9:].tolist() == [
        [0.5, 0.5, 0, 0, 0, 0, 0, 0.5, 0.5],
        [1, 0, 0, 0, 0, 0, 0, 1, 0],
    ]


def test_too_few_first_payments() -> None:
    known = Known.before(payments([("a", 1, "X"), ("a", 59, "X")]), 60)
    with pytest.raises(InputError, match="in the 20 days before the cut-off 0 of the most used"):
        boosting(known, SETTINGS, ALS)

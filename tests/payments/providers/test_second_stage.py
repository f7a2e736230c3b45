from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from src.errors import InputError
from src.payments.providers.second_stage import SecondStage
from src.payments.schema import PARAMS
from tests.payments.providers.toy import DEFAULTS, changed

SETTINGS = changed(DEFAULTS.second_stage, rows=600, iterations=40, learning_rate=0.2, depth=3)
NAMES = ["useful", "noise"]


def example(seed: int, rows: int = 400) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """One in ten is paid: those whose first feature is above 0.9."""
    features = np.random.default_rng(seed).random((rows, 2), dtype=np.float32)
    return features, features[:, 0] > 0.9


def test_it_learns_what_is_paid(tmp_path: Path) -> None:
    model = SecondStage.fit(NAMES, [example(1), example(2)], SETTINGS)
    features, paid = example(3)
    scores = model.score(features)
    best = np.argsort(-scores)[: int(paid.sum())]
    assert paid[best].mean() > 0.9
    importances = model.importances()
    assert importances["feature"].tolist() == NAMES
    assert importances["importance"].iloc[0] > 80

    again = SecondStage.fit(NAMES, [example(1), example(2)], SETTINGS)
    assert again.score(features).tobytes() == scores.tobytes()
    model.save(tmp_path / "model.cbm")
    loaded = SecondStage.load(tmp_path / "model.cbm")
    assert loaded.names == ("useful", "noise")
    assert loaded.score(features).tobytes() == scores.tobytes()


def test_all_that_was_paid_is_learnt_from() -> None:
    # of 4,000 candidates 400 were paid, more than the sample has rows
    settings = SETTINGS.model_copy(update={"rows": 100})
    model = SecondStage.fit(NAMES, [example(1, 4000)], settings)
    features, paid = example(3)
    assert model.score(features)[paid].min() > 0  # as nearly all in the sample are paid


def test_no_candidates_have_no_scores() -> None:
    model = SecondStage.fit(NAMES, [example(1)], SETTINGS)
    assert model.score(np.zeros((0, 2), dtype=np.float32)).shape == (0,)


@pytest.mark.parametrize(("paid", "number"), [(False, "0"), (True, "400")])
def test_nothing_to_learn(paid: bool, number: str) -> None:
    features, _ = example(1)
    sentence = f"of 400 candidates of earlier windows {number} were paid .* {PARAMS}"
    with pytest.raises(InputError, match=sentence):
        SecondStage.fit(NAMES, [(features, np.full(400, paid))], SETTINGS)

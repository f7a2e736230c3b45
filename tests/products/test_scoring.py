from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from src.models.customers import Customers
from src.models.interleave import interleave
from src.models.pool import Pool
from src.models.propensity import PropensitySettings
from src.models.ranker import RankerSettings
from src.models.registry import FIRST_STAGE
from src.products import propensity
from src.products.first_stage import fit
from src.products.scoring import Models, load_first_stage, model_files
from src.products.second_stage import find_adders, fit_popularity, fit_ranker
from tests.products.conftest import SECTIONS, OpenBank


@pytest.fixture
def models(open_bank: OpenBank, bank: pd.DataFrame) -> tuple[Models, Customers]:
    """All models fitted on the small bank, and its customers as known before May."""
    bank["card"] |= (bank["customer"] == 20) & (bank["age"] == 24)  # April: a second product
    dataset = open_bank(bank)
    first_stage = {
        name: fit(record, dataset, record.settings.model_validate(SECTIONS[f"train_{name}"]))
        for name, record in FIRST_STAGE.items()
    }
    adders = find_adders(dataset)
    scores = {name: model.score(adders.customers) for name, model in first_stage.items()}
    settings = RankerSettings.model_validate(SECTIONS["blend"])
    ranker = fit_ranker(adders, scores, dataset.products, settings)
    customers = dataset.customers(dataset.windows.last)
    own = PropensitySettings.model_validate(SECTIONS["train_propensity"])
    chances = propensity.fit(dataset, own)
    pool = Pool((0.7, 0.3))
    return Models(fit_popularity(dataset), first_stage, ranker, chances, pool), customers


def test_every_model_scores_the_same_customers(models: tuple[Models, Customers]) -> None:
    every, customers = models
    scores = every.score(customers)
    first = ["popularity", "mlc", "kmeans", "als", "interleave"]
    assert list(scores) == [*first, "ranker", "propensity", "blend"]
    assert {values.shape for values in scores.values()} == {(3, 3)}
    for name in ("mlc", "kmeans", "als"):
        np.testing.assert_array_equal(scores[name], every.first_stage[name].score(customers))
    turns = interleave([scores["mlc"], scores["kmeans"], scores["als"]])
    np.testing.assert_array_equal(scores["interleave"], turns)
    np.testing.assert_array_equal(scores["ranker"], every.ranker.score(customers, scores))
    np.testing.assert_array_equal(scores["propensity"], every.propensity.score(customers))
    pooled = every.pool.share(scores["ranker"], scores["propensity"])
    np.testing.assert_array_equal(scores["blend"], pooled)


def test_a_folder_of_models_scores_the_same_bits(
    models: tuple[Models, Customers], tmp_path: Path
) -> None:
    every, customers = models
    every.save(tmp_path / "models")
    loaded = Models.load(tmp_path / "models")
    # interleave takes turns in this order, whatever the order in memory was
    assert list(loaded.first_stage) == ["mlc", "kmeans", "als"]
    before, after = every.score(customers), loaded.score(customers)
    assert {name: values.tobytes() for name, values in after.items()} == {
        name: values.tobytes() for name, values in before.items()
    }


def test_the_files_of_a_folder(models: tuple[Models, Customers], tmp_path: Path) -> None:
    models[0].save(tmp_path / "models")
    assert model_files() == {
        "popularity": "popularity.npz",
        "mlc": "mlc.cbm",
        "kmeans": "kmeans.npz",
        "als": "als.npz",
        "ranker": "ranker.cbm",
        "propensity": "propensity.cbm",
        "pool": "pool.npz",
    }
    assert {path.name for path in (tmp_path / "models").iterdir()} == set(model_files().values())


def test_the_first_stage_is_read_alone(models: tuple[Models, Customers], tmp_path: Path) -> None:
    every, customers = models
    every.save(tmp_path)
    for name in ("ranker.cbm", "popularity.npz"):
        (tmp_path / name).unlink()
    loaded = load_first_stage(tmp_path)
    assert list(loaded) == ["mlc", "kmeans", "als"]
    for name, model in loaded.items():
        assert (
            model.score(customers).tobytes() == every.first_stage[name].score(customers).tobytes()
        )

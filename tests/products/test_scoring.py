from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from src.models.als import Als, AlsSettings
from src.models.contract import Model, Scores
from src.models.customers import Customers
from src.models.interleave import interleave
from src.models.kmeans import KMeans, KMeansSettings
from src.models.mlc import Mlc, MlcSettings
from src.models.ranker import Ranker, RankerSettings
from src.products import scoring
from src.products.dataset import Dataset
from src.products.scoring import Models, fit_popularity, fit_ranker

OpenBank = Callable[[pd.DataFrame], Dataset]

RANKER = RankerSettings(
    models=["als", "mlc"],
    lags=[1, 2, 12],
    month_decay=0.5,
    rows=1000,
    iterations=3,
    depth=2,
    learning_rate=0.3,
    l2_leaf_reg=1,
    subsample=1,
    colsample_bylevel=1,
    border_count=8,
    seed=7,
)


class Ages:
    """A model that scores every item by the customer's age, which tells person and month."""

    def score(self, customers: Customers) -> Scores:
        ages = customers.profile["age"].to_numpy(dtype=np.float32)
        return np.repeat(ages[:, None], customers.history.held.shape[1], axis=1)

    def save(self, path: str | Path) -> None: ...

    @classmethod
    def load(cls, path: str | Path) -> "Ages":
        raise NotImplementedError(path)


def test_popularity_counts_base_and_blend_and_not_test(
    open_bank: OpenBank, bank: pd.DataFrame
) -> None:
    # before the test month: 10 adds a card in February, 40 a loan in March
    assert fit_popularity(open_bank(bank)).shares == pytest.approx([0 / 2, 1 / 2, 1 / 2])


def test_popularity_of_all_months_when_rolled(open_bank: OpenBank, bank: pd.DataFrame) -> None:
    # and in May 10 and 20 a card, 30 a loan
    shares = fit_popularity(open_bank(bank).rolled()).shares
    assert shares == pytest.approx([0 / 5, (1 + 2) / 5, (1 + 1) / 5])


@pytest.fixture
def learnt_from(
    open_bank: OpenBank, bank: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> Callable[[RankerSettings], dict[str, Any]]:
    """What the ranker is given to learn from, where both blend months have an adder."""
    in_april = (bank["month"].map(lambda month: month.month) == 4) & (bank["customer"] == 20)
    bank.loc[in_april, ["card", "loan"]] = True
    seen: dict[str, Any] = {}

    def fit(_: type[Ranker], *args: object) -> None:
        names = ("adders", "scores", "additions", "weights", "products", "settings")
        seen.update(zip(names, args, strict=True))

    def learn(settings: RankerSettings) -> dict[str, Any]:
        models: dict[str, Model] = {"als": Ages(), "kmeans": Ages(), "mlc": Ages()}
        fit_ranker(open_bank(bank), models, settings)
        return seen

    monkeypatch.setattr(Ranker, "fit", classmethod(fit))
    return learn


def test_the_ranker_learns_from_adders_as_they_were_a_month_before(
    learnt_from: Callable[[RankerSettings], dict[str, Any]],
) -> None:
    seen = learnt_from(RANKER)
    adders = seen["adders"]
    # 40 in March, who was 42 in February; 20 in April, who was 23 in March
    assert adders.history.customers.tolist() == [40, 20]
    assert adders.profile["age"].tolist() == [42.0, 23.0]
    assert adders.history.present.tolist() == [0b11, 0b11]
    assert adders.history.held.tolist() == [[0b11, 0b11, 0], [0b11, 0, 0]]
    assert {name: values.tolist() for name, values in seen["scores"].items()} == {
        "als": [[42.0] * 3, [23.0] * 3],
        "mlc": [[42.0] * 3, [23.0] * 3],
    }
    assert seen["additions"].tolist() == [[False, False, True], [False, True, True]]
    assert seen["weights"].tolist() == [0.5**1, 0.5**0]
    assert seen["products"] == ["account", "card", "loan"]
    assert seen["settings"] == RANKER


def test_a_sample_of_adders_keeps_their_additions_and_weights(
    learnt_from: Callable[[RankerSettings], dict[str, Any]],
) -> None:
    drawn = set()
    for seed in range(10):
        seen = learnt_from(RANKER.model_copy(update={"rows": 1, "seed": seed}))
        (customer,) = seen["adders"].history.customers.tolist()
        drawn.add(customer)
        assert (
            seen["additions"].tolist()
            == {
                40: [[False, False, True]],
                20: [[False, True, True]],
            }[customer]
        )
        assert seen["weights"].tolist() == {40: [0.5**1], 20: [0.5**0]}[customer]
        assert seen["scores"]["als"].tolist() == {40: [[42.0] * 3], 20: [[23.0] * 3]}[customer]
    assert drawn == {20, 40}


@pytest.fixture
def models(open_bank: OpenBank, bank: pd.DataFrame) -> tuple[Models, Customers]:
    bank["card"] |= (bank["customer"] == 20) & (bank["age"] == 24)  # April: a second product
    dataset = open_bank(bank)
    sample = dataset.sample(100, 1)
    mlc = MlcSettings(
        rows=100,
        iterations=2,
        depth=1,
        learning_rate=0.3,
        subsample=1,
        l2_leaf_reg=1,
        border_count=4,
        seed=1,
    )
    kmeans = KMeansSettings(
        clusters=2, epochs=2, rows=100, minibatch_above=1000, batch=10, min_frequency=0.1, seed=1
    )
    als = AlsSettings(factors=2, iterations=2, regularization=0.1, alpha=5, seed=1)
    base: dict[str, Model] = {
        "mlc": Mlc.fit(*sample, mlc),
        "kmeans": KMeans.fit(*sample, kmeans),
        "als": Als.fit(dataset.base_history(), als),
    }
    ranker = fit_ranker(dataset, base, RANKER)
    return Models(fit_popularity(dataset), base, ranker), dataset.customers(1)


def test_every_model_scores_the_same_customers(models: tuple[Models, Customers]) -> None:
    every, customers = models
    scores = every.score(customers)
    assert list(scores) == ["popularity", "mlc", "kmeans", "als", "interleave", "blend"]
    assert {values.shape for values in scores.values()} == {(3, 3)}
    for name in ("mlc", "kmeans", "als"):
        np.testing.assert_array_equal(scores[name], every.base[name].score(customers))
    turns = interleave([scores["mlc"], scores["kmeans"], scores["als"]])
    np.testing.assert_array_equal(scores["interleave"], turns)
    np.testing.assert_array_equal(scores["blend"], every.ranker.score(customers, scores))


def test_a_folder_of_models_scores_the_same_bits(
    models: tuple[Models, Customers], tmp_path: Path
) -> None:
    every, customers = models
    every.save(tmp_path / "models")
    files = sorted(path.name for path in (tmp_path / "models").iterdir())
    assert files == ["als.npz", "kmeans.npz", "mlc.cbm", "popularity.npz", "ranker.cbm"]
    loaded = Models.load(tmp_path / "models")
    # interleave takes turns in this order, whatever the order in memory was
    assert list(loaded.base) == list(scoring.BASE_MODELS) == ["mlc", "kmeans", "als"]
    before, after = every.score(customers), loaded.score(customers)
    assert {name: values.tobytes() for name, values in after.items()} == {
        name: values.tobytes() for name, values in before.items()
    }

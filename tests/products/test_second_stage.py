from typing import Any

import numpy as np
import pandas as pd
import pytest

from src.errors import InputError
from src.models.contract import CannotFitError
from src.models.ranker import Ranker, RankerSettings
from src.products.dataset import Dataset
from src.products.second_stage import (
    Adders,
    check_names,
    draw,
    find_adders,
    fit_popularity,
    fit_ranker,
)
from tests.products.conftest import OpenBank

SETTINGS = RankerSettings(
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
def dataset(open_bank: OpenBank, bank: pd.DataFrame) -> Dataset:
    """Both blend months have an adder: 40 in March, and 20, of two products, in April."""
    in_april = (bank["month"].map(lambda month: month.month) == 4) & (bank["customer"] == 20)
    bank.loc[in_april, ["card", "loan"]] = True
    return open_bank(bank)


def test_adders_are_known_as_they_were_a_month_before(dataset: Dataset) -> None:
    adders = find_adders(dataset)
    history = adders.customers.history
    # 40 was 42 in February, 20 was 23 in March
    assert history.customers.tolist() == [40, 20]
    assert adders.customers.profile["age"].tolist() == [42.0, 23.0]
    assert history.present.tolist() == [0b11, 0b11]
    assert history.held.tolist() == [[0b11, 0b11, 0], [0b11, 0, 0]]
    assert [str(month) for month in adders.customers.asked] == ["2016-03", "2016-04"]
    assert adders.additions.tolist() == [[False, False, True], [False, True, True]]
    assert adders.ages.tolist() == [1, 0]


def same(one: Adders, other: Adders) -> bool:
    return (
        one.customers.history.customers.tolist() == other.customers.history.customers.tolist()
        and one.customers.profile["age"].tolist() == other.customers.profile["age"].tolist()
        and one.additions.tolist() == other.additions.tolist()
        and one.ages.tolist() == other.ages.tolist()
    )


def test_a_sample_of_adders_keeps_what_they_added_and_when(dataset: Dataset) -> None:
    everybody = find_adders(dataset)
    drawn = set()
    for seed in range(10):
        settings = SETTINGS.model_copy(update={"rows": 1, "seed": seed})
        sample = find_adders(dataset, settings)
        rows = draw(len(everybody), settings)
        assert len(sample) == len(rows) == 1
        assert same(sample, everybody.of(rows))
        drawn.add(int(rows[0]))
    assert drawn == {0, 1}


def test_a_draw_is_seeded_ascending_and_without_replacement() -> None:
    settings = SETTINGS.model_copy(update={"rows": 100, "seed": 1})
    rows = draw(1000, settings)
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert len(rows) == 100
    assert draw(1000, settings).tolist() == rows.tolist()
    assert draw(1000, settings.model_copy(update={"seed": 2})).tolist() != rows.tolist()
    assert draw(5, settings).tolist() == [0, 1, 2, 3, 4]


def test_what_the_ranker_is_given(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def fit(_: type[Ranker], *args: object) -> None:
        names = ("adders", "scores", "additions", "weights", "products", "settings")
        seen.update(zip(names, args, strict=True))

    monkeypatch.setattr(Ranker, "fit", classmethod(fit))
    adders = find_adders(dataset)
    scores = {"als": np.ones((2, 3), dtype=np.float32)}
    fit_ranker(adders, scores, dataset.products, SETTINGS)
    assert seen["adders"] is adders.customers
    assert seen["scores"] is scores
    assert seen["additions"] is adders.additions
    assert seen["weights"].tolist() == [0.5**1, 0.5**0]  # March, April
    assert seen["products"] == ["account", "card", "loan"]
    assert seen["settings"] == SETTINGS


def test_a_ranker_that_cannot_learn_says_what_to_do(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise CannotFitError("the customers add nothing")

    monkeypatch.setattr(Ranker, "fit", refuse)
    sentence = "^in the blend months the customers add nothing: lengthen split.blend in params.yaml"
    with pytest.raises(InputError, match=sentence):
        fit_ranker(find_adders(dataset), {}, dataset.products, SETTINGS)


@pytest.mark.parametrize("names", [[], ["als"], ["kmeans", "mlc", "als"]])
def test_models_that_there_are(names: list[str]) -> None:
    check_names(SETTINGS.model_copy(update={"models": names}))


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ([], "^params.yaml: blend.models names blend, svd; known are mlc, kmeans, als$"),
        (["a choice"], "^a choice names blend, svd; known are mlc, kmeans, als$"),
    ],
)
def test_models_that_there_are_not(where: list[str], sentence: str) -> None:
    settings = SETTINGS.model_copy(update={"models": ["svd", "als", "blend"]})
    with pytest.raises(InputError, match=sentence):
        check_names(settings, *where)

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from src.models.contract import CannotFitError, Scores
from src.models.customers import Customers
from src.models.ranker import Ranker, RankerSettings
from tests.histories import histories

PRODUCTS = ["account", "card", "fund", "loan"]


def settings(**changes: object) -> RankerSettings:
    usual = {
        "models": [],
        "lags": [1],
        "month_decay": 1,
        "rows": 1000,
        "iterations": 5,
        "depth": 2,
        "learning_rate": 0.3,
        "l2_leaf_reg": 1,
        "subsample": 1,
        "colsample_bylevel": 1,
        "border_count": 16,
        "seed": 7,
    }
    return RankerSettings.model_validate({**usual, **changes})


def customers(held: NDArray[np.bool_], present: int = 0b1) -> Customers:
    size = len(held)
    return Customers(
        pd.DataFrame({"age": np.arange(size, dtype=float), "sex": pd.Categorical(["V"] * size)}),
        histories([present] * size, held, present),
    )


def one_hot(*items: int) -> NDArray[np.bool_]:
    flags = np.zeros((len(items), len(PRODUCTS)), dtype=bool)
    flags[np.arange(len(items)), list(items)] = True
    return flags


def fit(
    additions: NDArray[np.bool_],
    weights: list[float] | None = None,
    present: int = 0b1,
    scores: dict[str, Scores] | None = None,
    **changes: object,
) -> Ranker:
    adders = customers(np.zeros_like(additions), present)
    usual = np.ones(len(additions)) if weights is None else np.array(weights)
    return Ranker.fit(adders, scores or {}, additions, usual, PRODUCTS, settings(**changes))


def test_prior_counts_additions_by_weight_and_splits_an_adder_between_his() -> None:
    additions = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 1]], dtype=bool)
    prior = fit(additions, [1.0, 0.5, 3.0]).prior
    counts = np.array([1 + 0.5 / 2 + 3 / 3 + 1, 0.5 / 2 + 3 / 3 + 1, 0 + 1, 3 / 3 + 1])
    assert prior == pytest.approx(counts / (1 + 0.5 + 3 + 4))


def test_an_adder_of_several_weighs_as_much_as_an_adder_of_one() -> None:
    # Without features that tell them apart, the booster moves nothing: what it fits is the prior.
    additions = np.array([[1, 0, 0, 0]] * 30 + [[0, 1, 1, 0]] * 30, dtype=bool)
    adders = Customers(
        pd.DataFrame({"age": np.zeros(60)}),
        histories([1] * 60, np.zeros((60, 4)), 1),
    )
    model = Ranker.fit(
        adders, {}, additions, np.ones(60), PRODUCTS, settings(iterations=200, l2_leaf_reg=0)
    )
    shares = model.score(adders.of(slice(1)), {})[0]
    # 30 adders of the account against 15 + 15 of card and fund; the loan only by its smoothing
    assert shares[:3] == pytest.approx([0.5, 0.25, 0.25], abs=0.01)


def test_held_products_get_almost_nothing_and_rows_sum_to_1() -> None:
    model = fit(one_hot(0, 0, 0, 1, 1, 2))
    held = np.array([[0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]], dtype=bool)
    scores = model.score(customers(held), {})
    assert scores.sum(axis=1) == pytest.approx([1, 1, 1, 1])
    assert (scores[held] < 0.005).all()
    assert (scores[held] > 0).all()
    assert (scores[~held] > 0.005).all()


def test_products_never_added_keep_their_prior_and_stand_below_the_others() -> None:
    model = fit(one_hot(1, 1, 1, 1, 1, 3, 3, 3))
    assert model.classes.tolist() == [1, 3]
    assert model.prior == pytest.approx([1 / 12, 6 / 12, 1 / 12, 4 / 12])
    scores = model.score(customers(np.zeros((3, 4), dtype=bool)), {})
    assert scores[:, 0].tolist() == scores[:, 2].tolist()
    assert (scores[:, [0, 2]] < scores[:, [1, 3]].min(axis=1, keepdims=True)).all()
    held = model.score(customers(np.array([[False, False, True, False]])), {})[0]
    assert held[2] == pytest.approx(held[0] * np.exp(-8), rel=1e-4)


@pytest.mark.parametrize(
    ("present", "kept"),
    [(0b111, (1, 2, 3)), (0b1, (1,)), (0b101, (1, 2, 3)), (0b111111, (1, 2, 3, 6))],
)
def test_lags_beyond_the_longest_history_are_left_out(present: int, kept: tuple[int, ...]) -> None:
    model = fit(one_hot(0, 1, 0, 1), present=present, lags=[1, 2, 3, 6, 12])
    assert model.lags == kept
    names, values = model.features(customers(np.zeros((2, 4), dtype=bool)), {})
    assert [name for name in names if name.startswith("portfolio")] == [
        f"portfolio_lag{lag}" for lag in kept
    ]
    assert values.shape == (2, len(names))


def test_features_are_history_then_profile_then_scores() -> None:
    random = np.random.default_rng(1)
    scores = {name: random.random((4, 4)).astype(np.float32) for name in ("als", "mlc", "unused")}
    model = fit(one_hot(0, 1, 0, 1), scores=scores, models=["mlc", "als"])
    names, values = model.features(customers(np.zeros((4, 4), dtype=bool)), scores)
    assert len(names) == len(set(names)) == values.shape[1]
    assert names[:2] == ["held_lag1:account", "held_lag1:card"]
    assert names[-10:] == [
        "age",
        "sex",
        "mlc:account",
        "mlc:card",
        "mlc:fund",
        "mlc:loan",
        "als:account",
        "als:card",
        "als:fund",
        "als:loan",
    ]
    np.testing.assert_array_equal(values[:, -4:], scores["als"])
    np.testing.assert_array_equal(values[:, -8:-4], scores["mlc"])
    assert values[:, -10].tolist() == [0, 1, 2, 3]


def test_it_learns_from_a_base_model() -> None:
    wanted = np.tile([0, 1, 3], 40)
    score = np.where(one_hot(*wanted), 0.9, 0.1).astype(np.float32)
    model = fit(one_hot(*wanted), scores={"mlc": score}, models=["mlc"], iterations=50)
    people = customers(np.zeros((120, 4), dtype=bool))
    assert model.score(people, {"mlc": score}).argmax(axis=1).tolist() == wanted.tolist()
    importances = model.importances()
    assert importances["importance"].sum() == pytest.approx(100)
    assert importances["importance"].is_monotonic_decreasing
    best = importances["feature"].head(2).tolist()
    assert all(feature.startswith("mlc:") for feature in best)


@pytest.mark.parametrize(("items", "added"), [((2, 2, 2), "fund"), ((), "nothing")])
def test_fewer_than_two_products_cannot_be_ranked(items: tuple[int, ...], added: str) -> None:
    sentence = f"^the customers add {added}, but ranking needs at least two products$"
    with pytest.raises(CannotFitError, match=sentence):
        fit(one_hot(*items))

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.special import expit

from src.errors import InputError
from src.models.contract import CannotFitError
from src.payments.operations.evaluation import gini
from src.payments.operations.factors import FACTORS
from src.payments.operations.models import (
    Logistic,
    LogisticSettings,
    Network,
    NetworkSettings,
    OperationModels,
    TrainOperations,
    fit,
    fit_logistic,
    fit_network,
    fit_rows,
    matrix,
)

NAMES = ("logistic", "network", "booster")
Columns = dict[str, NDArray[np.float32]]


def settings(**changes: Any) -> TrainOperations:
    usual: dict[str, dict[str, Any]] = {
        "binning": {"most": 6, "least_share": 0.02, "least_information": 0.02},
        "logistic": {"c": 1.0},
        "network": {"units": 4, "epochs": 80, "learning_rate": 0.03, "l2": 0.001, "seed": 1},
        "booster": {
            "rows": 1_000_000,
            "iterations": 20,
            "depth": 3,
            "learning_rate": 0.2,
            "l2_leaf_reg": 1,
            "subsample": 0.8,
            "border_count": 16,
            "seed": 1,
        },
    }
    content = {name: section | changes.get(name, {}) for name, section in usual.items()}
    return TrainOperations.model_validate(content)


def operations(rows: int, seed: int = 1) -> tuple[Columns, NDArray[np.bool_]]:
    """Factors without meaning but for `elapsed`, `due`, missing for a fifth, and the weekday."""
    random = np.random.default_rng(seed)
    columns = {factor.name: np.zeros(rows, dtype=np.float32) for factor in FACTORS}
    columns["count"] = random.normal(size=rows).astype(np.float32)
    columns["elapsed"] = random.integers(1, 30, rows).astype(np.float32)
    columns["due"] = np.where(random.random(rows) < 0.2, np.nan, random.random(rows)).astype(
        np.float32
    )
    columns["weekday"] = random.integers(0, 7, rows).astype(np.float32)
    log_odds = 2 * np.nan_to_num(columns["due"], nan=-0.5) - columns["elapsed"] / 8
    return columns, random.random(rows) < expit(log_odds + 2 * (columns["weekday"] == 2))


COLUMNS, EVENT = operations(3000)


@pytest.fixture(scope="module")
def models() -> OperationModels:
    return fit(COLUMNS, EVENT, 1.0, settings())


def test_factors_that_tell_nothing_are_left_out(models: OperationModels) -> None:
    kept = [bins.name for bins in models.dictionary]
    assert kept == ["weekday", "elapsed", "due"]
    assert [bins.category for bins in models.dictionary] == [True, False, False]
    assert models.network.factors == kept
    assert list(models.logistic.coefficients) == kept
    assert min(models.logistic.coefficients.values()) > 0
    assert models.booster.feature_names_ == [str(place) for place in range(len(FACTORS))]


def test_every_model_tells_more_than_a_single_factor(models: OperationModels) -> None:
    columns, event = operations(3000, seed=2)
    scores = models.score(columns)
    alone = gini(-columns["elapsed"], event)
    assert tuple(scores) == NAMES
    for chance in scores.values():
        assert chance.shape == (3000,)
        assert ((chance > 0) & (chance < 1)).all()
        assert gini(chance, event) > alone + 0.05


def test_mean_chances_are_the_share_repeated_if_all_are_learnt_from(
    models: OperationModels,
) -> None:
    means = {name: chance.mean() for name, chance in models.score(COLUMNS).items()}
    assert models.correction == 0
    # the regression's intercept is free, so its mean is the share itself
    assert means["logistic"] == pytest.approx(EVENT.mean(), rel=1e-3)
    assert means["network"] == pytest.approx(EVENT.mean(), rel=0.02)
    assert means["booster"] == pytest.approx(EVENT.mean(), rel=0.02)


def test_odds_are_multiplied_by_the_share_drawn(models: OperationModels) -> None:
    tenth = fit(COLUMNS, EVENT, 0.1, settings())
    assert tenth.correction == np.log(0.1)
    whole, corrected = models.score(COLUMNS), tenth.score(COLUMNS)
    for name in NAMES:
        odds = whole[name] / (1 - whole[name])
        np.testing.assert_allclose(corrected[name] / (1 - corrected[name]), 0.1 * odds, rtol=1e-9)


def test_chances_learnt_from_a_quarter_of_the_others_are_those_of_all() -> None:
    columns, event = operations(20_000)
    drawn = event | (np.random.default_rng(3).random(len(event)) < 0.25)
    some = fit(
        {name: values[drawn] for name, values in columns.items()}, event[drawn], 0.25, settings()
    )
    for chance in some.score(columns).values():
        assert chance.mean() == pytest.approx(event.mean(), rel=0.1)


def test_a_fit_is_the_same_twice_and_loaded_models_score_the_same(
    models: OperationModels, tmp_path: Path
) -> None:
    folders = [tmp_path / name for name in ("one", "other", "again")]
    for folder in folders:
        folder.mkdir()
    models.save(folders[0])
    fit(COLUMNS, EVENT, 1.0, settings()).save(folders[1])
    loaded = OperationModels.load(folders[0])
    loaded.save(folders[2])
    files = sorted(path.name for path in folders[0].iterdir())
    assert files == ["booster.cbm", "logistic.json", "network.npz", "woe.json"]
    for name in files:
        content = (folders[0] / name).read_bytes()
        assert (folders[1] / name).read_bytes() == content, name
        if name != "booster.cbm":  # CatBoost writes less of what it has read
            assert (folders[2] / name).read_bytes() == content, name
    assert loaded.dictionary == models.dictionary
    assert loaded.logistic == models.logistic
    columns, _ = operations(500, seed=5)
    for name, chance in models.score(columns).items():
        np.testing.assert_array_equal(loaded.score(columns)[name], chance)


def test_one_operation_scores_as_among_others(models: OperationModels) -> None:
    columns, _ = operations(50, seed=6)
    scores = models.score(columns)
    alone = models.score({name: values[7:8] for name, values in columns.items()})
    for name, chance in scores.items():
        assert alone[name][0] == pytest.approx(chance[7], rel=1e-12)


def test_values_never_seen_have_a_chance(models: OperationModels) -> None:
    columns = {factor.name: np.full(3, np.nan, dtype=np.float32) for factor in FACTORS}
    columns["weekday"][:] = [9, -1, 1e9]
    for chance in models.score(columns).values():
        assert np.isfinite(chance).all()


def test_scores_by_hand() -> None:
    logistic = Logistic(-1.0, {"a": 2.0, "b": 0.5})
    evidence = {"a": np.array([0.0, 1.0]), "b": np.array([2.0, -4.0]), "c": np.array([9.0, 9.0])}
    assert logistic.log_odds(evidence).tolist() == [-1 + 0 + 1, -1 + 2 - 2]
    network = Network(
        ["b", "a"],
        hidden=np.array([[1.0, -1.0], [3.0, 0.0]]),
        hidden_bias=np.array([0.5, 1.0]),
        output=np.array([2.0, 10.0]),
        output_bias=np.array([0.25]),
    )
    # hidden units: b + 3 a + 0.5 and 1 - b, not below 0
    assert network.log_odds(evidence).tolist() == [
        2 * (2 + 0 + 0.5) + 10 * 0 + 0.25,
        2 * 0 + 10 * (1 + 4) + 0.25,
    ]


def test_a_network_is_what_was_fitted() -> None:
    random = np.random.default_rng(1)
    evidence = {name: random.normal(size=400) for name in "ab"}
    event = random.random(400) < expit(2 * evidence["a"])
    own = NetworkSettings(units=3, epochs=30, learning_rate=0.1, l2=0, seed=1)
    network = fit_network(evidence, event, own)
    assert (network.factors, network.hidden.shape, network.output.shape) == (
        ["a", "b"],
        (2, 3),
        (3,),
    )
    swapped = {name: evidence[name] for name in "ba"}
    np.testing.assert_array_equal(network.log_odds(evidence), network.log_odds(swapped))
    assert gini(network.log_odds(evidence), event) > 0.5
    loss = np.log1p(np.exp(np.where(event, -1, 1) * network.log_odds(evidence))).mean()
    assert loss < 0.55  # ln 2 is 0.69


def test_coefficients_of_the_regression() -> None:
    # evidence that is the true log odds, among others without any: its coefficient is 1
    random = np.random.default_rng(1)
    truth = random.normal(size=20_000)
    event = random.random(20_000) < expit(truth - 0.5)
    found = fit_logistic({"a": truth}, event, LogisticSettings(c=100))
    assert found.coefficients["a"] == pytest.approx(1, abs=0.05)
    assert found.intercept == pytest.approx(-0.5, abs=0.05)
    strong = fit_logistic({"a": truth}, event, LogisticSettings(c=1e-6))
    assert 0 < strong.coefficients["a"] < 0.1


def test_evidence_is_never_turned_round() -> None:
    # b says what a says and something wrong beside it: together, its coefficient is below 0
    random = np.random.default_rng(1)
    truth, wrong = random.normal(size=(2, 5000))
    event = random.random(5000) < expit(truth)
    evidence = {"b": truth + wrong, "a": truth + wrong / 2}
    found = fit_logistic(evidence, event, LogisticSettings(c=1))
    assert list(found.coefficients) == ["a"]
    assert found.coefficients["a"] > 0


@pytest.mark.parametrize("sign", [-1, 0])
def test_factors_that_say_the_same_and_nothing_good_end_as_one(sign: int) -> None:
    random = np.random.default_rng(1)
    values = sign * random.normal(size=300)
    event = random.random(300) < expit(-values if sign else np.zeros(300))
    found = fit_logistic({"a": values, "b": values}, event, LogisticSettings(c=1))
    assert len(found.coefficients) == 1


def test_all_factors_in_their_order() -> None:
    columns = {factor.name: np.full(2, place, np.float32) for place, factor in enumerate(FACTORS)}
    shuffled = dict(sorted(columns.items()))
    assert matrix(shuffled).tolist() == [list(range(len(FACTORS)))] * 2
    assert matrix(shuffled).dtype == np.float32


def test_the_booster_learns_from_so_many_rows() -> None:
    few = fit(COLUMNS, EVENT, 1.0, settings(booster={"rows": 300}))
    again = fit(COLUMNS, EVENT, 1.0, settings(booster={"rows": 300}))
    other = fit(COLUMNS, EVENT, 1.0, settings(booster={"rows": 300, "seed": 2}))
    one, same, different = (each.score(COLUMNS)["booster"] for each in (few, again, other))
    np.testing.assert_array_equal(one, same)
    assert (one != different).any()
    # all 300 were counted, and the two others saw all rows
    leaves = few.booster.get_leaf_weights()
    assert leaves.reshape(20, -1).sum(axis=1).max() <= 300
    assert sum(map(sum, (bins.events for bins in few.dictionary))) == 3 * EVENT.sum()


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (np.zeros(3000, dtype=bool), "of 3,000 operations 0 are repeated"),
        (np.ones(3000, dtype=bool), "of 3,000 operations 3,000 are repeated"),
    ],
)
def test_nothing_to_learn_from(event: NDArray[np.bool_], sentence: str) -> None:
    with pytest.raises(CannotFitError, match=re.escape(sentence)):
        fit(COLUMNS, event, 1.0, settings())


def test_no_factor_tells_enough() -> None:
    with pytest.raises(CannotFitError, match=r"no factor has an information value above 0\.\d+$"):
        fit(COLUMNS, EVENT, 1.0, settings(binning={"least_information": 50}))


def test_rows_of_observations_are_fitted_or_say_what_to_do(models: OperationModels) -> None:
    table = pa.table({**COLUMNS, "repeated": EVENT})
    found = fit_rows(table, 1.0, settings())
    assert found.logistic == models.logistic
    none = table.set_column(len(FACTORS), "repeated", pa.array(np.zeros(3000, dtype=bool)))
    with pytest.raises(
        InputError,
        match=r"train_operations: of 3,000 operations 0 are repeated: take more cut-offs or "
        r"clients with observe in pipelines/payments/params.yaml",
    ):
        fit_rows(none, 1.0, settings())


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("binning", {"most": 1}),
        ("binning", {"least_share": 0}),
        ("binning", {"least_share": 0.5}),
        ("binning", {"least_information": -0.1}),
        ("logistic", {"c": 0}),
        ("network", {"units": 0}),
        ("network", {"learning_rate": 0}),
        ("booster", {"rows": 99}),
    ],
)
def test_ranges(section: str, change: dict[str, float]) -> None:
    (name,) = change
    with pytest.raises(ValidationError, match=f"{section}.{name}"):
        settings(**{section: change})

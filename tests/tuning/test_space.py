"""Search spaces: what params files may say, and what trials make of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import Field, ValidationError

from src import params
from src.errors import InputError
from src.models.factorization import TrainAls
from src.models.kmeans import KMeansSettings
from src.models.mlc import MlcSettings
from src.models.ranker import RankerSettings
from src.params import Section
from src.tuning.space import (
    PARAMS,
    Tuning,
    Values,
    at_edge,
    distributions,
    rounded,
    to_params,
    to_settings,
)

ROOT = Path(__file__).parent.parent.parent


class Settings(Section):
    depth: int = Field(ge=1, le=16)
    rate: float = Field(gt=0, le=1)
    penalty: float = Field(ge=0)
    lags: list[int] = Field(min_length=1)


NOW = Settings(depth=5, rate=0.3, penalty=3, lags=[1, 2])


def tuning(**space: dict[str, object]) -> Tuning:
    return Tuning.model_validate(
        {"trials": 10, "seconds": 60, "seed": 1, "prune": 0.25, "space": space}
    )


def spaced(**space: dict[str, object]) -> Any:
    return distributions("mlc", "train_mlc", tuning(**space), NOW)


def test_ranges_take_the_type_of_the_parameter() -> None:
    assert spaced(
        depth={"low": 2, "high": 8},
        rate={"low": 0.03, "high": 1, "log": True},
        penalty={"low": 0, "high": 10},
        lags={"choices": [[1], [1, 2]]},
    ) == {
        "depth": IntDistribution(2, 8),
        "rate": FloatDistribution(0.03, 1.0, log=True),
        "penalty": FloatDistribution(0.0, 10.0),
        "lags": CategoricalDistribution(["[1]", "[1, 2]"]),
    }


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        (
            {"dept": {"low": 1, "high": 2}},
            "'mlc.space.dept' is no parameter of train_mlc (did you mean 'depth'?)",
        ),
        (
            {"zzz": {"low": 1, "high": 2}},
            "'mlc.space.zzz' is no parameter of train_mlc (it has depth, rate, penalty, lags)",
        ),
        (
            {"rate": {"low": 0.1, "high": 1.5}},
            "'mlc.space.rate' allows 1.5, which train_mlc.rate refuses: "
            "Input should be less than or equal to 1",
        ),
        (
            {"depth": {"low": 2.5, "high": 8}},
            "'mlc.space.depth' allows 2.5, which train_mlc.depth refuses: "
            "Input should be a valid integer, got a number with a fractional part",
        ),
        (
            {"depth": {"low": 6, "high": 8}},
            "'mlc.space.depth' leaves out the current value 5: a study begins with it",
        ),
        (
            {"lags": {"choices": [[1], [2]]}},
            "'mlc.space.lags' leaves out the current value [1, 2]: a study begins with it",
        ),
        (
            {"lags": {"choices": [[1, 2], [1, 2], [1]]}},
            "'mlc.space.lags' names a choice twice",
        ),
        (
            {"lags": {"low": 1, "high": 2}},
            "'mlc.space.lags' is no number: give choices instead of low and high",
        ),
        (
            {"lags": {"choices": [[1, 2], []]}},
            "'mlc.space.lags' allows [], which train_mlc.lags refuses: "
            "List should have at least 1 item after validation, not 0",
        ),
    ],
)
def test_values_that_the_model_does_not_take(space: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(f"pipelines/tuning/params.yaml: {sentence}")):
        spaced(**space)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(InputError, match=r"mlc\.space\.dept.*; 'mlc\.space\.rate'"):
        spaced(dept={"low": 1, "high": 2}, rate={"low": 0.5, "high": 2})


@pytest.mark.parametrize(
    ("model", "section", "settings"),
    [
        ("als", "train_als", TrainAls),
        ("kmeans", "train_kmeans", KMeansSettings),
        ("mlc", "train_mlc", MlcSettings),
        ("blend", "blend", RankerSettings),
    ],
)
def test_the_studies_of_the_repository_fit_its_models(
    model: str, section: str, settings: type[Section], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    tuning = params.load(model, Tuning, PARAMS)
    space = distributions(model, section, tuning, params.load(section, settings))
    assert list(space) == list(tuning.space)
    assert not {"rows", "seed"} & set(space)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "give low and high, or choices"),
        ({"low": 1}, "give low and high, or choices"),
        ({"low": 1, "high": 2, "choices": [1, 2]}, "give either low and high, or choices"),
        ({"choices": [1, 2], "log": True}, "give either low and high, or choices"),
        ({"low": 2, "high": 2}, "low must be below high"),
        ({"low": 0, "high": 2, "log": True}, "a range by logarithm begins above 0"),
        ({"choices": [1]}, "at least 2 items"),
        ({"low": 1, "high": 2, "step": 1}, "Extra inputs are not permitted"),
    ],
)
def test_values_that_make_no_sense(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        Values.model_validate(values)


def test_a_trial_changes_what_it_searches_and_nothing_else() -> None:
    space = spaced(rate={"low": 0.1, "high": 1}, lags={"choices": [[1], [1, 2]]})
    assert to_params(NOW, space) == {"rate": 0.3, "lags": "[1, 2]"}
    assert to_settings({"rate": 0.5, "lags": "[1]"}, space, NOW) == Settings(
        depth=5, rate=0.5, penalty=3, lags=[1]
    )
    assert json.loads(to_params(NOW, space)["lags"]) == NOW.lags


def test_sampled_numbers_have_three_digits_inside_their_range() -> None:
    space = spaced(
        depth={"low": 2, "high": 8},
        rate={"low": 0.12345, "high": 0.45678},
        penalty={"low": 0, "high": 3000},
        lags={"choices": [[1], [1, 2]]},
    )
    sampled = {"depth": 7, "rate": 0.234567, "penalty": 1234.5, "lags": "[1]"}
    assert rounded(sampled, space) == {"depth": 7, "rate": 0.235, "penalty": 1230, "lags": "[1]"}
    assert rounded(sampled | {"rate": 0.1234501}, space)["rate"] == 0.12345
    assert rounded(sampled | {"rate": 0.45677}, space)["rate"] == 0.45678


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("depth", 2, True),
        ("depth", 3, False),
        ("depth", 8, True),
        ("rate", 0.55, False),
        ("rate", 0.12, True),  # 0.1 + 0.9 / 20 = 0.145
        ("rate", 1.0, False),  # the model takes no more than 1
        ("penalty", 1.15, True),  # 20 steps by logarithm from 1 to 100: the first ends at 1.26
        ("penalty", 1.3, False),
        ("penalty", 80.0, True),  # the last begins at 79.4
        ("lags", "[1]", False),
    ],
)
def test_a_value_at_the_edge_asks_for_more(name: str, value: float, expected: bool) -> None:
    space = spaced(
        depth={"low": 2, "high": 8},
        rate={"low": 0.1, "high": 1},
        penalty={"low": 1, "high": 100, "log": True},
        lags={"choices": [[1], [1, 2]]},
    )
    assert at_edge(name, value, space, NOW) is expected


def test_the_lowest_that_the_model_takes_is_no_edge() -> None:
    space = spaced(depth={"low": 1, "high": 16}, penalty={"low": 0, "high": 10})
    assert not at_edge("depth", 1, space, NOW)
    assert not at_edge("depth", 16, space, NOW)
    assert not at_edge("penalty", 0.0, space, NOW)
    assert at_edge("penalty", 10.0, space, NOW)

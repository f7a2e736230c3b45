"""What every model in src/models must do, whatever it has learnt from."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import src.models
from src.models.als import Als
from src.models.contract import Model, Scores
from src.models.customers import Customers
from src.models.factorization import AlsSettings
from src.models.kmeans import KMeans, KMeansSettings
from src.models.mlc import Mlc, MlcSettings
from src.models.popularity import Popularity
from src.models.propensity import Propensity, PropensitySettings
from src.models.ranker import Ranker, RankerSettings
from src.ranking import top_k
from tests.histories import histories

# Two kinds of customers: the young use items 0-2, the old 3-5, and everyone lacks one of his three.
SIZE = 120
NUMBER = np.arange(SIZE)
OLD = NUMBER % 2
LACKING = NUMBER // 2 % 3
MISSING = OLD * 3 + LACKING
HELD = np.arange(6) // 3 == OLD[:, None]
HELD[NUMBER, MISSING] = False
ADDED = np.arange(6) == MISSING[:, None]
CUSTOMERS = Customers(
    pd.DataFrame(
        {
            "age": 25.0 + 40 * OLD + NUMBER % 7,
            "income": 1e4 * (1 + NUMBER % 5),
            "segment": pd.Categorical(np.where(OLD, "private", "student")),
        }
    ),
    histories([0b1111] * SIZE, HELD * 0b1111, 0b0101),
)
# Whoever has items 0 and 1 lacks 2, and so on: what a model that knows the customer answers.
BASE_SCORES = {"als": np.where(HELD, 0.9, HELD[:, ::-1] * 0.1).astype(np.float32)}


@dataclass(frozen=True)
class Case:
    """How to fit a model on the toy, how to score, and which item comes first when held are hidden.

    `exact`: a batch scores like its rows one by one, to the bit. Otherwise to 1e-6: the matrix
    product of a library adds up in an order that depends on the size of the batch.
    """

    model: type[Any]
    fit: Callable[[], Any]
    best: NDArray[np.intp]
    exact: bool = True
    needs_scores: bool = False

    def score(self, model: Any, rows: slice) -> Scores:
        customers = CUSTOMERS.of(rows)
        if not self.needs_scores:
            return np.asarray(model.score(customers))
        scores = {name: values[rows] for name, values in BASE_SCORES.items()}
        return np.asarray(model.score(customers, scores))


ALS = AlsSettings(factors=2, iterations=10, regularization=0.01, alpha=10, seed=7)
KMEANS = KMeansSettings(
    clusters=2,
    epochs=5,
    rows=100,
    minibatch_above=1000,
    batch=32,
    min_frequency=0.01,
    log_columns=["income"],
    seed=7,
)
MLC = MlcSettings(
    rows=100,
    iterations=20,
    depth=2,
    learning_rate=0.3,
    subsample=0.8,
    l2_leaf_reg=1,
    border_count=16,
    seed=7,
)
RANKER = RankerSettings(
    models=["als"],
    lags=[1, 2],
    month_decay=1,
    rows=1000,
    iterations=30,
    depth=3,
    learning_rate=0.3,
    l2_leaf_reg=1,
    subsample=0.8,
    colsample_bylevel=0.5,
    border_count=16,
    seed=7,
)
PROPENSITY = PropensitySettings(
    rows=1000,
    others=1000,
    bags=2,
    calibration_rows=1000,
    min_additions=1,
    rate_by="segment",
    lags=[1, 2],
    iterations=20,
    depth=3,
    learning_rate=0.3,
    l2_leaf_reg=1,
    subsample=0.8,
    colsample_bylevel=1,
    border_count=16,
    seed=7,
)
ITEMS = ["account", "payroll", "card", "fund", "deposit", "pension"]

CASES = [
    Case(Als, partial(Als.fit, CUSTOMERS.history, ALS), MISSING, exact=False),
    Case(KMeans, partial(KMeans.fit, CUSTOMERS, HELD, KMEANS), MISSING),
    Case(Mlc, partial(Mlc.fit, CUSTOMERS, HELD, MLC), MISSING),
    # item 0 is the most added, then 1: the old hold neither, the young lack one
    Case(
        Popularity,
        partial(Popularity.fit, np.array([6, 5, 4, 3, 2, 1])),
        np.where(OLD, 0, LACKING),
    ),
    Case(
        Ranker,
        partial(Ranker.fit, CUSTOMERS, BASE_SCORES, ADDED, np.ones(SIZE), ITEMS, RANKER),
        MISSING,
        needs_scores=True,
    ),
    # All who lack an item add it, but for every sixth, who adds nothing.
    Case(
        Propensity,
        partial(
            Propensity.fit,
            CUSTOMERS,
            ADDED & (NUMBER % 36 > 5)[:, None],
            np.ones(SIZE),
            ITEMS,
            PROPENSITY,
        ),
        MISSING,
    ),
]

every_model = pytest.mark.parametrize("case", CASES, ids=lambda case: case.model.__name__)
ALL = slice(None)


pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture(scope="module")
def fitted() -> Callable[[Case], Any]:
    """A model of each case, fitted once."""
    models: dict[type, Any] = {}

    def fit(case: Case) -> Any:
        if case.model not in models:
            models[case.model] = case.fit()
        return models[case.model]

    return fit


def test_every_model_is_held_to_the_contract() -> None:
    found = set()
    for module in pkgutil.iter_modules(src.models.__path__, "src.models."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if hasattr(kind, "score") and kind.__module__ == module.name and kind is not Model:
                found.add(kind)
    assert found == {case.model for case in CASES}


@every_model
def test_the_right_answer_comes_first(case: Case, fitted: Callable[[Case], Any]) -> None:
    best = top_k(case.score(fitted(case), ALL), 1, HELD)
    assert best[:, 0].tolist() == case.best.tolist()


@every_model
def test_scores_are_finite_float32_by_customer_and_item(
    case: Case, fitted: Callable[[Case], Any]
) -> None:
    scores = case.score(fitted(case), ALL)
    assert scores.shape == (SIZE, 6)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


@every_model
def test_a_batch_scores_like_its_rows_one_by_one(case: Case, fitted: Callable[[Case], Any]) -> None:
    batch = case.score(fitted(case), slice(30))
    single = np.concatenate([case.score(fitted(case), slice(row, row + 1)) for row in range(30)])
    np.testing.assert_allclose(batch, single, rtol=0, atol=0 if case.exact else 1e-6)


@every_model
def test_no_customers_have_no_scores(case: Case, fitted: Callable[[Case], Any]) -> None:
    assert case.score(fitted(case), slice(0)).shape == (0, 6)


@every_model
def test_a_second_fit_is_the_first(
    case: Case, fitted: Callable[[Case], Any], tmp_path: Path
) -> None:
    fitted(case).save(tmp_path / "first")
    case.fit().save(tmp_path / "second")
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@every_model
def test_a_loaded_model_scores_the_same_bits(
    case: Case, fitted: Callable[[Case], Any], tmp_path: Path
) -> None:
    before = case.score(fitted(case), ALL)
    fitted(case).save(tmp_path / "model")
    loaded = case.model.load(tmp_path / "model")
    assert isinstance(loaded, case.model)
    assert case.score(loaded, ALL).tobytes() == before.tobytes()
    loaded.save(tmp_path / "again")
    again = case.model.load(tmp_path / "again")
    assert case.score(again, ALL).tobytes() == before.tobytes()


@every_model
def test_the_file_holds_no_pickle(
    case: Case, fitted: Callable[[Case], Any], tmp_path: Path
) -> None:
    path = tmp_path / "model"
    fitted(case).save(path)
    if path.read_bytes()[:4] == b"CBM1":  # CatBoost's own format
        return
    with np.load(path, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)  # raises on a pickle
        assert arrays.files

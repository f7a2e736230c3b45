"""A fourth first-stage model is a record: no other code is changed for it."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from src.log_mlflow.finished import serving
from src.log_mlflow.parts import parts
from src.models.contract import FirstStage, Phrase
from src.models.interleave import interleave
from src.models.pool import Pool
from src.models.propensity import PropensitySettings
from src.models.ranker import RankerSettings
from src.models.registry import FIRST_STAGE
from src.products import evaluate, paths, propensity, recommend
from src.products.dataset import Dataset
from src.products.first_stage import fit
from src.products.scoring import Models, model_files
from src.products.second_stage import check_names, find_adders, fit_popularity, fit_ranker
from tests.products.conftest import SECTIONS, OpenBank
from tests.toy import Toy, ToySettings

RECORD = FirstStage(
    name="toy",
    turn=4,
    model=Toy,
    settings=ToySettings,
    file="toy.npz",
    offline_lists="toy.parquet",
    fit=Toy.fit,
    looks_at=frozenset({"history"}),
    title=Phrase("long use", "долгое пользование"),
    score_means=Phrase("weighted months", "взвешенные месяцы"),
    fallback="what the customer has held for long",
    phrase=Phrase("{t} was held for long ({s})", "«{t}»: давно ({s})"),
    metrics=lambda model, _customers, scores, held: {
        "weight": model.weight,
        "held": float(scores[held].mean()),
    },
)
PARAMS = SECTIONS | {
    "train_toy": {"weight": 0.5},
    "blend": SECTIONS["blend"] | {"models": ["als", "toy"]},
}


@pytest.fixture(autouse=True)
def _fourth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FIRST_STAGE, "toy", RECORD)


@pytest.fixture
def dataset(open_bank: OpenBank, bank: pd.DataFrame) -> Dataset:
    """In April 20 takes a card, so that two products are added in the blend months."""
    bank["card"] |= (bank["customer"] == 20) & (bank["age"] == 24)
    return open_bank(bank)


@pytest.fixture
def models(dataset: Dataset) -> Models:
    """All models, saved where evaluate finds them."""
    first_stage = {
        name: fit(record, dataset, record.settings.model_validate(PARAMS[f"train_{name}"]))
        for name, record in FIRST_STAGE.items()
    }
    settings = RankerSettings.model_validate(PARAMS["blend"])
    check_names(settings)
    adders = find_adders(dataset)
    scores = {name: model.score(adders.customers) for name, model in first_stage.items()}
    ranker = fit_ranker(adders, scores, dataset.products, settings)
    chances = propensity.fit(dataset, PropensitySettings.model_validate(PARAMS["train_propensity"]))
    fitted = Models(fit_popularity(dataset), first_stage, ranker, chances, Pool())
    fitted.save(paths.MODELS)
    return fitted


SECOND = ["interleave", "ranker", "propensity", "blend"]
# March and April of 10, 20 and 30, times 0.5 for each of the four customers of the base window
MAY = [[2 * 2.0, 1 * 2.0, 0.0], [2 * 2.0, 1 * 2.0, 0.0], [1 * 2.0, 1 * 2.0, 0.0]]


@pytest.mark.usefixtures("models")
def test_it_is_saved_loaded_and_scored_with_the_others(dataset: Dataset) -> None:
    models = Models.load(paths.MODELS)
    scores = models.score(dataset.customers(dataset.windows.last))
    assert list(scores) == ["popularity", "mlc", "kmeans", "als", "toy", *SECOND]
    assert scores["toy"].tolist() == MAY
    turns = [scores[name] for name in ("mlc", "kmeans", "als", "toy")]
    np.testing.assert_array_equal(scores["interleave"], interleave(turns))
    assert [name for name in models.ranker.booster.feature_names_ if name.startswith("toy:")] == [
        "toy:account",
        "toy:card",
        "toy:loan",
    ]


# Of two adders, most lines of MAP@k are the same, and their names need more room than there is.
@pytest.mark.filterwarnings("ignore:constrained_layout not applied")
@pytest.mark.usefixtures("models")
def test_it_is_compared_with_the_others(write_params: Callable[..., None]) -> None:
    write_params(evaluate={"resamples": 10, "seed": 1})
    evaluate.main()
    metrics = json.loads(Path(paths.METRICS).read_text())
    assert [name for name in metrics if "map@7" in metrics[name]] == [
        "popularity",
        "mlc",
        "kmeans",
        "als",
        "toy",
        *SECOND,
    ]
    # 10 holds the account and adds the card, 30 lacks the loan alone: both are told
    assert metrics["toy"]["map@7_adders"] == 1.0
    assert metrics["toy"]["map@7"] == round(2 / 3, 6)
    # in May 10 and 20 hold account and card, 30 account and loan
    assert metrics["toy"]["weight"] == 2.0
    assert metrics["toy"]["held"] == round((4 + 2 + 4 + 2 + 2 + 0) / 6, 6)
    assert set(metrics["slices"]["segment private"]) >= {"als", "toy", "blend"}
    assert pq.read_table(paths.TEST_CUSTOMERS)["toy"].to_pylist() == [1.0, 1.0]
    curves = pd.read_csv(paths.MAP_AT_K)
    assert curves[curves["model"] == "toy"]["map"].tolist() == [1.0] * 7


@pytest.mark.usefixtures("models")
def test_it_is_refitted_and_has_lists_of_its_own(write_params: Callable[..., None]) -> None:
    write_params(recommend={"k": 2, "submission": False}, **PARAMS)
    recommend.main()
    # April and May, held ones left out: 30 had the card in April
    assert pq.read_table(f"{paths.SERVING_LISTS}/toy.parquet").to_pylist() == [
        {"customer": 10, "rank": 1, "product": "loan", "score": 0.0},
        {"customer": 20, "rank": 1, "product": "loan", "score": 0.0},
        {"customer": 30, "rank": 1, "product": "card", "score": 2.0},
        {"customer": 50, "rank": 1, "product": "loan", "score": 0.0},
    ]
    assert Toy.load(Path(paths.SERVING, "toy.npz")) == Toy(2.0)


def test_it_is_a_run_of_its_own() -> None:
    names = ["ingest", "clean", "split", "blend", "evaluate", *(f"train_{n}" for n in FIRST_STAGE)]
    stages: dict[str, Any] = {name: {"outs": []} for name in names}
    stages["train_toy"] = {
        "params": {"params.yaml": {"train_toy": {"weight": 0.5}}},
        "outs": [{"path": "models/products/toy.npz"}, {"path": "plots/products/toy_curve.csv"}],
    }
    scored = {name: {"map@7": 0.01} for name in (*FIRST_STAGE, "blend")}
    reports = {
        paths.QUALITY: {},
        paths.REPAIRS: {},
        paths.METRICS: scored | {"test": {}, "slices": {"cold_start": {"toy": {"map@7": 0.5}}}},
    }
    found = {part.name: part for part in parts(stages, reports)}
    assert list(found) == [
        "EDA",
        "MLC_processing",
        "KMEANS_processing",
        "ALS_processing",
        "TOY_processing",
        "BLEND_processing",
    ]
    toy = found["TOY_processing"]
    assert (toy.model, toy.stages, toy.params) == ("toy", ["train_toy"], {"train_toy.weight": 0.5})
    assert toy.metrics == {"map_at_7": 0.01, "slices.cold_start.map_at_7": 0.5}
    assert "plots/products/toy_curve.csv" in toy.files


def test_its_file_is_among_those_of_a_folder() -> None:
    assert model_files()["toy"] == "toy.npz"
    assert serving()["toy"] == f"{paths.SERVING}/toy.npz"


@pytest.mark.filterwarnings("ignore")  # MLflow warns about others and itself
@pytest.mark.usefixtures("models")
def test_it_scores_what_mlflow_hands_it(dataset: Dataset) -> None:
    from src.log_mlflow.models import inputs_of
    from src.log_mlflow.scorer import Scorer

    finished: Any = SimpleNamespace(schema=dataset.schema, windows=dataset.windows)
    inputs = inputs_of("toy", finished)
    assert inputs == {
        "model": "toy",
        "numeric": [],
        "categorical": [],
        "bits": ["present", "was_active", "account", "card", "loan"],
        "products": ["account", "card", "loan"],
        "lookback_months": 2,
        "last_month": "2016-05",
    }
    Path(paths.MODELS, "inputs.json").write_text(json.dumps(inputs))
    scorer = Scorer()
    context: Any = SimpleNamespace(artifacts={"folder": paths.MODELS})
    scorer.load_context(context)
    table = pd.DataFrame(
        {"present": [7, 1], "was_active": [0, 0], "account": [7, 1], "card": [2, 0], "loan": [4, 0]}
    )
    # two months are looked back on
    expected = [[4.0, 2.0, 0.0], [2.0, 0.0, 0.0]]
    assert scorer.predict(context, table).to_numpy().tolist() == expected

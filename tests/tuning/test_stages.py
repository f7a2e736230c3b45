"""The four studies on the small bank: what they judge is what the pipeline's stages would fit."""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pandas as pd
import pytest
import yaml

from src.errors import InputError
from src.models.als import Als
from src.models.contract import Scores
from src.models.factorization import TrainAls
from src.models.kmeans import KMeans, KMeansSettings
from src.models.mlc import Mlc, MlcSettings
from src.models.ranker import RankerSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import load_first_stage
from src.products.second_stage import find_adders, fit_ranker
from src.tuning import report
from src.tuning.objective import Objective
from tests.tuning.test_objective import hold

ALS = TrainAls(trainer="implicit", factors=2, iterations=4, regularization=0.1, alpha=5, seed=7)
KMEANS = KMeansSettings(
    clusters=3,
    epochs=4,
    rows=100,
    minibatch_above=1000,
    batch=10,
    min_frequency=0.1,
    log_columns=["income"],
    seed=7,
)
BOOSTER: dict[str, Any] = {
    "rows": 100,
    "iterations": 4,
    "depth": 2,
    "learning_rate": 0.5,
    "l2_leaf_reg": 1,
    "subsample": 1,
    "border_count": 16,
    "seed": 7,
}
MLC = MlcSettings(**BOOSTER)
BLEND = RankerSettings(
    **BOOSTER, models=["als", "mlc"], lags=[1, 2], month_decay=0.5, colsample_bylevel=1
)
SECTIONS = {"train_als": ALS, "train_kmeans": KMEANS, "train_mlc": MLC, "blend": BLEND}
SPACES: dict[str, dict[str, Any]] = {
    "als": {"factors": {"low": 1, "high": 3}, "alpha": {"low": 1, "high": 10}},
    "kmeans": {"clusters": {"low": 2, "high": 5}, "epochs": {"low": 1, "high": 5}},
    "mlc": {"depth": {"low": 1, "high": 3}, "iterations": {"low": 2, "high": 6}},
    "blend": {
        "models": {"choices": [["als", "mlc"], ["kmeans"], []]},
        "month_decay": {"low": 0.5, "high": 1},
    },
}


@pytest.fixture(autouse=True)
def _without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    # they take longer than the models
    monkeypatch.setattr(report, "figures", MagicMock())
    monkeypatch.setattr(report, "save", MagicMock())


@pytest.fixture
def dataset(
    open_bank: Callable[[pd.DataFrame], Dataset], bank: pd.DataFrame, schema: Schema
) -> Dataset:
    """The bank before its test month: March adds a card and two loans, April two loans."""
    for customer, month, product in ((20, 3, "card"), (20, 4, "card"), (10, 4, "loan")):
        hold(bank, customer, month, product)
    hold(bank, 20, 4, "loan")
    content = {name: settings.model_dump() for name, settings in SECTIONS.items()}
    content["schema"] = schema.model_dump()
    Path("params.yaml").write_text(yaml.safe_dump(content))
    size = {"trials": 3, "seconds": 600, "seed": 1, "prune": 0.5}
    Path("pipelines/tuning").mkdir(parents=True)
    Path("pipelines/tuning/params.yaml").write_text(
        yaml.safe_dump({name: size | {"space": space} for name, space in SPACES.items()})
    )
    stages = {name: {"deps": [paths.CLEAN, paths.HISTORY]} for name in SPACES}
    Path("pipelines/tuning/dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    return open_bank(bank).before_test()


def scores_of(model: str, dataset: Dataset, objective: Objective) -> Scores:
    """As the training stages fit them, on the months before the test month."""
    customers, holdings = dataset.sample(100, seed=7)
    if model == "als":
        return Als.learn(dataset, ALS).score(objective.customers)
    if model == "kmeans":
        return KMeans.fit(customers, holdings, KMEANS).score(objective.customers)
    if model == "mlc":
        return Mlc.fit(customers, holdings, MLC).score(objective.customers)
    first_stage = load_first_stage(paths.MODELS)
    adders = find_adders(dataset, BLEND)
    scores, known = (
        {name: first_stage[name].score(customers) for name in BLEND.models}
        for customers in (adders.customers, objective.customers)
    )
    ranker = fit_ranker(adders, scores, dataset.products, BLEND)
    return ranker.score(objective.customers, known)


def save_first_stage(dataset: Dataset) -> None:
    customers, holdings = dataset.sample(100, seed=7)
    Als.learn(dataset, ALS).save(f"{paths.MODELS}/als.npz")
    KMeans.fit(customers, holdings, KMEANS).save(f"{paths.MODELS}/kmeans.npz")
    Mlc.fit(customers, holdings, MLC).save(f"{paths.MODELS}/mlc.cbm")


@pytest.mark.parametrize("model", list(SPACES))
def test_the_current_settings_are_worth_what_the_stage_would_be(
    dataset: Dataset, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    save_first_stage(dataset)
    import_module(f"src.tuning.{model}").main()
    summary = json.loads(Path(f"metrics/tuning/{model}.json").read_text())
    objective = Objective.of(dataset)
    assert summary["current"] == round(objective(scores_of(model, dataset, objective)).mean(), 6)
    assert summary["month"] == "2016-04-28"
    assert summary["trials"] == summary["planned"] == 3
    assert set(summary["best"]) == {"trial", *SPACES[model]}
    table = pd.read_csv(f"plots/tuning/{model}/trials.csv")
    assert (table["state"] == "complete").all()
    assert table["with_part"].notna().all()
    assert f"{model}: 3 of 3 trials" in capsys.readouterr().out


@pytest.mark.parametrize("model", list(SPACES))
def test_the_test_month_changes_nothing(
    dataset: Dataset,
    open_bank: Callable[[pd.DataFrame], Dataset],
    bank: pd.DataFrame,
    model: str,
) -> None:
    save_first_stage(dataset)
    stage = import_module(f"src.tuning.{model}")
    table = Path(f"plots/tuning/{model}/trials.csv")
    stage.main()
    before = table.read_bytes()
    table.unlink()
    in_may = bank["month"].map(lambda day: day.month) == 5
    bank.loc[in_may, ["account", "card", "loan"]] ^= True
    bank.loc[in_may, "age"] = 99.0
    bank.loc[in_may, "segment"] = "student"
    open_bank(bank)
    stage.main()
    assert table.read_bytes() == before
    assert len(list(Path("data/tuning", model).iterdir())) == 2  # other data, another study


@pytest.mark.parametrize("where", ["params.yaml", "pipelines/tuning/params.yaml"])
def test_the_ranker_sees_models_that_there_are(dataset: Dataset, where: str) -> None:
    save_first_stage(dataset)
    content = yaml.safe_load(Path(where).read_text())
    if where == "params.yaml":
        content["blend"]["models"] = ["als", "fm"]
    else:
        content["blend"]["space"]["models"]["choices"].append(["als", "fm"])
    Path(where).write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=r"names fm; known are mlc, kmeans, als$"):
        import_module("src.tuning.blend").main()

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src import params
from src.errors import InputError
from src.lists import lists_of
from src.models.contract import CannotFitError
from src.models.history import History
from src.models.pool import Pool
from src.models.shap import LeafShap
from src.products import paths, recommend, train_propensity
from src.products.dataset import Dataset
from src.products.recommend import write_submission
from src.products.schema import Schema
from src.products.scoring import Models
from src.products.windows import Windows
from tests.products.conftest import SECTIONS, OpenBank

PRODUCTS = ["account", "card", "loan"]


def test_submission_has_a_row_per_customer_best_product_first(tmp_path: Path) -> None:
    lists = pa.table(
        {
            "customer": [20, 20, 3, 3, 3],
            "rank": [1, 2, 1, 2, 3],
            "product": pa.array(["loan", "card", "card", "account", "loan"]).dictionary_encode(),
            "score": [0.9, 0.1, 0.5, 0.3, 0.2],
        }
    )
    write_submission(str(tmp_path / "submission.csv"), lists, np.array([3, 7, 20]), "ncodpers")
    assert (tmp_path / "submission.csv").read_text() == (
        "ncodpers,added_products\n3,card account loan\n7,\n20,loan card\n"  # 7 holds everything
    )


@pytest.fixture
def recommended(
    open_bank: OpenBank, crowd: pd.DataFrame, write_params: Callable[..., None]
) -> pd.DataFrame:
    """What everybody holds in May, by customer; recommend has written its tables."""
    open_bank(crowd)
    write_params(recommend={"k": 2, "submission": True}, **SECTIONS)
    train_propensity.main()
    Pool().save(paths.POOL)
    recommend.main()
    in_may = crowd[crowd["month"] == datetime.date(2016, 5, 28)]
    return in_may.set_index("customer")


def test_lists_are_as_long_as_there_is_something_to_offer(recommended: pd.DataFrame) -> None:
    lists = pd.read_parquet(paths.RECOMMENDATIONS)
    expected = (~recommended[PRODUCTS]).sum(axis=1).clip(upper=2)
    assert lists.groupby("customer").size().to_dict() == expected[expected > 0].to_dict()


def test_nobody_is_offered_what_he_holds(recommended: pd.DataFrame) -> None:
    lists = pd.read_parquet(paths.RECOMMENDATIONS)
    offered = zip(lists["customer"], lists["product"], strict=True)
    assert [pair for pair in offered if recommended.loc[pair]] == []


@pytest.mark.usefixtures("recommended")
def test_the_best_product_comes_first() -> None:
    for _, one in pd.read_parquet(paths.RECOMMENDATIONS).groupby("customer"):
        assert one["rank"].tolist() == [1, 2][: len(one)]
        assert one["score"].is_monotonic_decreasing


def test_the_submission_has_a_row_for_everybody_in_may(recommended: pd.DataFrame) -> None:
    first, *rows = Path(paths.SUBMISSION).read_text().splitlines()
    assert first == "ncodpers,added_products"
    lists = pd.read_parquet(paths.RECOMMENDATIONS)
    products: dict[int, list[str]] = {customer: [] for customer in recommended.index}
    for customer, product in zip(lists["customer"], lists["product"], strict=True):
        products[customer].append(product)
    assert rows == [f"{customer},{' '.join(names)}" for customer, names in products.items()]


@pytest.mark.usefixtures("recommended")
def test_every_offer_has_its_reasons_the_strongest_first() -> None:
    reasons = pd.read_parquet(paths.REASONS)
    lists = pd.read_parquet(paths.RECOMMENDATIONS)
    assert reasons[["customer", "rank"]].equals(lists[["customer", "rank"]])
    strengths = reasons[[f"contribution_{place}" for place in (1, 2, 3)]].to_numpy()
    assert (np.diff(strengths, axis=1) <= 0).all()
    assert (strengths[:, 0] > 0).any()


@pytest.mark.usefixtures("recommended")
def test_reasons_are_features_of_the_ranker() -> None:
    known = set(Models.load(paths.SERVING).ranker.booster.feature_names_)
    reasons = pd.read_parquet(paths.REASONS)
    for place in (1, 2, 3):
        named = set(reasons[f"feature_{place}"].dropna())
        assert named <= known
    assert len(set(reasons["feature_1"].dropna())) > 1


def test_every_customer_has_a_chance_and_what_speaks_for_it(recommended: pd.DataFrame) -> None:
    chances, reasons = pd.read_parquet(paths.CHANCES), pd.read_parquet(paths.WHO_REASONS)
    assert chances["customer"].tolist() == sorted(recommended.index)
    assert reasons["customer"].tolist() == sorted(recommended.index)
    held = recommended.loc[chances["customer"], PRODUCTS].to_numpy()
    assert ((chances[PRODUCTS].to_numpy() == 0) == held).all()
    assert chances["anything"].between(0, 1).all()
    names = set(Models.load(paths.SERVING).propensity.names)
    for place in (1, 2, 3):
        said = reasons[f"feature_{place}"].notna()
        assert set(reasons[f"feature_{place}"].dropna()) <= names
        assert ((reasons[f"contribution_{place}"] > 0) == said).all()


def test_profiles_are_those_of_the_last_month(recommended: pd.DataFrame) -> None:
    profiles = pd.read_parquet(paths.PROFILES).set_index("customer")
    assert set(profiles) == {"age", "income", "income_missing", "segment", "active"}
    assert profiles.index.tolist() == sorted(recommended.index)
    for name in ("age", "segment"):
        assert profiles[name].tolist() == recommended[name].tolist()


@pytest.mark.usefixtures("recommended")
def test_every_first_stage_model_has_lists_of_its_own() -> None:
    dataset = Dataset.open(params.load("schema", Schema)).rolled()
    customers = dataset.customers(dataset.windows.next)
    serving = Models.load(paths.SERVING)
    names = sorted(path.name for path in Path(paths.SERVING_LISTS).iterdir())
    assert names == ["als.parquet", "kmeans.parquet", "mlc.parquet"]
    for name, model in serving.first_stage.items():
        history, scores = customers.history, model.score(customers)
        expected = lists_of(history.customers, scores, history.holdings(), PRODUCTS, 2)
        assert pq.read_table(f"{paths.SERVING_LISTS}/{name}.parquet").equals(expected)


@pytest.mark.usefixtures("recommended")
def test_the_served_models_have_learnt_from_all_months() -> None:
    serving = Models.load(paths.SERVING)
    windows = Windows.read()
    history = History.read(paths.HISTORY, PRODUCTS, windows.last)
    months = np.arange(np.datetime64("2016-02"), np.datetime64("2016-06"))  # February to May
    counts = np.sum([history.before(month + 1).additions().sum(axis=0) for month in months], axis=0)
    assert serving.popularity.shares == pytest.approx(counts / counts.sum())
    assert serving.ranker.lags == (1, 2)


def test_no_submission_unless_asked_for(
    open_bank: OpenBank, crowd: pd.DataFrame, write_params: Callable[..., None]
) -> None:
    open_bank(crowd)
    write_params(recommend={"k": 7, "submission": False}, **SECTIONS)
    train_propensity.main()
    Pool().save(paths.POOL)
    recommend.main()
    assert pd.read_parquet(paths.RECOMMENDATIONS)["rank"].max() == 3  # there are three products
    assert not Path(paths.SUBMISSION).exists()


def test_trees_too_deep_for_reasons_end_in_a_sentence(
    open_bank: OpenBank,
    crowd: pd.DataFrame,
    write_params: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> LeafShap:
        raise CannotFitError("reasons need trees of at most 10 levels, but one has 11")

    open_bank(crowd)
    write_params(recommend={"k": 2, "submission": False}, **SECTIONS)
    train_propensity.main()
    Pool().save(paths.POOL)
    monkeypatch.setattr(LeafShap, "of", refuse)
    with pytest.raises(InputError, match=r"but one has 11: lower blend\.depth in params\.yaml$"):
        recommend.main()
    assert not Path(paths.SERVING).exists()

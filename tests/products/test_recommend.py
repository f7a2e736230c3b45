import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src import params
from src.models.history import History
from src.products import paths, recommend
from src.products.dataset import Dataset
from src.lists import recommendations
from src.products.recommend import write_submission
from src.products.schema import Schema
from src.products.scoring import Models

OpenBank = Callable[[pd.DataFrame], Dataset]

SECTIONS = {
    "train_als": {
        "factors": 2,
        "iterations": 2,
        "regularization": 0.1,
        "alpha": 5,
        "seed": 1,
    },
    "train_kmeans": {
        "clusters": 3,
        "epochs": 2,
        "rows": 100,
        "minibatch_above": 1000,
        "batch": 10,
        "min_frequency": 0.1,
        "seed": 1,
    },
    "train_mlc": {
        "rows": 100,
        "iterations": 3,
        "depth": 2,
        "learning_rate": 0.3,
        "subsample": 1,
        "l2_leaf_reg": 1,
        "border_count": 8,
        "seed": 1,
    },
    "blend": {
        "models": ["als", "kmeans", "mlc"],
        "lags": [1, 2, 12],
        "month_decay": 1,
        "rows": 1000,
        "iterations": 3,
        "depth": 2,
        "learning_rate": 0.3,
        "l2_leaf_reg": 1,
        "subsample": 1,
        "colsample_bylevel": 1,
        "border_count": 8,
        "seed": 1,
    },
}


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
def crowd() -> pd.DataFrame:
    """Forty customers at random, in the months and columns of the small bank."""
    generator = np.random.default_rng(0)
    rows = pd.DataFrame(
        [
            {"customer": 100 + number, "month": datetime.date(2016, month, 28)}
            for number in range(40)
            for month in range(1, 6)
            if number or month < 5  # the first leaves before May
        ]
    )
    return rows.assign(
        age=20.0 + rows["customer"] % 7,
        income=1000.0,
        income_missing=False,
        segment=np.where(rows["customer"] % 2, "private", "student"),
        active="1",
        **{product: generator.random(len(rows)) < 0.4 for product in ("account", "card", "loan")},
    )


def test_the_month_after_the_last_is_ranked_by_models_of_all_months(
    open_bank: OpenBank, crowd: pd.DataFrame, write_params: Callable[..., None]
) -> None:
    open_bank(crowd)
    write_params(recommend={"k": 2, "submission": True}, **SECTIONS)
    recommend.main()
    lists = pd.read_parquet(paths.RECOMMENDATIONS)
    in_may = crowd[crowd["month"] == datetime.date(2016, 5, 28)].set_index("customer")
    held = in_may[["account", "card", "loan"]]
    free = (~held).sum(axis=1)
    expected = free.clip(upper=2)
    counts = lists.groupby("customer").size()
    assert counts.to_dict() == expected[expected > 0].to_dict()
    assert not any(
        held.loc[customer, product]
        for customer, product in zip(lists["customer"], lists["product"], strict=True)
    )
    for _, one in lists.groupby("customer"):
        assert one["rank"].tolist() == [1, 2][: len(one)]
        assert one["score"].is_monotonic_decreasing
    text = Path(paths.SUBMISSION).read_text().splitlines()
    assert text[0] == "ncodpers,added_products"
    assert len(text) == 1 + len(expected)  # who holds everything has an empty list
    reasons = pd.read_parquet(paths.REASONS)
    assert reasons[["customer", "rank"]].equals(lists[["customer", "rank"]])
    strengths = reasons[[f"contribution_{place}" for place in (1, 2, 3)]].to_numpy()
    assert (np.diff(strengths, axis=1) <= 0).all()
    assert set(reasons["feature_1"].dropna()) <= set(reasons["feature_1"].cat.categories)
    profiles = pd.read_parquet(paths.PROFILES)
    assert profiles["customer"].tolist() == sorted(in_may.index)
    assert profiles.set_index("customer")["segment"].astype(str).equals(in_may["segment"])
    serving = Models.load(paths.SERVING)
    customers = Dataset.open(params.load("schema", Schema)).rolled().customers(0)
    for name, model in serving.base.items():
        expected_lists = recommendations(
            customers, model.score(customers), ["account", "card", "loan"], 2
        )
        assert pq.read_table(f"{paths.SERVING_LISTS}/{name}.parquet").equals(expected_lists)
    history = History.read(paths.HISTORY, ["account", "card", "loan"])
    added = [history.before(ago).additions().sum(axis=0) for ago in range(4)]  # February to May
    counts_of_all = np.sum(added, axis=0)
    assert serving.popularity.shares == pytest.approx(counts_of_all / counts_of_all.sum())
    assert serving.ranker.lags == (1, 2)


def test_no_submission_unless_asked_for(
    open_bank: OpenBank, crowd: pd.DataFrame, write_params: Callable[..., None]
) -> None:
    open_bank(crowd)
    write_params(recommend={"k": 7, "submission": False}, **SECTIONS)
    recommend.main()
    assert pd.read_parquet(paths.RECOMMENDATIONS)["rank"].max() == 3  # there are three products
    assert not Path(paths.SUBMISSION).exists()

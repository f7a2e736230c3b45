"""Banks of unusual sizes: every stage runs on 300 products, on 2, and on a handful of customers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from src.errors import InputError
from src.products import (
    blend,
    clean,
    eda,
    evaluate,
    ingest,
    paths,
    recommend,
    split,
    train_als,
    train_kmeans,
    train_mlc,
    train_propensity,
)

PARAMS = Path(__file__).parents[2] / "params.yaml"
DATES = [f"2016-0{month}-28" for month in (1, 2, 3, 4, 5)]
STAGES = (
    ingest,
    clean,
    split,
    eda,
    train_als,
    train_kmeans,
    train_mlc,
    train_propensity,
    blend,
    evaluate,
    recommend,
)


def write_bank(customers: int, products: int) -> int:
    """Random holdings of some customers, and nearly the parameters of the repository; its k."""
    generator = np.random.default_rng(3)
    names = [f"product_{number}" for number in range(products)]
    held = generator.random((customers, products)) < 0.4
    months = []
    for date in DATES:
        held = held ^ (generator.random(held.shape) < 0.2)
        months.append(
            pd.DataFrame(held.astype(int), columns=names).assign(
                date=date, id=range(customers), age=20 + np.arange(customers) % 60, sex="H"
            )
        )
    pd.concat(months).to_csv("bank.csv", index=False)
    content: dict[str, Any] = yaml.safe_load(PARAMS.read_text(encoding="utf-8"))
    content["schema"] = {
        "id": "id",
        "id_type": "integer",
        "month": "date",
        "numeric": {"age": "age"},
        "categorical": {"sex": "sex"},
        "products": {name: {"en": name, "ru": name} for name in names},
    }
    content["ingest"]["path"] = "bank.csv"
    content["blend"] |= {"iterations": 1, "lags": [1]}  # time grows with the square of products
    content["train_mlc"]["iterations"] = 5
    content["train_propensity"] |= {"iterations": 1, "lags": [1]}
    Path("params.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return int(content["recommend"]["k"])


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize(("customers", "products"), [(300, 2), (30, 300), (6, 5)])
@pytest.mark.usefixtures("workspace")
def test_every_stage_runs(customers: int, products: int) -> None:
    k = write_bank(customers, products)
    for stage in STAGES:
        stage.main()
    metrics = json.loads(Path(paths.METRICS).read_text(encoding="utf-8"))
    assert metrics["test"]["customers"] == customers
    # A list holds what a customer does not hold, and no more than k of it.
    last = pd.read_csv("bank.csv").query("date == @DATES[-1]").set_index("id")
    free = products - last.filter(like="product_").sum(axis=1)
    lists = pq.read_table(paths.RECOMMENDATIONS).to_pandas()
    lengths = lists.groupby("customer").size().reindex(last.index, fill_value=0)
    assert lengths.to_list() == free.clip(upper=k).to_list()


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.usefixtures("workspace")
def test_three_customers_end_in_a_sentence() -> None:
    write_bank(3, 5)
    for stage in STAGES[:-1]:
        stage.main()
    with pytest.raises(
        InputError,
        match=r"^in the blend months there are 2 rows, and CatBoost says: Too few sampling units "
        r".*: lengthen split\.blend in params\.yaml$",
    ):
        recommend.main()
    assert not Path(paths.SERVING).exists()

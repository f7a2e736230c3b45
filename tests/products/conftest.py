"""A bank of five customers, five months and three products, small enough to reckon by hand."""

import datetime
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from src.engine import connect
from src.products import paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.split import month_bits
from src.products.windows import Windows
from src.reporting import write_parquet

OpenBank = Callable[[pd.DataFrame], Dataset]

MONTHS = [datetime.date(2016, month, 28) for month in range(1, 6)]
WINDOWS = Windows(MONTHS[:2], MONTHS[2:4], MONTHS[4:], lookback_months=2)
# January to May; . is a month in which the bank did not know the customer
HELD = {
    10: {"account": "11111", "card": "01101", "loan": "00000"},
    20: {"account": ".1111", "card": ".0001", "loan": ".0000"},
    30: {"account": "11.11", "card": "00.10", "loan": "00.01"},
    40: {"account": "111..", "card": "110..", "loan": "001.."},
    50: {"account": "....1", "card": "....1", "loan": "....0"},
}


# params.yaml for models that fit at once
SECTIONS: dict[str, dict[str, object]] = {
    "train_als": {
        "trainer": "implicit",
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
        "log_columns": ["income"],
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
    "train_propensity": {
        "rows": 100,
        "others": 100,
        "bags": 2,
        "calibration_rows": 100,
        "min_additions": 5,
        "rate_by": "segment",
        "lags": [1, 2, 12],
        "iterations": 10,
        "depth": 3,
        "learning_rate": 0.3,
        "l2_leaf_reg": 1,
        "subsample": 1,
        "colsample_bylevel": 1,
        "border_count": 16,
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


@pytest.fixture
def schema() -> Schema:
    return Schema.model_validate(
        {
            "id": "ncodpers",
            "month": "fecha_dato",
            "numeric": {"age": "age", "income": "renta"},
            "categorical": {"segment": "segmento", "active": "ind_actividad_cliente"},
            "products": {
                product: {"en": product.title(), "ru": product}
                for product in ("account", "card", "loan")
            },
        }
    )


@pytest.fixture
def bank() -> pd.DataFrame:
    """Clean rows; the age is the customer's number plus the month, so that it tells both."""
    return pd.DataFrame(
        [
            {
                "customer": customer,
                "month": month,
                "age": float(customer + month.month),
                "income": 1000.0 * customer,
                "income_missing": customer == 30,
                "segment": "private" if customer < 30 else "student",
                "active": "1" if (customer // 10 + month.month) % 2 else "0",
                **{product: text[index] == "1" for product, text in held.items()},
            }
            for customer, held in HELD.items()
            for index, month in enumerate(MONTHS)
            if held["account"][index] != "."
        ]
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


@pytest.fixture
def open_bank(workspace: Path, schema: Schema) -> OpenBank:
    """Write clean rows and what split makes of them into an empty folder, and open them."""
    assert Path.cwd() == workspace

    def write(rows: pd.DataFrame) -> Dataset:
        ordered = rows.sort_values(["customer", "month"])
        write_parquet(paths.CLEAN, pa.Table.from_pandas(ordered, preserve_index=False))
        engine = connect()
        engine.write(month_bits(engine.table(paths.CLEAN), MONTHS, schema), paths.HISTORY)
        WINDOWS.write()
        return Dataset.open(schema)

    return write


@pytest.fixture
def write_params(workspace: Path, schema: Schema) -> Callable[..., None]:
    """Write params.yaml with the schema and some sections."""

    def write(**sections: object) -> None:
        content = {"schema": schema.model_dump(), **sections}
        (workspace / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")

    return write

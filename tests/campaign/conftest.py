"""The bank of five customers, with chances, and a campaign for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from src.campaign.settings import PARAMS
from src.models.popularity import Popularity
from src.products import paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.reporting import write_parquet
from tests.products.conftest import OpenBank, bank, open_bank, schema

__all__ = ["bank", "open_bank", "schema"]

CAMPAIGN: dict[str, Any] = {
    "capacity": 2,
    "contacts_per_customer": 1,
    "value": 10,
    "products": {"loan": {"value": 100}},
    "channels": {"email": {"cost": 1}},
    "eligibility": True,
    "exclude": [],
    "cool_down": {"contacts": None, "days": 90},
    "exact_up_to": 100,
    "seed": 1,
}
# The children's rule concerns customer 10, who is 14 years old before May.
RULES = [{"name": "children", "when": {"age": {"below": 18}}, "forbid": ["loan"]}]

WriteCampaign = Callable[..., None]


@pytest.fixture
def write_campaign(workspace: Path, schema: Schema) -> WriteCampaign:
    """Write the parameters of a campaign, and the rules of the bank."""

    def write(bank_id: str = "ncodpers", **changes: Any) -> None:
        (workspace / "params.yaml").write_text(yaml.safe_dump({"schema": schema.model_dump()}))
        file = workspace / PARAMS
        (file.parent / "lists").mkdir(parents=True, exist_ok=True)
        back = {"share": 0.7, "resamples": 50, "seed": 1}
        file.write_text(yaml.safe_dump({"campaign": CAMPAIGN | changes, "backcheck": back}))
        rules = {"bank": {"id": bank_id}, "eligibility": {"rules": RULES}}
        (workspace / "service.yaml").write_text(yaml.safe_dump(rules))

    return write


def table(rows: dict[int, list[float]]) -> pa.Table:
    """Customers and a float32 column for each product."""
    columns = np.array(list(rows.values()), dtype=np.float32).T
    names = ("account", "card", "loan")
    return pa.table({"customer": list(rows), **dict(zip(names, columns, strict=True))})


@pytest.fixture
def written(open_bank: OpenBank, bank: pd.DataFrame, write_campaign: WriteCampaign) -> Dataset:
    """Everything that the stages read. In May 10 and 20 added a card, 30 added a loan."""
    write_campaign()
    dataset = open_bank(bank)
    write_parquet(
        paths.TEST_CHANCES, table({10: [0, 0.5, 0.4], 20: [0, 0.3, 0.02], 30: [0, 0, 0.1]})
    )
    write_parquet(paths.TEST_SCORES, table({10: [0, 0.2, 0.8], 20: [0, 0.9, 0.1], 30: [0, 0, 1]}))
    write_parquet(
        paths.CHANCES,
        table({10: [0, 0, 0.03], 20: [0, 0, 0.2], 30: [0, 0.6, 0], 50: [0, 0, 0.05]}),
    )
    profiles = {"customer": [10, 20, 30, 50], "age": [15.0, 25.0, 35.0, 55.0]}
    write_parquet(paths.PROFILES, pa.table(profiles))
    lists = {
        "customer": [10, 20, 30, 50],
        "rank": [1] * 4,
        "score": np.array([0.9, 1, 0.5, 1], dtype=np.float32),
    }
    write_parquet(
        paths.RECOMMENDATIONS, pa.table({**lists, "product": ["loan", "loan", "card", "loan"]})
    )
    Popularity.fit(np.array([0, 3, 1])).save(paths.POPULARITY)
    return dataset

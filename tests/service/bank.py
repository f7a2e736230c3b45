"""A bank of 120 customers, four months and five products; and a service of it."""

import datetime
import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from fastapi import FastAPI

from src.models.customers import Customers
from src.models.pool import Pool
from src.products import paths, train_propensity
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import Models
from src.service.products.answering import batch as batch_of
from src.service.products.catalogue import Catalogue
from src.service.products.fallback import OnlineScores
from src.service.products.requests import request_models

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette would rather have a client that is not pinned here
    from fastapi.testclient import TestClient as TestClient

PRODUCTS = ["account", "card", "fund", "junior", "loan"]
MONTHS = ["2016-01-28", "2016-02-28", "2016-03-28", "2016-04-28"]
PARAMS: dict[str, Any] = {
    "ingest": {"path": "raw.csv", "max_rejected_share": 0, "min_stay_share": 0},
    "schema": {
        "id": "client",
        "month": "date",
        "numeric": {"age": "edad", "tenure": "meses", "income": "renta"},
        "categorical": {
            "customer_type": "tipo",
            "deceased": "fallecido",
            "province": "prov",
            "active": "activo",
            "segment": "seg",
        },
        "products": {name: {"en": name.title(), "ru": f"{name} (Ru)"} for name in PRODUCTS},
    },
    "clean": {"ranges": {"age": {"least": 2, "most": 100}, "tenure": {"least": 0, "most": 1200}}},
    "split": {
        "base": "auto",
        "blend": "auto",
        "test": "auto",
        "blend_months": 8,
        "lookback_months": 12,
    },
    "train_als": {
        "trainer": "implicit",
        "factors": 3,
        "iterations": 3,
        "regularization": 0.1,
        "alpha": 5,
        "seed": 1,
    },
    "train_kmeans": {
        "clusters": 5,
        "epochs": 2,
        "rows": 1000,
        "minibatch_above": 10_000,
        "batch": 10,
        "min_frequency": 0.01,
        "log_columns": ["tenure", "income"],
        "seed": 1,
    },
    "train_mlc": {
        "rows": 1000,
        "iterations": 5,
        "depth": 3,
        "learning_rate": 0.3,
        "l2_leaf_reg": 1,
        "subsample": 1,
        "border_count": 16,
        "seed": 1,
    },
    "train_propensity": {
        "rows": 1000,
        "others": 1000,
        "bags": 2,
        "calibration_rows": 1000,
        "min_additions": 5,
        "rate_by": "segment",
        "lags": [1, 2, 3],
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
        "models": ["kmeans", "mlc"],
        "lags": [1, 2, 3],
        "month_decay": 1,
        "rows": 1000,
        "iterations": 20,
        "depth": 3,
        "learning_rate": 0.3,
        "l2_leaf_reg": 1,
        "subsample": 1,
        "colsample_bylevel": 1,
        "border_count": 16,
        "seed": 1,
    },
    "recommend": {"k": 3, "submission": False},
}
RULES: dict[str, Any] = {
    "bank": {"id": "client"},
    "eligibility": {
        "rules": [
            {"name": "deceased", "when": {"deceased": ["S"]}, "forbid": "all"},
            {
                "name": "minors",
                "when": {"age": {"below": 18}},
                "forbid": "all",
                "allow": ["junior"],
            },
            {"name": "adults", "when": {"age": {"least": 18}}, "forbid": ["junior"]},
            {"name": "do_not_contact", "customers": "silent.txt", "forbid": "all"},
        ]
    },
    "feedback": {"cooldown_days": {"dismissed": 90, "accepted": 30}},
    "wording": {
        "headline": ["age", "segment"],
        "attributes": {
            "age": {"title": {"en": "age", "ru": "возраст"}, "unit": "years"},
            "tenure": {"title": {"en": "time here", "ru": "срок"}, "unit": "months"},
            "active": {
                "title": {"en": "active", "ru": "активность"},
                "codes": {"1": {"en": "yes", "ru": "да"}, "0": {"en": "no", "ru": "нет"}},
            },
            "deceased": {
                "title": {"en": "deceased", "ru": "умер"},
                "codes": {"S": {"en": "yes", "ru": "да"}, "N": {"en": "no", "ru": "нет"}},
            },
        },
    },
}


def fit_models() -> None:
    """Write what recommend reads of the stages before it."""
    train_propensity.main()
    Pool().save(paths.POOL)


def raw_rows() -> list[dict[str, Any]]:
    """Customers 1 to 120; 7 is dead, 8 has left, 9 is a child, 10 wants no letters."""
    generator = np.random.default_rng(3)
    rows = []
    for client in range(1, 121):
        age = 9 if client == 9 else int(generator.integers(18, 90))
        profile = {
            "edad": "164" if client % 20 == 0 else str(age),
            "meses": "-999999" if client % 15 == 0 else str(int(generator.integers(1, 200))),
            "renta": "" if client % 4 == 0 else f"{1000 * int(generator.integers(5, 90))}.5",
            "tipo": "1.0" if client % 2 else "1",
            "fallecido": "S" if client == 7 else "N",
            "prov": str(client % 3),
            "seg": "" if client % 11 == 0 else ("TOP" if client % 2 else "UNI"),
        }
        held = generator.random(5) < 0.3
        for index, month in enumerate(MONTHS):
            if (client == 8 and index == 3) or (client % 13 == 0 and index == 1):
                continue
            held ^= generator.random(5) < 0.15
            if client == 12 and index == 3:
                held[:] = True
            flags = dict(zip(PRODUCTS, held.astype(int), strict=True))
            active = str(int(generator.random() < 0.5))
            rows.append({"client": client, "date": month, **profile, "activo": active, **flags})
    return rows


@dataclass
class Service:
    """A running service and a key of each scope."""

    app: FastAPI
    client: TestClient
    keys: dict[str, str]

    def as_(self, scope: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[scope]}"}

    def ask(self, body: dict[str, Any], path: str = "/recommendations", k: int = 3) -> Any:
        return self.client.post(f"{path}?k={k}", json=body, headers=self.as_("read"))


Start = Callable[..., Service]


def _next_month(schema: Schema) -> Customers:
    dataset = Dataset.open(schema).rolled()
    return dataset.customers(dataset.windows.next)


def online_gaps(catalogue: Catalogue, chosen: list[int]) -> dict[int, float]:
    """Largest difference between online and offline scores of some customers.

    Those of the last month only: asked as a bank would ask, with what the raw snapshots say of all
    months, and scored as recommend did.
    """
    schema = catalogue.schema
    customers = _next_month(schema)
    here = np.isin(customers.history.customers, chosen)
    offline = Models.load(paths.SERVING).score(customers.of(here))["blend"]
    snapshots = pq.read_table(paths.SNAPSHOTS, filters=[("customer", "in", chosen)])
    rows: dict[int, dict[datetime.date, dict[str, Any]]] = {}
    for row in snapshots.to_pylist():
        rows.setdefault(row["customer"], {})[row["month"]] = row
    asked, _ = request_models(schema, {})
    gaps = {}
    for customer, expected in zip(customers.history.customers[here].tolist(), offline, strict=True):
        months = [rows[customer].get(month) for month in catalogue.dates]
        last, *earlier = [month and month_of(month, list(schema.products)) for month in months]
        assert months[0]
        assert last
        profile = {name: months[0][name] for name in schema.profile}
        request = {"profile": profile, "holdings": last["holdings"], "history": earlier}
        parsed = asked.model_validate_json(json.dumps(request))
        batch, known_holdings = batch_of(catalogue, parsed)
        assert known_holdings
        gaps[customer] = float(np.abs(OnlineScores(catalogue, batch).personal() - expected).max())
    return gaps


def month_of(row: dict[str, Any], products: list[str]) -> dict[str, Any]:
    """A raw snapshot as a month of a request's history."""
    return {
        "holdings": [name for name in products if row[name]],
        "active": None if row["active"] is None else row["active"] == "1",
    }

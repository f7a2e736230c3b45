from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from src import lists
from src.engine.duckdb import DuckDB
from src.models.contract import Scores
from src.models.customers import Customers
from src.models.popularity import Popularity
from src.models.registry import FIRST_STAGE
from src.products import evaluate
from src.products.scoring import Models
from tests.histories import histories, strangers


@pytest.mark.usefixtures("workspace")
def test_score_all_hides_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fixed:
        def score(self, customers: Customers) -> dict[str, Scores]:
            ages = customers.profile["age"].to_numpy(dtype=np.float32)
            return {"blend": np.column_stack([ages, ages * 0 + 35, -ages])}

    monkeypatch.setattr(lists, "_AT_ONCE", 2)
    # the first holds the card now, the last the loan; his account he held a month earlier only
    held = [[0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [2, 0, 1]]
    ages = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0, 60.0]})
    people = Customers(ages, histories([3] * 5, held))
    ranked, scores = evaluate.score_all(DuckDB.connect(), cast(Models, Fixed()), people)
    assert {name: values.tolist() for name, values in ranked.items()} == {
        "blend": [[0, 2, -1], [1, 0, 2], [0, 1, 2], [0, 1, 2], [0, 1, -1]]
    }
    assert scores["blend"][:, 0].tolist() == [20, 30, 40, 50, 60]


def test_each_model_is_measured_by_its_own_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*arguments: Any) -> dict[str, float]:
        seen.append(arguments)
        return {"holdings@1": 0.5}

    seen: list[tuple[Any, ...]] = []
    monkeypatch.setitem(FIRST_STAGE, "mlc", replace(FIRST_STAGE["mlc"], metrics=None))
    monkeypatch.setitem(FIRST_STAGE, "kmeans", replace(FIRST_STAGE["kmeans"], metrics=None))
    monkeypatch.setitem(FIRST_STAGE, "als", replace(FIRST_STAGE["als"], metrics=told))
    popularity = Popularity(np.ones(3, dtype=np.float32))
    models = Models(popularity, {"als": popularity}, *cast(Any, (None, None, None)))
    people = Customers(pd.DataFrame(index=range(3)), strangers(3, 3))
    scores = {"als": np.arange(9, dtype=np.float32).reshape(3, 3)}
    held = np.eye(3, dtype=bool)
    present = np.array([True, False, True])
    found = evaluate.holdings_metrics(models, people, scores, held, present)
    assert found == {"als": {"holdings@1": 0.5}}
    ((model, here, own, truth),) = seen
    assert model is popularity
    assert here.history.customers.tolist() == people.history.customers[[0, 2]].tolist()
    assert own.tolist() == [[0, 1, 2], [6, 7, 8]]
    assert truth.tolist() == held[[0, 2]].tolist()

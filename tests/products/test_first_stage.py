from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from src import lists
from src.errors import InputError
from src.models.als import FIRST_STAGE as ALS
from src.models.contract import CannotFitError
from src.models.popularity import Popularity
from src.products.first_stage import fit, write_offline_lists
from tests.products.conftest import OpenBank


def test_a_model_is_fitted_as_its_record_says(open_bank: OpenBank, bank: pd.DataFrame) -> None:
    seen: list[Any] = []
    model = Popularity(np.ones(3, dtype=np.float32))

    def learn(*given: Any) -> Popularity:
        seen.extend(given)
        return model

    dataset = open_bank(bank)
    assert fit(replace(ALS, fit=learn), dataset, "settings") is model
    assert seen == [dataset, "settings"]


def test_data_that_teach_a_model_nothing_end_in_a_sentence(
    open_bank: OpenBank, bank: pd.DataFrame
) -> None:
    def refuse(*_: object) -> Popularity:
        raise CannotFitError("everybody holds everything")

    sentence = (
        "^als: everybody holds everything: lengthen split.base in params.yaml, or take more "
        "customers with train_als.rows if it has that parameter$"
    )
    with pytest.raises(InputError, match=sentence):
        fit(replace(ALS, fit=refuse), open_bank(bank), None)


def row(customer: int, rank: int, product: str, score: float) -> dict[str, object]:
    return {"customer": customer, "rank": rank, "product": product, "score": score}


def test_lists_are_written_for_everybody_known_before_the_test_month(
    open_bank: OpenBank, bank: pd.DataFrame, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_AT_ONCE", 2)
    model = Popularity(np.array([0.5, 0.125, 0.25], dtype=np.float32))
    write_offline_lists("lists.parquet", model, open_bank(bank))
    # April: 10 and 20 hold the account, 30 the account and the card
    assert pq.read_table(workspace / "lists.parquet").to_pylist() == [
        row(10, 1, "loan", 0.25),
        row(10, 2, "card", 0.125),
        row(20, 1, "loan", 0.25),
        row(20, 2, "card", 0.125),
        row(30, 1, "loan", 0.25),
    ]

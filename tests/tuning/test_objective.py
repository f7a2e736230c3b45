"""Trials are judged on the adders of the last blend month."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from src.errors import InputError
from src.products.dataset import Dataset
from src.tuning.objective import Objective

OpenBank = Callable[[pd.DataFrame], Dataset]


def hold(bank: pd.DataFrame, customer: int, month: int, product: str) -> None:
    rows = (bank["customer"] == customer) & (bank["month"].map(lambda date: date.month) == month)
    assert rows.sum() == 1
    bank.loc[rows, product] = True


def test_adders_of_the_last_blend_month_as_known_before_it(
    open_bank: OpenBank, bank: pd.DataFrame
) -> None:
    hold(bank, 10, 4, "loan")
    hold(bank, 20, 4, "loan")
    objective = Objective.of(open_bank(bank).before_test())
    assert objective.month == "2016-04-28"
    assert objective.customers.history.customers.tolist() == [10, 20]
    assert objective.customers.profile["age"].tolist() == [10 + 3, 20 + 3]  # of March
    assert objective.additions.tolist() == [[False, False, True]] * 2
    # 10 holds account and card, so the loan comes first; 20 holds the account, his card comes first
    scores = np.array([[9, 5, 1], [9, 5, 1]], dtype=np.float32)
    assert objective(scores).tolist() == [1 / 1, 1 / 2]


def test_the_test_month_is_not_seen(open_bank: OpenBank, bank: pd.DataFrame) -> None:
    hold(bank, 10, 4, "loan")
    before = Objective.of(open_bank(bank).before_test())
    for product in ("account", "card", "loan"):
        rows = bank["month"].map(lambda day: day.month) == 5
        bank.loc[rows, product] = ~bank.loc[rows, product]
    bank.loc[rows, "age"] = 99.0
    after = Objective.of(open_bank(bank).before_test())
    assert (after.additions == before.additions).all()
    assert (after.customers.history.held == before.customers.history.held).all()
    pd.testing.assert_frame_equal(after.customers.profile, before.customers.profile)


def test_a_month_without_additions_judges_nothing(open_bank: OpenBank, bank: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="nobody adds a product in 2016-04-28"):
        Objective.of(open_bank(bank).before_test())

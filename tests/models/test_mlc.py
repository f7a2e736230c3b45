from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from src.models.contract import CannotFitError
from src.models.customers import Customers
from src.models.mlc import Mlc, MlcSettings
from tests.histories import strangers

SETTINGS = MlcSettings(
    rows=100,
    iterations=20,
    depth=2,
    learning_rate=0.3,
    subsample=1,
    l2_leaf_reg=1,
    border_count=8,
    seed=7,
)
AGE = np.repeat([20.0, 60.0], 10)
CUSTOMERS = Customers(pd.DataFrame({"age": AGE}), strangers(20))


def test_items_of_nobody_and_of_everybody_are_constants() -> None:
    holdings = np.column_stack([AGE > 99, AGE > 40, AGE > 0, AGE < 40])
    model = Mlc.fit(CUSTOMERS, holdings, SETTINGS)
    assert model.classes.tolist() == [1, 3]
    assert model.constant.tolist() == [0, 0.5, 1, 0.5]
    scores = model.score(CUSTOMERS)
    assert scores[:, [0, 2]].tolist() == [[0, 1]] * 20
    assert scores[:, 1] == pytest.approx((AGE > 40).astype(float), abs=0.1)
    assert scores[:, 3] == pytest.approx((AGE < 40).astype(float), abs=0.1)


def test_the_loss_is_told_for_every_iteration_and_falls() -> None:
    model = Mlc.fit(CUSTOMERS, np.column_stack([AGE > 40, AGE < 40]), SETTINGS)
    assert len(model.loss) == 20
    assert list(model.loss) == sorted(model.loss, reverse=True)
    assert model.loss[-1] < 0.2 < model.loss[0]


def test_one_item_that_varies(tmp_path: Path) -> None:
    holdings = np.column_stack([AGE > 99, AGE > 40])
    model = Mlc.fit(CUSTOMERS, holdings, SETTINGS)
    assert model.score(CUSTOMERS) == pytest.approx(holdings.astype(float), abs=0.1)
    model.save(tmp_path / "mlc.cbm")
    again = Mlc.load(tmp_path / "mlc.cbm").score(CUSTOMERS)
    assert again.tobytes() == model.score(CUSTOMERS).tobytes()


def test_no_item_that_varies() -> None:
    holdings = np.column_stack([AGE > 99, AGE > 0])
    with pytest.raises(CannotFitError, match=r"^among 20 customer-months .* nothing to learn$"):
        Mlc.fit(CUSTOMERS, holdings, SETTINGS)

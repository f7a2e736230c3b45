import numpy as np
import pandas as pd
import pytest

from src.models.customers import Customers
from src.models.popularity import Popularity
from tests.histories import strangers

CUSTOMERS = Customers(pd.DataFrame(index=range(2)), strangers(2))


def test_shares_of_additions_are_the_same_for_everybody() -> None:
    scores = Popularity.fit(np.array([3, 0, 5])).score(CUSTOMERS)
    assert scores == pytest.approx(np.array([[3 / 8, 0 / 8, 5 / 8]] * 2))


def test_without_additions_nothing_is_popular() -> None:
    assert Popularity.fit(np.array([0, 0])).score(CUSTOMERS).tolist() == [[0, 0], [0, 0]]

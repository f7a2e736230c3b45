from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from src.models.ranker import Ranker
from src.models.shap import LeafShap
from src.products.explain import explain


class FixedShap:
    """SHAP values that are given; remembers the classes that were asked about."""

    def __init__(self, values: Any) -> None:
        self.values = np.array(values, dtype=np.float32)

    def values_of(self, _: Any, classes: Any) -> Any:
        self.classes = classes.tolist()
        return self.values.copy()


def test_the_strongest_that_speak_for_a_product() -> None:
    # Products a, b, c; b was never added. Features: age, income, then a model's score of each.
    products = ("a", "b", "c")
    ranker = SimpleNamespace(products=products, models=("als",), classes=np.array([0, 2]))
    shap = FixedShap(
        [
            [
                [0.1, 0.3, 0.2, 9.0, 9.0],  # c: what als thinks of a and b is left out
                [9.0, 9.0, 9.0, 9.0, 9.0],  # b: nothing is known
                [-0.1, 0.5, -9.0, 9.0, 9.0],  # a: the age speaks against it
            ]
        ]
    )
    matrix = np.array([[30.0, np.nan, 0.7, 0.8, 0.9]], dtype=np.float32)
    items = np.array([[2, 1, 0]], dtype=np.int16)
    reasons = explain(cast(Ranker, ranker), cast(LeafShap, shap), matrix, items)
    assert shap.classes == [[1, 0, 0]]
    assert reasons.features.tolist() == [[[4, 1, 0], [-1, -1, -1], [1, -1, -1]]]
    assert reasons.contributions[0, 0].tolist() == pytest.approx([9.0, 0.3, 0.1])
    assert reasons.values[0, 0].tolist()[::2] == pytest.approx([0.9, 30.0])
    assert np.isnan(reasons.values[0, 0, 1])


def test_no_reasons_behind_the_end_of_a_list() -> None:
    ranker = SimpleNamespace(products=("a", "b"), models=(), classes=np.array([0, 1]))
    shap = FixedShap([[[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]]])
    matrix = np.ones((1, 4), dtype=np.float32)
    items = np.array([[1, -1]], dtype=np.int16)
    reasons = explain(cast(Ranker, ranker), cast(LeafShap, shap), matrix, items)
    assert reasons.features.tolist() == [[[3, 2, 1], [-1, -1, -1]]]


def test_equal_reasons_stand_in_the_order_of_features() -> None:
    ranker = SimpleNamespace(products=("a", "b"), models=(), classes=np.array([0, 1]))
    shap = FixedShap([[[1.0, 2.0, 2.0, 1.0, 2.0]]])
    matrix = np.ones((1, 5), dtype=np.float32)
    items = np.array([[0]], dtype=np.int16)
    reasons = explain(cast(Ranker, ranker), cast(LeafShap, shap), matrix, items)
    assert reasons.features.tolist() == [[[1, 2, 4]]]

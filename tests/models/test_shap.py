"""The table of SHAP values against CatBoost, and against values worked out by hand."""

from typing import Any

import numpy as np
import pytest
from catboost import CatBoostClassifier, Pool, sum_models

from src.models.contract import CannotFitError
from src.models.shap import LeafShap, _by_leaf


def test_one_split_by_hand() -> None:
    # 3 rows go left to 10, 1 goes right to 50: the mean is 20.
    values = _by_leaf((0,), np.array([[3.0, 1.0]]), np.array([[[10.0], [50.0]]]))
    assert values.tolist() == [[[[-10.0]], [[30.0]]]]


def test_two_features_by_hand() -> None:
    # Leaves (0,0) 0, (0,1) 4, (1,0) 8, (1,1) 20 with one row each; the mean is 8. Of leaf (1,1):
    # the root's feature alone lifts the mean to 14 (+6), the other alone to 12 (+4); after the
    # other one, +8 and +6. Each counts half. A second tree has the same leaves from last to first.
    leaves = np.array([[0.0], [4.0], [8.0], [20.0]])
    values = _by_leaf((0, 1), np.ones((2, 4)), np.stack([leaves, leaves[::-1]]))
    assert values[0, 3].tolist() == [[7.0], [5.0]]
    assert values[0].sum(axis=1).ravel().tolist() == [-8.0, -4.0, 0.0, 12.0]
    assert values[1].tolist() == values[0, ::-1].tolist()


def test_a_feature_that_is_split_twice_counts_once() -> None:
    values = _by_leaf((0, 0), np.array([[2.0, 1.0, 0.0, 1.0]]), np.arange(4.0)[None, :, None])
    assert values.ravel().tolist() == [-1.0, 0.0, 1.0, 2.0]  # the mean is (0 + 0 + 1 + 3) / 4


@pytest.fixture(scope="module")
def rows() -> Any:
    generator = np.random.default_rng(0)
    matrix = generator.normal(size=(400, 6)).astype(np.float32)
    matrix[generator.random(matrix.shape) < 0.2] = np.nan
    labels = (np.nan_to_num(matrix[:, 0]) > 0).astype(int) + (np.nan_to_num(matrix[:, 1]) > 1)
    return matrix, labels


def test_the_table_gives_what_catboost_computes(rows: Any) -> None:
    matrix, labels = rows
    booster = CatBoostClassifier(
        iterations=20, depth=4, loss_function="MultiClass", allow_writing_files=False, verbose=False
    ).fit(matrix, labels)
    expected = booster.get_feature_importance(Pool(matrix[:50]), type="ShapValues")
    shap = LeafShap.of(booster)
    classes = np.tile([2, 0], (50, 1))
    found = shap.values_of(matrix[:50], classes)
    assert found == pytest.approx(expected[:, [2, 0], :-1], abs=1e-6)
    alone = np.concatenate([shap.values_of(matrix[i : i + 1], classes[:1]) for i in range(50)])
    assert alone == pytest.approx(found, abs=1e-6)


def test_leaves_are_those_of_catboost(rows: Any) -> None:
    matrix, labels = rows
    booster = CatBoostClassifier(
        iterations=20, depth=4, loss_function="MultiClass", allow_writing_files=False, verbose=False
    ).fit(matrix, labels)
    shap = LeafShap.of(booster)
    on_borders = np.tile(shap.borders[:, :1], (1, 6))  # as good as any value, and the hardest
    tried = np.asfortranarray(np.concatenate([matrix, on_borders]))
    expected = booster.calc_leaf_indexes(tried)
    found = np.stack([shap._leaves(tree, tried) for tree in range(20)], axis=1)
    assert found.tolist() == expected.tolist()
    assert (shap._leaves_of_one(tried[0]) - shap.first).tolist() == expected[0].tolist()


def test_the_weighted_sum_of_models(rows: Any) -> None:
    matrix, labels = rows
    made = {"depth": 3, "allow_writing_files": False, "verbose": False}
    boosters = [
        CatBoostClassifier(iterations=trees, **made).fit(matrix, labels == label)
        for trees, label in [(5, 1), (8, 0)]
    ]
    one, two = (
        booster.get_feature_importance(Pool(matrix), type="ShapValues")[:, :-1]
        for booster in boosters
    )
    shap = LeafShap.of(sum_models(boosters))
    weights = np.random.default_rng(1).random((400, 2)).astype(np.float32)
    found = shap.weighted(matrix, weights, (5, 13))
    assert found == pytest.approx(weights[:, :1] * one + weights[:, 1:] * two, abs=1e-6)
    assert shap.weighted(matrix[:1], weights[:1], (5, 13)) == pytest.approx(found[:1], abs=1e-6)
    first_only = weights[:, :1] * one
    assert shap.weighted(matrix, weights[:, :1], (5,)) == pytest.approx(first_only, abs=1e-6)
    assert shap.weighted(matrix, weights[:, :0], ()).tolist() == np.zeros((400, 6)).tolist()


def test_trees_that_are_too_deep(rows: Any) -> None:
    matrix, labels = rows
    booster = CatBoostClassifier(
        iterations=1, depth=11, loss_function="MultiClass", allow_writing_files=False, verbose=False
    ).fit(matrix, labels)
    with pytest.raises(CannotFitError, match=r"trees of at most 10 levels, but one has 11$"):
        LeafShap.of(booster)


@pytest.mark.parametrize("rows", [1, 3])
def test_trees_without_a_split_explain_nothing(rows: int) -> None:
    """Where few columns are looked at, some trees have nothing to split by."""
    matrix = np.array([[0, 1], [0, 1], [0, 1], [0, 2]], dtype=np.float32)
    booster = CatBoostClassifier(
        iterations=6, rsm=0.01, loss_function="MultiClass", allow_writing_files=False, verbose=False
    ).fit(matrix, [0, 1, 2, 0])
    shap = LeafShap.of(booster)
    assert (shap.features == -1).all(axis=1).tolist() == [True, False, True, True, True, True]
    expected = booster.get_feature_importance(Pool(matrix), type="ShapValues")  # the base is last
    found = shap.values_of(matrix[:rows], np.tile([0, 2], (rows, 1)))
    assert found == pytest.approx(expected[:rows, [0, 2], :-1], abs=1e-6)

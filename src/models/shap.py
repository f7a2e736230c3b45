"""SHAP values of a CatBoost model of symmetric trees, looked up instead of computed.

The SHAP values of one tree (Lundberg et al. 2018, path-dependent: what is not known is averaged by
the training weights of the branches) depend on nothing but the leaf. So they are computed once for
every leaf of every tree; those of a customer are then the sum over their leaves. CatBoost computes
the same from the start in every call: 6 ms for one customer, against less than 1 ms here.
"""

import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from catboost import CatBoost
from numpy.typing import NDArray

from src.models.contract import CannotFitError

_DEEPEST = 10  # the work doubles twice with every level


@dataclass(frozen=True)
class LeafShap:
    """SHAP values by leaf.

    Attributes
    ----------
    splits : int32 array, shape (trees, levels)
        Feature of each split; a value above the border sets the bit of its level in the number of
        the leaf.
    borders : float32 array, shape (trees, levels)
        Infinity on levels that a tree does not have.
    features : int32 array, shape (trees, slots)
        Features that each tree splits on; -1 in slots without one.
    first : int64 array, shape (trees,)
        Where the leaves of each tree begin in `values`.
    values : float32 array, shape (all leaves, slots, classes)
    width : int
        Number of features.
    """

    splits: NDArray[np.int32]
    borders: NDArray[np.float32]
    features: NDArray[np.int32]
    first: NDArray[np.int64]
    values: NDArray[np.float32]
    width: int

    @classmethod
    def of(cls, booster: CatBoost) -> "LeafShap":
        """Compute the table of a trained model.

        Raises
        ------
        CannotFitError
            A tree has more than 10 levels.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.json"
            booster.save_model(str(path), format="json")
            content = json.loads(path.read_text(encoding="utf-8"))
        index = {
            feature["feature_index"]: feature["flat_feature_index"]
            for feature in content["features_info"]["float_features"]
        }
        trees = content["oblivious_trees"]
        levels = max((len(tree["splits"] or []) for tree in trees), default=0)
        if levels > _DEEPEST:
            raise CannotFitError(
                f"reasons need trees of at most {_DEEPEST} levels, but one has {levels}"
            )
        splits = np.zeros((len(trees), levels), dtype=np.int32)
        borders = np.full((len(trees), levels), np.inf, dtype=np.float32)
        features = np.full((len(trees), levels), -1, dtype=np.int32)
        weights, leaves = [], []
        alike: dict[tuple[int, ...], list[int]] = {}  # trees by which of their levels are the same
        for number, tree in enumerate(trees):
            own = tree["splits"] or []
            splits[number, : len(own)] = [index[split["float_feature_index"]] for split in own]
            borders[number, : len(own)] = [split["border"] for split in own]
            # The last split is the root, so that axis 0 of the leaves is the root's branch.
            from_root = splits[number, : len(own)][::-1].tolist()
            found = list(dict.fromkeys(from_root))
            features[number, : len(found)] = found
            alike.setdefault(tuple(map(found.index, from_root)), []).append(number)
            of_leaves = tree["leaf_weights"] or [1.0]  # without a split
            weights.append(np.array(of_leaves, dtype=np.float64))
            values = np.array(tree["leaf_values"], dtype=np.float64)
            leaves.append(values.reshape(len(of_leaves), -1))
        first = np.cumsum([0, *map(len, weights)])
        table = np.zeros((first[-1], levels, leaves[0].shape[1]), dtype=np.float32)
        for pattern, numbers in alike.items():
            by_leaf = _by_leaf(
                pattern,
                np.stack([weights[number] for number in numbers]),
                np.stack([leaves[number] for number in numbers]),
            )
            for number, one in zip(numbers, by_leaf, strict=True):
                table[first[number] : first[number + 1], : one.shape[1]] = one
        return cls(splits, borders, features, first[:-1], table, len(booster.feature_names_))

    def values_of(
        self, matrix: NDArray[np.float32], classes: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """SHAP values towards some classes.

        Parameters
        ----------
        matrix : float32 array, shape (customers, features)
        classes : int array, shape (customers, k)
            Classes asked about for each customer.

        Returns
        -------
        float32 array, shape (customers, k, features)
        """
        customers, k = classes.shape
        if customers == 1:
            found = np.zeros((1, k, self.width + 1), dtype=np.float32)  # -1: the last
            parts = self.values[self._leaves_of_one(matrix[0])][:, :, classes[0]]
            np.add.at(found[0].T, self.features, parts)
            return found[:, :, :-1]
        # Feature by feature, so that whatever is added to is contiguous, and looked up in the
        # table of one tree, which stays in the fastest cache.
        by_feature = np.zeros((self.width, customers * k), dtype=np.float32)
        count = self.values.shape[2]
        for tree, (features, table) in enumerate(self._tables):
            leaves = self._leaves(tree, matrix).astype(np.intp)
            places = (leaves[:, None] * count + classes).ravel()
            parts = np.take(table, places, axis=1, mode="clip")  # (slots, customers * k)
            for feature, part in zip(features, parts, strict=True):
                by_feature[feature] += part
        return np.ascontiguousarray(by_feature.T).reshape(customers, k, self.width)

    def weighted(
        self, matrix: NDArray[np.float32], weights: NDArray[np.float32], ends: Sequence[int]
    ) -> NDArray[np.float32]:
        """SHAP values of a weighted sum of models of one class, the trees of one after the other.

        Parameters
        ----------
        matrix : float32 array, shape (customers, features)
        weights : float32 array, shape (customers, models)
        ends : sequence of int
            Up to which tree each model goes; trees behind the last do not count.

        Returns
        -------
        float32 array, shape (customers, features)
        """
        trees = [range(*pair) for pair in pairwise((0, *ends))]
        if len(matrix) == 1:
            by_tree = np.zeros(len(self.first), dtype=np.float32)
            for model, own in enumerate(trees):
                by_tree[own.start : own.stop] = weights[0, model]
            found = np.zeros(self.width + 1, dtype=np.float32)  # -1: the last
            parts = self.values[self._leaves_of_one(matrix[0])][:, :, 0] * by_tree[:, None]
            np.add.at(found, self.features, parts)
            return found[None, :-1]
        by_feature = np.zeros((self.width, len(matrix)), dtype=np.float32)
        for model, own in enumerate(trees):
            of_model = np.zeros_like(by_feature)
            used: set[int] = set()
            for tree in own:
                features, table = self._tables[tree]
                parts = np.take(table, self._leaves(tree, matrix), axis=1, mode="clip")
                for feature, part in zip(features, parts, strict=True):
                    of_model[feature] += part
                used.update(features)
            for feature in used:
                by_feature[feature] += of_model[feature] * weights[:, model]
        return np.ascontiguousarray(by_feature.T)

    def _leaves(self, tree: int, matrix: NDArray[np.float32]) -> NDArray[np.uint16]:
        """Leaf of each customer in a tree; CatBoost takes ten times as long."""
        leaves = np.zeros(len(matrix), dtype=np.uint16)
        levels = zip(self.splits[tree].tolist(), self.borders[tree], strict=True)
        for level, (feature, border) in enumerate(levels):
            if border < np.inf:
                leaves |= (matrix[:, feature] > border).astype(np.uint16) << np.uint16(level)
        return leaves

    def _leaves_of_one(self, row: NDArray[np.float32]) -> NDArray[np.intp]:
        """Row in `values` of the leaf of one customer in each tree."""
        above = row[self.splits] > self.borders
        leaves: NDArray[np.intp] = above @ (1 << np.arange(self.splits.shape[1])) + self.first
        return leaves

    @cached_property
    def _tables(self) -> list[tuple[list[int], NDArray[np.float32]]]:
        """Features of each tree, and their values, float32 (features, leaves * classes)."""
        tables = []
        for features, leaves in zip(
            self.features, np.split(self.values, self.first[1:]), strict=True
        ):
            slots = features >= 0
            by_slot = leaves.transpose(1, 0, 2)[slots]
            tables.append(
                (
                    features[slots].tolist(),
                    by_slot.reshape(len(by_slot), leaves.shape[0] * leaves.shape[2]),
                )
            )
        return tables


def _by_leaf(
    pattern: tuple[int, ...], weights: NDArray[np.float64], leaves: NDArray[np.float64]
) -> NDArray[np.float32]:
    """SHAP values by leaf of trees whose levels are alike.

    Parameters
    ----------
    pattern : tuple of int
        Place among its features of what a tree splits on, from the root down.
    weights : float array, shape (trees, leaves)
    leaves : float array, shape (trees, leaves, classes)

    Returns
    -------
    float32 array, shape (trees, leaves, features, classes)
    """
    depth, count = len(pattern), len(set(pattern))
    levels = [{level for level in range(depth) if pattern[level] == f} for f in range(count)]
    trees, classes = len(leaves), leaves.shape[2]
    shaped = np.moveaxis(leaves, 0, 1).reshape((2,) * depth + (trees, classes))
    share = _branch_shares(weights, depth)
    expected = {
        known: _expectation(shaped, share, set().union(*(levels[i] for i in known)))
        for size in range(count + 1)
        for known in combinations(range(count), size)
    }
    values = np.zeros((*shaped.shape[:-1], count, classes))
    for known, value in expected.items():
        if len(known) == count:
            continue
        weight = math.factorial(len(known)) * math.factorial(count - len(known) - 1)
        for feature in set(range(count)) - set(known):
            gain = expected[tuple(sorted((*known, feature)))] - value
            values[..., feature, :] += weight / math.factorial(count) * gain
    by_leaf = values.reshape(weights.shape[1], trees, count, classes).astype(np.float32)
    return np.moveaxis(by_leaf, 1, 0)


def _branch_shares(weights: NDArray[np.float64], depth: int) -> list[NDArray[np.float64]]:
    """Share of each node's weight in each of its branches, by level; 0 where there is none."""
    shaped = weights.T.reshape((2,) * depth + (len(weights),))
    shares = []
    for level in range(depth):
        below = shaped.sum(axis=tuple(range(level + 1, depth)))
        whole = below.sum(axis=level, keepdims=True)
        share = np.divide(below, whole, out=np.zeros_like(below), where=whole > 0)
        # Deeper levels, trees, classes.
        shares.append(share.reshape((2,) * (level + 1) + (1,) * (depth - level - 1) + (-1, 1)))
    return shares


def _expectation(
    leaves: NDArray[np.float64], shares: list[NDArray[np.float64]], known: set[int]
) -> NDArray[np.float64]:
    """Mean of the leaves that agree with a leaf on the known levels; by leaf."""
    value = leaves
    for level in reversed(range(len(shares))):
        if level not in known:
            value = (value * shares[level]).sum(axis=level, keepdims=True)
            value = np.repeat(value, 2, axis=level)
    return value

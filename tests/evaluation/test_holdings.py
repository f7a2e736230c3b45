import math

import numpy as np
import pytest

from src.evaluation.holdings import label_metrics, ndcg_by_cluster, ndcg_by_customer

ONE, TWO, THREE = (1 / math.log2(rank + 1) for rank in (1, 2, 3))
IDEAL = ONE + TWO + THREE
HELD = np.array([[1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [1, 0, 1, 1], [0, 0, 0, 0]], dtype=bool)
CHANCES = np.array(
    [
        [0.9, 0.1, 0.2, 0.1],
        [0.9, 0.3, 0.8, 0.7],  # first 0, then 2, then 3, which is not held
        [0.6, 0.2, 0.1, 0.0],
        [0.7, 0.1, 0.6, 0.65],
        [0.1, 0.4, 0.3, 0.2],
    ],
    dtype=np.float32,
)


def test_customers_of_three_products_by_hand() -> None:
    assert ndcg_by_customer(CHANCES, HELD) == {
        "ndcg@3": pytest.approx(((ONE + TWO) / IDEAL + 1) / 2)
    }
    ties = np.zeros((5, 4), dtype=np.float32)  # items 0, 1, 2
    assert ndcg_by_customer(ties, HELD) == {
        "ndcg@3": pytest.approx((1 + (ONE + THREE) / IDEAL) / 2)
    }


def test_clusters_by_hand() -> None:
    # means of the test month: the young 2/3, 1/3, 1/3, 0, ranked 3, 2, 1 by those of training;
    # the old 1/2, 0, 1/2, 1/2, ranked 0, 1, 2; nobody is in the last cluster
    clusters = np.array([0, 0, 0, 1, 1], dtype=np.int32)
    means = np.array([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1], [1, 0, 0, 0]], dtype=np.float32)
    young = (0 * ONE + 1 / 3 * TWO + 1 / 3 * THREE) / (2 / 3 * ONE + 1 / 3 * TWO + 1 / 3 * THREE)
    old = (1 / 2 * ONE + 0 * TWO + 1 / 2 * THREE) / (1 / 2 * IDEAL)
    assert ndcg_by_cluster(clusters, means, HELD) == {"ndcg@3": pytest.approx((young + old) / 2)}


def test_labels_by_hand() -> None:
    # item 0: labels 0, 1, 2, 3, held 0, 1, 3; item 1: none, held 1; item 2: 1, 3, held 1, 3;
    # item 3: 1, 3, held 3. F1 = 2 hits / (labels + held), weighted by the number held
    f1 = [2 * 3 / (4 + 3), 2 * 0 / (0 + 1), 2 * 2 / (2 + 2), 2 * 1 / (2 + 1)]
    # pairs of a holder and another in the right order: item 0: 3 x 2 of 6; item 1: 1 x 3 of 4
    # (0.3 loses to 0.4); item 2: 2 x 3 of 6; item 3: 0.65 against 0.1, 0.7, 0.0, 0.2: 3 of 4
    auc = [6 / 6, 3 / 4, 6 / 6, 3 / 4]
    # of labels, ties count half: item 0: each of 3 holders beats one of two others and ties with
    # one; item 1: all tie; item 3: 1 beats three and ties with one
    labels = [(3 * 1 + 3 * 1 / 2) / 6, 1 / 2, 6 / 6, (3 + 1 / 2) / 4]
    weights = [3, 1, 2, 1]

    def weighted(values: list[float]) -> float:
        return sum(w * value for w, value in zip(weights, values, strict=True)) / sum(weights)

    assert label_metrics(CHANCES, HELD) == {
        "f1_weighted": pytest.approx(weighted(f1)),
        "roc_auc_weighted": pytest.approx(weighted(auc)),
        "roc_auc_weighted_of_labels": pytest.approx(weighted(labels)),
    }


def test_products_that_all_or_none_hold_do_not_count() -> None:
    held = np.array([[1, 0, 1, 0]] * 3 + [[1, 0, 0, 1]] * 2, dtype=bool)
    # wrong about the first two, right about the others
    chances = np.array([[0.1, 0.9, 0.8, 0.2]] * 3 + [[0.1, 0.9, 0.4, 0.6]] * 2, dtype=np.float32)
    assert label_metrics(chances, held) == {
        "f1_weighted": 1.0,
        "roc_auc_weighted": 1.0,
        "roc_auc_weighted_of_labels": 1.0,
    }


@pytest.mark.parametrize("items", [2, 4])
def test_metrics_without_a_value_are_left_out(items: int) -> None:
    # nobody has three products, and only the first is held by some and not by all
    held = np.zeros((5, items), dtype=bool)
    held[:2, 0] = True
    scores = np.full((5, items), 0.5, dtype=np.float32)
    assert ndcg_by_customer(scores, held) == {}
    assert label_metrics(scores, held) == {}
    nobody = np.zeros(0, dtype=np.int32)
    assert ndcg_by_cluster(nobody, scores[:2], held[:0]) == {}


def test_clusters_that_hold_nothing_are_left_out() -> None:
    held = np.array([[1, 0], [1, 0], [0, 0], [0, 0]], dtype=bool)
    means = np.array([[0.5, 0.5], [0.1, 0.1]], dtype=np.float32)
    # the first alone holds anything, and what it holds stands first
    assert ndcg_by_cluster(np.array([0, 0, 1, 1], dtype=np.int32), means, held) == {"ndcg@3": 1.0}

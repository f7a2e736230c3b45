import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from src.evaluation import metrics

# Four customers, five items.
RANKING = np.array(
    [
        [0, 1, 2, 3],  # wants 0 and 2
        [4, 3, 2, 1],  # wants 0 and 1
        [2, -1, -1, -1],  # wants 2, 3 and 4; the mask left one item
        [1, 0, 3, 2],  # wants nothing
    ],
    dtype=np.int16,
)
RELEVANT = np.array(
    [
        [True, False, True, False, False],
        [True, True, False, False, False],
        [False, False, True, True, True],
        [False, False, False, False, False],
    ]
)


@st.composite
def lists_and_wishes(
    draw: st.DrawFn,
) -> tuple[NDArray[np.int16], NDArray[np.bool_], int]:
    """Rankings padded with -1, what is relevant, and k, which may be longer than a list."""
    customers = draw(st.integers(1, 4))
    items = draw(st.integers(1, 6))
    length = draw(st.integers(1, items))
    ranking = np.full((customers, length), -1, dtype=np.int16)
    for row in ranking:
        shown = draw(st.permutations(range(items)))[: draw(st.integers(0, length))]
        row[: len(shown)] = shown
    flags = st.lists(st.booleans(), min_size=items, max_size=items)
    relevant = np.array([draw(flags) for _ in range(customers)])
    return ranking, relevant, draw(st.integers(1, items + 1))


def test_hits_do_not_count_padding() -> None:
    # -1 is no index: the last item is relevant and must not be found by it
    ranking = np.array([[1, -1], [2, 0]], dtype=np.int16)
    relevant = np.array([[True, False, True], [True, False, True]])
    assert metrics.hits(ranking, relevant).tolist() == [[False, False], [True, True]]


@pytest.mark.parametrize(
    ("k", "expected"),
    [
        (1, [1 / 1 * (1 / 1), 0.0, 1 / 1 * (1 / 1), 0.0]),  # divided by min(k, wanted) = 1
        (2, [1 / 2 * (1 / 1), 0.0, 1 / 2 * (1 / 1), 0.0]),
        (3, [1 / 2 * (1 / 1 + 2 / 3), 0.0, 1 / 3 * (1 / 1), 0.0]),
        (4, [1 / 2 * (1 / 1 + 2 / 3), 1 / 2 * (1 / 4), 1 / 3 * (1 / 1), 0.0]),
        (9, [1 / 2 * (1 / 1 + 2 / 3), 1 / 2 * (1 / 4), 1 / 3 * (1 / 1), 0.0]),
    ],
)
def test_average_precision(k: int, expected: list[float]) -> None:
    assert metrics.average_precision(RANKING, RELEVANT, k) == pytest.approx(expected)


@given(lists_and_wishes())
def test_average_precision_is_kaggles(
    case: tuple[NDArray[np.int16], NDArray[np.bool_], int],
) -> None:
    def apk(actual: set[int], predicted: Sequence[int], k: int) -> float:
        score, found = 0.0, 0
        for rank, item in enumerate(predicted[:k], start=1):
            if item in actual:
                found += 1
                score += found / rank
        return score / min(len(actual), k) if actual else 0.0

    ranking, relevant, k = case
    expected = [
        apk(set(np.flatnonzero(wanted).tolist()), shown.tolist(), k)
        for shown, wanted in zip(ranking, relevant, strict=True)
    ]
    assert metrics.average_precision(ranking, relevant, k) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("k", "expected"),
    [
        (1, [1 / 2, 0 / 2, 1 / 3, 0.0]),
        (3, [2 / 2, 0 / 2, 1 / 3, 0.0]),
        (4, [2 / 2, 1 / 2, 1 / 3, 0.0]),
    ],
)
def test_recall(k: int, expected: list[float]) -> None:
    assert metrics.recall(RANKING, RELEVANT, k) == pytest.approx(expected)


@given(lists_and_wishes())
def test_recall_and_hit_rate_are_those_of_sets(
    case: tuple[NDArray[np.int16], NDArray[np.bool_], int],
) -> None:
    ranking, relevant, k = case
    wishes = [set(np.flatnonzero(wanted).tolist()) for wanted in relevant]
    found = [
        len(wish & set(shown[:k].tolist())) for wish, shown in zip(wishes, ranking, strict=True)
    ]
    shares = [hit / len(wish) if wish else 0.0 for hit, wish in zip(found, wishes, strict=True)]
    assert metrics.recall(ranking, relevant, k) == pytest.approx(shares)
    assert metrics.hit_rate(ranking, relevant, k).tolist() == [float(hit > 0) for hit in found]


@pytest.mark.parametrize(
    ("k", "expected"), [(1, [1.0, 0.0, 1.0, 0.0]), (3, [1.0, 0.0, 1.0, 0.0]), (4, [1, 1, 1, 0])]
)
def test_hit_rate(k: int, expected: list[float]) -> None:
    assert metrics.hit_rate(RANKING, RELEVANT, k).tolist() == expected


def test_coverage_counts_items_and_not_padding() -> None:
    assert metrics.coverage(RANKING, 5, 1) == 4 / 5  # 0, 4, 2, 1
    assert metrics.coverage(RANKING, 10, 2) == 5 / 10  # and 3
    assert metrics.coverage(np.full((2, 3), -1, dtype=np.int16), 5, 3) == 0.0


def test_ndcg_of_graded_relevance() -> None:
    scores = np.array([[0.9, 0.8, 0.1], [0.1, 0.5, 0.4]], dtype=np.float32)
    relevance = np.array([[1.0, 0.0, 3.0], [0.0, 2.0, 1.0]])
    ideal = [3 / math.log2(2) + 1 / math.log2(3), 2 / math.log2(2) + 1 / math.log2(3)]
    assert metrics.ndcg(scores, relevance, 2) == pytest.approx(
        1 / 2 * ((1 / math.log2(2)) / ideal[0] + 1)
    )
    assert metrics.ndcg(scores, relevance, 3) == pytest.approx(
        1 / 2 * ((1 / math.log2(2) + 3 / math.log2(4)) / ideal[0] + 1)
    )


def test_ndcg_gives_ties_to_the_lower_index() -> None:
    scores = np.array([[0.5, 0.5, 0.5]], dtype=np.float32)
    assert metrics.ndcg(scores, np.array([[1.0, 0.0, 0.0]]), 1) == 1.0
    assert metrics.ndcg(scores, np.array([[0.0, 0.0, 1.0]]), 1) == 0.0
    assert metrics.ndcg(scores, np.array([[0.0, 0.0, 1.0]]), 3) == pytest.approx(1 / math.log2(4))


def test_ndcg_leaves_out_customers_without_relevance() -> None:
    scores = np.array([[1.0, 0.0], [1.0, 0.0]], dtype=np.float32)
    assert metrics.ndcg(scores, np.array([[1.0, 0.0], [0.0, 0.0]]), 2) == 1.0
    assert math.isnan(metrics.ndcg(scores, np.zeros((2, 2)), 2))
    assert math.isnan(metrics.ndcg(scores[:0], np.zeros((0, 2)), 2))


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), st.integers(0, 3)),
            min_size=4,
            max_size=4,
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 5),
)
def test_ndcg_is_the_textbooks(rows: list[list[tuple[float, int]]], k: int) -> None:
    def dcg(gains: Sequence[int]) -> float:
        return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains[:k], start=1))

    each = []
    for row in rows:
        ideal = dcg(sorted((gain for _, gain in row), reverse=True))
        if ideal:
            each.append(dcg([gain for _, gain in sorted(row, key=lambda cell: -cell[0])]) / ideal)
    scores = np.array([[score for score, _ in row] for row in rows], dtype=np.float32)
    relevance = np.array([[float(gain) for _, gain in row] for row in rows])
    expected = sum(each) / len(each) if each else math.nan
    assert metrics.ndcg(scores, relevance, k) == pytest.approx(expected, nan_ok=True)

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from src import ranking
from src.ranking import top_k

# few distinct values make ties; the others try the whole range of float32
VALUES = st.one_of(
    st.sampled_from([-1.5, -0.0, 0.0, 0.25, 1.0]),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
)


@st.composite
def scores_and_masks(
    draw: st.DrawFn,
) -> tuple[NDArray[np.float32], NDArray[np.bool_], int]:
    customers, items = draw(st.integers(0, 4)), draw(st.integers(1, 7))
    cells = customers * items
    scores = draw(st.lists(VALUES, min_size=cells, max_size=cells))
    masked = draw(st.lists(st.booleans(), min_size=cells, max_size=cells))
    return (
        np.array(scores, dtype=np.float32).reshape(customers, items),
        np.array(masked, dtype=bool).reshape(customers, items),
        draw(st.integers(1, items)),
    )


def brute(scores: NDArray[np.float32], masked: NDArray[np.bool_], k: int) -> list[list[int]]:
    lists = []
    for row, hidden in zip(scores.tolist(), masked.tolist(), strict=True):
        free = [item for item in range(len(row)) if not hidden[item]]
        best = sorted(free, key=lambda item: (-row[item], item))[:k]
        lists.append(best + [-1] * (k - len(best)))
    return lists


@given(scores_and_masks())
def test_top_k_is_a_sort(case: tuple[NDArray[np.float32], NDArray[np.bool_], int]) -> None:
    scores, masked, k = case
    assert top_k(scores, k, masked).tolist() == brute(scores, masked, k)
    assert top_k(scores, k).tolist() == brute(scores, np.zeros_like(masked), k)


@pytest.mark.parametrize("k", [1, 2, 7, 2000])
def test_top_k_of_many_items_is_a_sort(k: int) -> None:
    generator = np.random.default_rng(k)
    scores = generator.normal(size=(20, 2000)).astype(np.float32).round(2)
    masked = generator.random(scores.shape) < 0.5
    assert top_k(scores, k, masked).tolist() == brute(scores, masked, k)


def test_best_first_ties_to_the_lower_index_held_ones_left_out() -> None:
    scores = np.array([[0.1, 0.3, 0.3, -0.2], [-1, -3, -2, -4], [0.0, -0.0, 0.0, -0.0]])
    masked = np.zeros(scores.shape, dtype=bool)
    masked[0, 1] = masked[1, [0, 2, 3]] = True
    lists = top_k(scores.astype(np.float32), 3, masked)
    assert lists.tolist() == [[2, 0, 3], [1, -1, -1], [0, 1, 2]]
    assert lists.dtype == np.int16


def test_scores_and_mask_are_left_as_they_were() -> None:
    scores = np.array([[1.0, -0.0, 3.0]], dtype=np.float32)
    masked = np.array([[True, False, False]])
    before = scores.tobytes(), masked.tobytes()
    top_k(scores, 2, masked)
    assert (scores.tobytes(), masked.tobytes()) == before


def test_memory_order_does_not_matter() -> None:
    scores = np.asfortranarray([[1, 2, 3], [3, 2, 1]], dtype=np.float32)
    assert top_k(scores, 2).tolist() == [[2, 1], [0, 1]]


def test_blocks_of_rows_are_ranked_each_by_its_own_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    scores = generator.integers(0, 4, size=(7, 5)).astype(np.float32)
    masked = generator.random(scores.shape) < 0.3
    monkeypatch.setattr(ranking, "_ROWS_AT_ONCE", 3)
    assert top_k(scores, 4, masked).tolist() == brute(scores, masked, 4)


@pytest.mark.parametrize("k", [0, 4])
def test_k_out_of_range(k: int) -> None:
    with pytest.raises(ValueError, match=f"k is {k}, .* between 1 and the number of items, 3"):
        top_k(np.zeros((2, 3), dtype=np.float32), k)


def test_mask_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"mask has shape \(1, 3\), scores have \(2, 3\)"):
        top_k(np.zeros((2, 3), dtype=np.float32), 1, np.zeros((1, 3), dtype=bool))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match="scores hold NaN or infinity"):
        top_k(np.array([[0.0, value]], dtype=np.float32), 1)


def test_more_items_than_an_index_can_name() -> None:
    most = np.zeros((1, 2**15), dtype=np.float32)
    most[0, -1] = 1.0
    assert top_k(most, 2).tolist() == [[2**15 - 1, 0]]
    with pytest.raises(ValueError, match=r"32769 items, but int16 .* at most 32768"):
        top_k(np.zeros((1, 2**15 + 1), dtype=np.float32), 1)

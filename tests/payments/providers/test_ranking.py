import numpy as np
import pytest
from numpy.typing import NDArray

from src.payments.providers import ranking
from src.payments.providers.known import Matrix
from src.payments.providers.ranking import NEVER, top_k, top_k_of_factors


def brute(scores: NDArray[np.float32], k: int) -> list[list[int]]:
    lists = []
    for row in scores.tolist():
        free = [item for item in range(len(row)) if row[item] > NEVER]
        best = sorted(free, key=lambda item: (-row[item], item))[:k]
        lists.append(best + [-1] * (k - len(best)))
    return lists


def test_best_first_ties_to_the_lower_index() -> None:
    scores = np.array([[1, 3, 3, 2], [0, NEVER, NEVER, -5], [0, 0, 0, 0]], dtype=np.float32)
    lists = top_k(scores, 3)
    assert lists.tolist() == [[1, 2, 3], [0, 3, -1], [0, 1, 2]]
    assert lists.dtype == np.int32


@pytest.mark.parametrize("k", [1, 3, 10, 700])
@pytest.mark.parametrize("values", [2, 50, 100_000])
def test_top_k_is_a_sort(k: int, values: int) -> None:
    generator = np.random.default_rng(k * values)
    scores = generator.integers(0, values, size=(30, 700)).astype(np.float32)
    scores[generator.random(scores.shape) < 0.5] = NEVER
    scores[0] = NEVER
    assert top_k(scores, k).tolist() == brute(scores, k)


@pytest.mark.parametrize("k", [1, 4, 12])
def test_factors_are_ranked_like_their_products(k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "_CELLS_AT_ONCE", 12 * 50)
    generator = np.random.default_rng(k)
    # small whole numbers: products are exact, and many are equal
    clients = generator.integers(-2, 3, size=(320, 3)).astype(np.float32)
    providers = generator.integers(-2, 3, size=(12, 3)).astype(np.float32)
    known = Matrix((generator.random((320, 12)) < 0.3).astype(np.float32))
    barred = np.arange(12) == 5
    scores = clients @ providers.T
    scores[known.toarray() > 0] = NEVER
    scores[:, barred] = NEVER
    assert top_k_of_factors(clients, providers, known, k, barred).tolist() == brute(scores, k)


def test_parts_are_ranked_as_the_whole() -> None:
    generator = np.random.default_rng(7)
    clients = generator.standard_normal((50, 4), dtype=np.float32)
    providers = generator.standard_normal((30, 4), dtype=np.float32)
    known = Matrix((generator.random((50, 30)) < 0.2).astype(np.float32))
    nobody = np.zeros(30, dtype=bool)
    whole = top_k_of_factors(clients, providers, known, 5, nobody)
    part = top_k_of_factors(clients[20:], providers, known[20:], 5, nobody, threads=1)
    assert part.tolist() == whole[20:].tolist()

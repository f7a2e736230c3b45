from pathlib import Path

import numpy as np
import pytest

from src.models.pool import Pool


def test_a_pool_of_halves_is_the_geometric_mean_of_what_is_free() -> None:
    shares = np.array([[0.64, 0.16, 0.2]], dtype=np.float32)
    chances = np.array([[0.01, 0.04, 0.0]], dtype=np.float32)  # the third is held
    # roots of 0.0064 and 0.0064
    assert Pool().share(shares, chances).tolist() == [[0.5, 0.5, 0.0]]
    # the ranker alone: 0.64 and 0.16 of 0.8
    assert Pool((1.0, 0.0)).share(shares, chances)[0].tolist() == pytest.approx([0.8, 0.2, 0.0])


def test_who_holds_everything_has_no_shares() -> None:
    none = np.zeros((1, 2), dtype=np.float32)
    assert Pool().share(np.array([[0.5, 0.5]], dtype=np.float32), none).tolist() == [[0.0, 0.0]]


def test_the_opinion_that_is_right_gets_the_weight() -> None:
    generator = np.random.default_rng(7)
    added = generator.integers(0, 4, size=3000)
    additions = np.arange(4) == added[:, None]
    right = np.where(additions, 0.7, 0.1).astype(np.float32)
    noise = generator.dirichlet(np.ones(4), size=3000).astype(np.float32)
    knows, guesses = Pool.fit(right, noise, additions).weights
    assert knows > 1.0
    assert guesses < 0.1
    guesses, knows = Pool.fit(noise, right, additions).weights
    assert knows > 1.0
    assert guesses < 0.1


def test_few_adders_leave_a_geometric_mean() -> None:
    shares = np.array([[0.5, 0.5]], dtype=np.float32)
    weights = Pool.fit(shares, shares, np.array([[True, False]])).weights
    assert weights == pytest.approx((0.5, 0.5))


def test_an_adder_of_two_products_counts_once() -> None:
    shares = np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]], dtype=np.float32)
    chances = np.array([[0.1, 0.2, 0.3], [0.3, 0.1, 0.1]], dtype=np.float32)
    both = np.array([[True, True, False], [False, False, True]])
    twice = np.array([[True, False, False], [False, True, False]])
    of_both = Pool.fit(shares, chances, both)
    # as the mean gradient of an adder of the first and one of the second, so not as either
    assert of_both.weights != Pool.fit(shares, chances, twice | both[::-1]).weights
    assert sum(of_both.weights) < 1.2  # one adder more or less hardly moves them


def test_a_pool_is_read_as_it_was_written(tmp_path: Path) -> None:
    Pool((0.7, 0.31)).save(tmp_path / "pool.npz")
    assert Pool.load(tmp_path / "pool.npz") == Pool((0.7, 0.31))

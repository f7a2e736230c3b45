"""Rows that are dealt into files come back, each beside what was held, in a random order."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from src.models.shuffled import Bucket, dealt

pytestmark = pytest.mark.usefixtures("workspace")

Part = tuple[NDArray[np.float32], NDArray[np.bool_]]


def parts(*sizes: int) -> Iterator[Part]:
    """Rows of a number and its square, of which odd ones hold the first of two items."""
    start = 0
    for size in sizes:
        numbers = np.arange(start, start + size)
        start += size
        rows = np.column_stack([numbers, numbers**2]).astype(np.float32)
        yield np.asfortranarray(rows), np.column_stack([numbers % 2 == 1, numbers % 2 == 0])


def numbers_in(bucket: Bucket) -> list[int]:
    rows, held = bucket.rows(), bucket.holdings()
    assert len(rows) == len(held) == bucket.size
    assert (rows[:, 1] == rows[:, 0] ** 2).all()
    assert (held == np.column_stack([rows[:, 0] % 2 == 1, rows[:, 0] % 2 == 0])).all()
    return [int(number) for number in rows[:, 0]]


def test_one_bucket_is_the_rows_as_they_come() -> None:
    with dealt(parts(3, 2), 1, seed=7) as (whole,):
        assert whole.rows().tolist() == [[0, 0], [1, 1], [2, 4], [3, 9], [4, 16]]
        assert whole.holdings().tolist() == [[False, True], [True, False]] * 2 + [[False, True]]


def test_every_row_is_in_one_bucket_wherever_it_came_from() -> None:
    with dealt(parts(500, 300, 200), 4, seed=7) as buckets:
        found = [numbers_in(bucket) for bucket in buckets]
    assert sorted(number for own in found for number in own) == list(range(1000))
    assert len(found) == 4
    for own in found:
        assert 180 < len(own) < 320  # 250 on average, with a standard deviation of 14
        assert 350 < np.mean(own) < 650  # of all parts alike


def test_the_deal_is_seeded() -> None:
    found = []
    for seed in (7, 7, 8):
        with dealt(parts(20), 3, seed) as buckets:
            found.append([numbers_in(bucket) for bucket in buckets])
    assert found[0] == found[1] != found[2]


def test_no_bucket_is_empty() -> None:
    with dealt(parts(2), 50, seed=7) as buckets:
        assert sorted(number for bucket in buckets for number in numbers_in(bucket)) == [0, 1]
        assert all(bucket.size for bucket in buckets)


def test_files_are_gone_after_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTBEST_TMP", "elsewhere")
    with dealt(parts(10), 2, seed=7) as buckets:
        assert {bucket.path.parent.parent for bucket in buckets} == {Path("elsewhere")}
    assert list(Path("elsewhere").iterdir()) == []

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.errors import InputError
from src.payments import paths
from src.simulation import payments_ceiling
from src.simulation.payments_ceiling import expected_gini


def test_expected_gini_of_two_operations() -> None:
    # pairs of an event and another: (second, first) .5 * .9 in the right order, (first, second)
    # .1 * .5 in the wrong one; each with itself .1 * .9 and .5 * .5, which count half
    right, wrong, even = 0.5 * 0.9, 0.1 * 0.5, 0.1 * 0.9 + 0.5 * 0.5
    expected = 2 * (right + even / 2) / (right + wrong + even) - 1
    assert expected_gini(np.array([0.2, 0.7]), np.array([0.1, 0.5])) == pytest.approx(expected)


def test_equal_scores_tell_nothing() -> None:
    assert expected_gini(np.array([1.0, 1.0, 1.0]), np.array([0.1, 0.5, 0.9])) == 0


def test_certain_chances_in_their_order_are_perfect() -> None:
    assert expected_gini(np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.0])) == 1


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.01, 0.99)), min_size=1, max_size=20))
def test_nothing_ranks_better_than_the_truth(operations: list[tuple[int, float]]) -> None:
    score, chance = (np.array(values, dtype=float) for values in zip(*operations, strict=True))
    assert expected_gini(score, chance) <= expected_gini(chance, chance) + 1e-9


def test_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(payments_ceiling, "TRUTH", tmp_path / "truth.parquet")
    monkeypatch.setattr(paths, "OPERATIONS", str(tmp_path / "operations.parquet"))
    with pytest.raises(InputError, match=r"truth.parquet is missing: run 'make payments'"):
        payments_ceiling.main()
    truth = {"client": [1, 1, 2], "provider": [10, 11, 10], "chance": [1.0, 0.5, 1.0]}
    pq.write_table(pa.table(truth), tmp_path / "truth.parquet")
    served = {"client": [1, 1, 2], "provider": ["10", "12", "10"], "chance": [0.4, 0.3, 0.2]}
    pq.write_table(pa.table(served), tmp_path / "operations.parquet")
    payments_ceiling.main()
    # certain, never (not among the true ones), certain: the last is ranked below the second
    assert capsys.readouterr().out == (
        "3 operations on the simulated day after the last, expected Gini:\n"
        "true chances    1.000\n"
        "served chances  0.000, 0.0% of it\n"
    )

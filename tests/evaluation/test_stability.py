import math

import numpy as np
import pytest

from src.evaluation.stability import psi


def counts(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def test_formula() -> None:
    # (0.3 - 0.5) ln(0.3 / 0.5) + (0.7 - 0.5) ln(0.7 / 0.5)
    expected = -0.2 * math.log(0.6) + 0.2 * math.log(1.4)
    assert psi(counts(50, 50), counts(3, 7)) == pytest.approx(expected)


def test_same_shares_are_no_drift() -> None:
    assert psi(counts(1, 2, 1), counts(25, 50, 25)) == 0


def test_order_does_not_matter() -> None:
    assert psi(counts(1, 9), counts(6, 4)) == pytest.approx(psi(counts(6, 4), counts(1, 9)))


def test_bins_that_are_empty_in_one_or_in_both() -> None:
    # the third bin is empty in both: (0.001 - 0.001) ln 1
    expected = (1 - 0.5) * math.log(1 / 0.5) + (0.001 - 0.5) * math.log(0.001 / 0.5)
    assert psi(counts(5, 5, 0), counts(10, 0, 0)) == pytest.approx(expected)


def test_reference_without_anything_stays_finite() -> None:
    expected = (1 - 0.001) * math.log(1 / 0.001)
    assert psi(counts(0, 0), counts(3, 0)) == pytest.approx(expected)

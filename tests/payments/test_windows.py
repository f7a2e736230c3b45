import re

import numpy as np
import pytest
from pydantic import ValidationError

from src.errors import InputError
from src.payments.calendar import day_of
from src.payments.payments import Payments
from src.payments.windows import Split, Windows

FIRST, LAST = day_of("2025-01-01"), day_of("2025-03-31")


def payments(*days: int) -> Payments:
    none = np.zeros(len(days), dtype=np.int32)
    day = np.array(days, dtype=np.int32)
    return Payments(none, none, day, none.astype(float), np.array(["ann"]), ["gas"], {})


def split(**changes: object) -> Split:
    usual = {"first_day": "auto", "test_from": "auto", "test_days": 10, "valid_days": 20}
    return Split.model_validate({**usual, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Windows(FIRST, LAST - 9 - 20, LAST - 9, LAST + 1)),
        ({"first_day": "2025-02-01"}, Windows(FIRST + 31, LAST - 29, LAST - 9, LAST + 1)),
        # there is nothing to look back on before the first payment
        ({"first_day": "2020-01-01"}, Windows(FIRST, LAST - 29, LAST - 9, LAST + 1)),
        (
            {"test_from": "2025-03-01"},  # whatever test_days says
            Windows(FIRST, FIRST + 31 + 28 - 20, FIRST + 31 + 28, LAST + 1),
        ),
        ({"test_from": "2025-03-31"}, Windows(FIRST, LAST - 20, LAST, LAST + 1)),
        # the first day must lie before the validation: January 1, validation from January 2
        ({"test_from": "2025-01-22"}, Windows(FIRST, FIRST + 1, FIRST + 21, LAST + 1)),
        ({"test_days": 69}, Windows(FIRST, FIRST + 1, FIRST + 21, LAST + 1)),
    ],
)
def test_windows(changes: dict[str, object], expected: Windows) -> None:
    # neither is sorted by day nor has every day a payment
    assert Windows.of(payments(FIRST + 5, LAST, FIRST), split(**changes)) == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"test_from": "2025-01-21"},
            "payments from 2025-01-01 to 2025-03-31 are too few for split.valid_days 20 before a "
            "test from 2025-01-21 on: change split in pipelines/payments/params.yaml, or add "
            "earlier payments",
        ),
        ({"test_days": 70}, "split.valid_days 20 before a test from 2025-01-21 on"),
        ({"test_from": "2025-04-01"}, "before a test from 2025-04-01 on"),
        ({"first_day": "2025-03-03"}, "payments from 2025-03-03 to 2025-03-31 are too few"),
    ],
)
def test_data_that_do_not_reach_that_far(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        Windows.of(payments(FIRST, LAST), split(**changes))


def test_windows_moved_to_the_end_keep_the_length_of_the_validation() -> None:
    assert Windows(5, 30, 42, 50).moved_to_the_end() == Windows(5, 50 - 12, 50, 50)


@pytest.mark.parametrize("name", ["first_day", "test_from"])
@pytest.mark.parametrize("text", ["Auto", "31.08.2025", "2025-02-29", ""])
def test_dates_or_auto(name: str, text: str) -> None:
    with pytest.raises(ValidationError, match="is neither auto nor a date such as 2025-08-31"):
        split(**{name: text})


@pytest.mark.parametrize("name", ["test_days", "valid_days"])
@pytest.mark.parametrize("days", [0, 367])
def test_windows_last_a_day_to_a_year(name: str, days: int) -> None:
    with pytest.raises(ValidationError, match=name):
        split(**{name: days})

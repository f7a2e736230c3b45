import datetime
from itertools import pairwise

import pytest
from pydantic import ValidationError

from src.payments.calendar import Calendar, date_of, day_of


@pytest.mark.parametrize(
    ("date", "day"),
    [("1970-01-01", 0), ("1970-02-01", 31), ("1969-12-31", -1), ("2024-03-01", 54 * 365 + 13 + 60)],
)
def test_days_are_counted_from_1970(date: str, day: int) -> None:
    assert day_of(date) == day  # until 2024 there were 13 leap days, and then 31 + 29 days
    assert day_of(datetime.date.fromisoformat(date)) == day
    assert date_of(day) == datetime.date.fromisoformat(date)


@pytest.mark.parametrize(
    ("pay_days", "date", "days"),
    [
        ([10], "2025-03-10", 0),
        ([10], "2025-03-31", 21),
        ([10], "2025-03-09", 28 - 10 + 9),
        ([10, 25], "2025-03-09", 28 - 25 + 9),
        ([25, 10], "2025-03-12", 2),
        ([1], "2025-01-31", 30),
        ([31], "2025-02-28", 0),
        ([31], "2024-02-28", 28),
        ([31], "2024-02-29", 0),
        ([31], "2025-04-29", 29),
        ([31], "2025-04-30", 0),
        ([31], "2025-05-30", 30),
        ([30], "2025-02-28", 0),  # February has no 30th
        ([30], "2025-03-29", 29),
        ([30], "2025-03-31", 1),
        ([5, 29], "2025-02-28", 0),
        ([5, 28], "2025-03-01", 1),
        ([28], "2025-03-31", 3),
        ([], "2025-03-31", -1),
    ],
)
def test_days_after_pay(pay_days: list[int], date: str, days: int) -> None:
    assert Calendar(pay_days=pay_days).days_after_pay(datetime.date.fromisoformat(date)) == days


def test_every_day_has_a_pay_day_in_the_month_before_it() -> None:
    for pay_day in range(1, 32):
        calendar = Calendar(pay_days=[pay_day])
        after = [calendar.days_after_pay(date_of(day)) for day in range(19_700, 20_100)]
        paid = [place for place, days in enumerate(after) if days == 0]
        assert len({date_of(19_700 + place).strftime("%Y-%m") for place in paid}) == len(paid)
        assert {late - early for early, late in pairwise(paid)} <= {28, 29, 30, 31}


@pytest.mark.parametrize(
    ("date", "holiday"),
    [
        ("2025-12-31", True),
        ("2031-12-31", True),
        ("2025-04-20", True),
        ("2026-04-20", False),
        ("2024-02-29", True),
        ("2025-02-28", False),
        ("2025-12-30", False),
    ],
)
def test_holidays_of_every_year_and_of_one(date: str, holiday: bool) -> None:
    calendar = Calendar(holidays=["12-31", "2025-04-20", "02-29"])
    assert calendar.is_holiday(datetime.date.fromisoformat(date)) is holiday


def test_there_may_be_no_holiday() -> None:
    assert Calendar().is_holiday(datetime.date(2025, 12, 31)) is False


@pytest.mark.parametrize("day", [0, 32, -1])
def test_pay_days_are_days_of_a_month(day: int) -> None:
    with pytest.raises(ValidationError, match=f"{day} is no day of a month"):
        Calendar(pay_days=[1, day])


@pytest.mark.parametrize(
    "text",
    ["31-12", "12-32", "02-30", "2025-02-29", "Easter", "", "20250420", "2025-W16-7", "W01-1"],
)
def test_holidays_are_dates_as_they_are_compared(text: str) -> None:
    with pytest.raises(ValidationError, match=f"'{text}' is no date such as 12-31 or 2025-04-20"):
        Calendar(holidays=["01-01", text])

import datetime

import numpy as np
import pytest

from src.tables.months import month_of, months_from


@pytest.mark.parametrize(
    "date", [datetime.date(2016, 5, 1), datetime.date(2016, 5, 31), "2016-05-28", "2016-05"]
)
def test_every_day_belongs_to_its_month(date: datetime.date | str) -> None:
    assert month_of(date) == np.datetime64("2016-05", "M")


def test_a_month_plus_1_is_the_next() -> None:
    assert month_of("2015-12-31") + 1 == month_of("2016-01-01")


@pytest.mark.parametrize(
    ("earlier", "later", "months"),
    [
        ("2016-05-31", "2016-05-01", 0),
        ("2016-04-30", "2016-05-01", 1),
        ("2015-05-28", "2016-05-28", 12),
        ("2016-05-28", "2016-02-28", -3),
    ],
)
def test_months_between(earlier: str, later: str, months: int) -> None:
    assert months_from(month_of(earlier), month_of(later)) == months

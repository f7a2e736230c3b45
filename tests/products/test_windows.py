import datetime
import json
from pathlib import Path

import pytest

from src.errors import InputError
from src.products import paths
from src.products.windows import Windows
from src.tables.months import month_of


def months(*numbers: int) -> list[datetime.date]:
    return [datetime.date(2016, number, 28) for number in numbers]


FIVE = Windows(
    base=months(1, 2), blend=months(3, 4), test=months(5), lookback_months=2, warnings=("odd",)
)


def test_months_of_all_windows() -> None:
    assert FIVE.dates == months(1, 2, 3, 4, 5)
    assert FIVE.last == month_of("2016-05-28")
    assert FIVE.next == month_of("2016-06-30")


def test_the_month_after_december_is_january() -> None:
    december = Windows(months(9), months(10, 11), months(12), 2)
    assert december.next == month_of("2017-01-01")


@pytest.mark.parametrize(("wanted", "described_by"), [(12, 3), (3, 3), (2, 2)])
def test_no_more_months_describe_than_the_last_blend_month_has(
    wanted: int, described_by: int
) -> None:
    chosen = {"base": months(1, 2), "blend": months(3, 4), "test": months(5)}
    assert Windows.of(chosen, wanted) == Windows(
        months(1, 2), months(3, 4), months(5), described_by
    )


def test_rolled_is_one_month_later() -> None:
    assert FIVE.rolled() == Windows(months(1, 2, 3), months(4, 5), [], 2, ("odd",))
    assert FIVE.rolled().dates == FIVE.dates


def test_before_test_is_one_month_earlier() -> None:
    earlier = Windows(months(1, 2), months(3, 4), months(5), 3).before_test()
    # March, the last blend month, has January and February behind it
    assert earlier == Windows(months(1, 2), months(3), months(4), 2)


def test_before_a_month_there_is_nothing_to_test() -> None:
    assert FIVE.before(months(5)[0]) == Windows(months(1, 2), months(3, 4), [], 2, ("odd",))
    assert FIVE.before(months(4)[0]) == Windows(months(1), months(2, 3), [], 2, ("odd",))
    long = Windows(months(*range(1, 7)), months(*range(7, 12)), months(12), 12)
    # half of January to August, and no more months of history than July has behind it
    assert long.before(months(8)[0]) == Windows(months(1, 2, 3), months(4, 5, 6, 7), [], 6)
    assert long.before(months(11)[0]).blend == months(6, 7, 8, 9, 10)  # as many as split's


def test_windows_that_were_given_stay_those_of_their_test_month() -> None:
    given = Windows(months(2), months(3, 4, 5, 6), months(7), 4)
    assert given.before(months(7)[0]) == Windows(months(2), months(3, 4, 5, 6), [], 4)
    assert given.before(months(6)[0]) == Windows(months(2, 3), months(4, 5), [], 3)


@pytest.mark.parametrize("date", [datetime.date(2016, 3, 28), datetime.date(2016, 4, 30)])
def test_before_too_few_months_or_an_unknown_one(date: datetime.date) -> None:
    with pytest.raises(ValueError, match=f"^{date} is no month that can be predicted from these"):
        FIVE.before(date)


def test_one_blend_month_cannot_be_held_back() -> None:
    one = Windows(months(1, 2), months(3), months(4), 2)
    with pytest.raises(InputError, match="has one month, so none is left to learn from when"):
        one.before_test()


@pytest.mark.usefixtures("workspace")
def test_the_file_holds_dates_and_is_read_again() -> None:
    FIVE.write()
    content = Path(paths.WINDOWS).read_bytes()
    assert json.loads(content) == {
        "base": ["2016-01-28", "2016-02-28"],
        "blend": ["2016-03-28", "2016-04-28"],
        "test": ["2016-05-28"],
        "lookback_months": 2,
        "warnings": ["odd"],
    }
    assert Windows.read() == FIVE
    Path(paths.WINDOWS).unlink()
    assert Windows.read(content) == FIVE


@pytest.mark.usefixtures("workspace")
def test_no_windows() -> None:
    sentence = r"^data/products/windows\.json is missing; run dvc repro or dvc pull$"
    with pytest.raises(InputError, match=sentence):
        Windows.read()

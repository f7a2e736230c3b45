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

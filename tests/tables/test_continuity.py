import numpy as np
import pytest

from src.errors import InputError
from src.tables.continuity import check_continuity
from src.tables.months import Month, month_of

JANUARY, FEBRUARY, MARCH, APRIL, MAY = (month_of(f"2016-0{number}") for number in range(1, 6))


def check(customers: dict[Month, int], stayed: dict[Month, int], least: float = 0.05) -> list[str]:
    return check_continuity(customers, stayed, least, "bank.csv")


def test_a_bank_as_it_should_be() -> None:
    assert check({JANUARY: 100, FEBRUARY: 103, MARCH: 101}, {FEBRUARY: 98, MARCH: 99}) == []


def test_a_missing_month_is_named() -> None:
    warnings = check({JANUARY: 9, FEBRUARY: 9, MAY: 9}, {FEBRUARY: 9, MAY: 0})
    assert warnings == [
        "2016-03, 2016-04 are missing: months are counted by the calendar, and what was added "
        "between 2016-02 and 2016-05 is left out"
    ]


@pytest.mark.parametrize("step", [2, 3, 12])
def test_another_rhythm_is_refused(step: int) -> None:
    months = [JANUARY + step * number for number in range(5)]
    sentence = rf"bank\.csv: snapshots are {step} months apart \(2016-01, .*, …\)"
    with pytest.raises(InputError, match=sentence):
        check(dict.fromkeys(months, 9), dict.fromkeys(months, 0))


def test_a_stump_is_named_and_below_the_floor_refused() -> None:
    customers, stayed = {JANUARY: 100, FEBRUARY: 30}, {FEBRUARY: 30}
    said = "only 30 of 100 customers of 2016-01 are there in 2016-02"
    question = "is the file cut short, or were rows sampled instead of customers?"
    assert check(customers, stayed) == [f"{said}: {question}"]
    floor = rf"bank\.csv: {said}, less than ingest\.min_stay_share \(0\.31\) allows"
    with pytest.raises(InputError, match=floor):
        check(customers, stayed, least=0.31)


def test_of_a_few_customers_all_may_have_gone() -> None:
    assert check({JANUARY: 29, FEBRUARY: 29}, {FEBRUARY: 0}) == [
        "only 0 of 29 customers of 2016-01 are there in 2016-02: is the file cut short, or were "
        "rows sampled instead of customers?"
    ]


def test_a_first_month_of_a_few_rows_is_named() -> None:
    assert check({JANUARY: 5, FEBRUARY: 1000}, {FEBRUARY: 5}) == [
        "the first month, 2016-01, has 5 customers and the one after it 1,000, but all medians are "
        "taken from it"
    ]


def test_months_are_counted_by_the_calendar_over_a_turn_of_the_year() -> None:
    assert int((month_of("2016-01") - month_of("2015-12")).astype(int)) == 1
    assert np.datetime64("2016-02") == JANUARY + 1

import datetime

import pandas as pd
import pytest
from scipy.stats import binomtest

from src.eda import findings

TITLES = {"a": "Account", "b": "Card", "c": "Loan"}


def months(customers: list[int], added: list[int | None]) -> pd.DataFrame:
    dates = [datetime.date(2015, 11, 28), datetime.date(2015, 12, 28)]
    dates += [datetime.date(2016, month, 28) for month in range(1, 10)]
    table = {"month": dates[: len(customers)], "customers": customers, "added": added}
    return pd.DataFrame(table).astype({"customers": "Int64", "added": "Int64"})


@pytest.mark.parametrize(
    ("customers", "said"),
    [
        ([100, 101, 140, 150], "Customers grew by 50% from November 2015 to February 2016, 78% of "
         "it in January 2016"),
        ([1000, 1010, 1020, 1030], "Customers grew by 3.0% from November 2015 to February 2016"),
        ([100, 110, 90, 80], "Customers fell by 20% from November 2015 to February 2016"),
        ([100, 150, 60, 100], "The number of customers hardly changed from November 2015 to "
         "February 2016"),
    ],
)  # fmt: skip
def test_growth(customers: list[int], said: str) -> None:
    table = months(customers, [None, 7, 9, 8])
    assert findings.growth(table) == f"{said}; most is added in January 2016"


def products(shares: dict[str, tuple[int, int]], added: dict[str, int]) -> pd.DataFrame:
    """Owners in November and December, additions in December."""
    dates = months([100, 200], [None, 1])["month"]
    table = [
        (date, product, shares[product][place], (None, added[product])[place])
        for place, date in enumerate(dates)
        for product in shares
    ]
    columns = ["month", "product", "owners", "added"]
    return pd.DataFrame(table, columns=columns).astype({"owners": "Int64", "added": "Int64"})


HELD = {"a": (80, 120), "b": (10, 30), "c": (1, 2)}


def test_popularity_of_holdings_is_not_that_of_additions() -> None:
    customers = months([100, 200], [None, 40])
    table = products(HELD, {"a": 10, "b": 30, "c": 0})
    assert findings.popularity(table, customers, TITLES) == (
        "Account is held by 60% of the customers, but Card is added most: 75% of all additions"
    )
    table = products(HELD, {"a": 30, "b": 10, "c": 0})
    assert findings.popularity(table, customers, TITLES) == (
        "Account is held by 60% of the customers and added most: 75% of all additions"
    )


def test_dynamics_are_shares_of_the_customers() -> None:
    customers = months([100, 200], [None, 40])
    table = products(HELD, {"a": 10, "b": 30, "c": 0})
    assert findings.dynamics(table, customers, TITLES) == (
        "Card gained most: from 10.0% to 15.0% of the customers; "
        "Account lost most: from 80.0% to 60.0% of the customers"
    )
    fewer = {product: (first, first) for product, (first, _) in HELD.items()}
    assert findings.dynamics(products(fewer, dict.fromkeys("abc", 1)), customers, TITLES) == (
        "No product gained; Account lost most: from 80.0% to 40.0% of the customers"
    )


def portrait(rows: list[tuple[int, str, str, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["age", "sex", "active", "customers"])


def test_ages() -> None:
    table = portrait(
        [(22, "H", "1", 30), (24, "V", "0", 10), (41, "V", "0", 20), (70, "H", "1", 20)]
    )
    # 40 of 80 are 24 or younger, and those 40 are the largest band
    assert findings.ages(table) == (
        "Half of the customers are 24 or younger; 50% are 20-24 years old"
    )


def test_activity_of_few_customers_is_no_extreme() -> None:
    table = portrait(
        [
            (21, "H", "1", 10),
            (21, "V", "0", 90),
            (46, "H", "1", 60),
            (46, "V", "0", 40),
            (90, "V", "1", 3),  # all of them active, but three
        ]
    )
    assert findings.activity(table) == (
        "36% of the customers are active: 10% at 20-24, 60% at 45-49"
    )


def lengths(rows: list[tuple[str, int, int, int, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["product", "months", "at_risk", "dropped", "kept"])


def test_stays_are_told_at_the_longest_of_four_steps() -> None:
    rows = [
        (product, month, at_risk, dropped, kept)
        for product, at_risk, dropped, kept in (("a", 100, 1, 0.9), ("b", 50, 10, 0.3))
        for month in range(1, 8)
    ]
    rows += [("c", month, 5, 5, 0.0) for month in range(1, 8)]  # too few to be named
    kept = (1 - 16 / 155) ** 6
    assert findings.stays(lengths(rows), TITLES) == (
        f"Of what is added, {kept:.0%} is still held 6 months later: 90% of Account, 30% of Card"
    )
    few = lengths([("a", 1, 20, 5, 0.75), ("a", 2, 0, 0, float("nan"))])
    assert findings.stays(few, TITLES) == "Of what is added, 75% is still held 1 month later"
    none = lengths([("a", 1, 0, 0, float("nan"))])
    assert findings.stays(none, TITLES) == "No addition could be followed to another month"


def test_adders_of_small_groups_are_not_named() -> None:
    rows = [
        ("held", "0", 1000, 10),
        ("held", "1", 1000, 90),
        ("segment", "student", 1000, 20),
        ("segment", "unknown", 970, 80),
        ("segment", "top", 30, 0),  # in fact none, but among 30
    ]
    table = pd.DataFrame(rows, columns=["attribute", "value", "customers", "adders"])
    assert findings.adder_rate(table) == 0.05
    assert findings.adders(table) == (
        "5.0% of the customers add something in a month: 1.0% where held is 0, 9.0% where held is 1"
    )
    assert findings.large_groups(table)["value"].tolist() == ["0", "1", "student", "unknown", "top"]
    assert findings.adders(table.head(0)) == (
        "Nobody was a customer in two months before the test month"
    )


def test_twelve_groups_of_an_attribute_are_shown() -> None:
    values = [("channel", f"K{place}", 1000 - place, 1) for place in range(20)]
    table = pd.DataFrame(values, columns=["attribute", "value", "customers", "adders"])
    assert findings.large_groups(table)["value"].tolist() == [f"K{place}" for place in range(12)]


def test_the_pair_with_most_additions_beyond_all_adders_is_named() -> None:
    rows = [
        ("a", "b", 400, 300, 0.75, 3.0),  # 200 more than expected
        ("b", "c", 100, 90, 0.9, 9.0),  # 80 more
        ("c", "a", 10, 10, 1.0, 100.0),  # few
        ("nothing", "c", 50, 0, 0.0, 0.0),
    ]
    columns = ["held", "product", "adders", "additions", "rate", "lift"]
    table = pd.DataFrame(rows, columns=columns)
    assert findings.after(table, TITLES) == (
        "Of the adders who held Account, 75% add Card: 3.0 times the share of all adders"
    )
    assert findings.after(table.tail(1), TITLES) == (
        "Of the adders who held nothing, 0% add Loan: 0.0 times the share of all adders"
    )
    assert findings.after(table.head(0), TITLES) == "Nothing was added before the test month"


@pytest.mark.parametrize(("part", "whole"), [(0, 1), (1, 1), (3, 40), (20, 40), (999, 1000)])
def test_intervals_are_those_of_scipy(part: int, whole: int) -> None:
    low, high = findings.intervals(pd.Series([part]), pd.Series([whole]))
    expected = binomtest(part, whole).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), abs=1e-12)

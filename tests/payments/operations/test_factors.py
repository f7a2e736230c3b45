"""Every factor of a small stream, worked out by hand, and that none of them sees the future."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import exp, log, pi, sqrt
from numpy.typing import NDArray

from src.payments.calendar import Calendar, date_of
from src.payments.operations.baselines import BASELINES, baseline_columns
from src.payments.operations.factors import FACTORS, Basis, Factor, due, factor_columns, longer_gaps
from src.payments.operations.population import Population
from src.payments.operations.snapshot import Gaps, Snapshot, by_operation
from src.payments.payments import Payments
from tests.payments.operations.stream import (
    CUTOFF,
    NAN,
    REGIONS,
    ROWS,
    TOY,
    UNITS,
    Row,
    known,
    payments,
    visits,
)

CALENDAR = Calendar(pay_days=[25], holidays=["03-31"])


def normal(distance: float, width: float) -> float:
    return float(exp(-((distance / width) ** 2) / 2) / (width * sqrt(2 * pi)))


def decayed(half_life: float, *ages: int) -> float:
    return float(sum(0.5 ** (age / half_life) for age in ages))


GAS, TEA, ANN, BOB = (28, 21, 14, 7), (9, 9, 3), (28, 21, 14, 9, 9, 7, 3, 1), (50, 20, 2)

# The gaps of ann's 7 payment days are 7, 7, 5, 2, 4 and 2, bob's 30 and 18, cid has none. Of all 8
# gaps, 8 are at least 1 and 2 days long, 6 at least 3, none 40.
ANN_DUE = (
    normal(7 - 1, 1.55) * 2
    + normal(5 - 1, 1.55)
    + normal(2 - 1, 1.55) * 2
    + normal(4 - 1, 1.55)
    + (8 - 8 + 0.001) / (8 + 1)
) / (6 + 1)
BOB_DUE = (normal(30 - 2, 1.6) + normal(18 - 2, 1.6) + (8 - 6 + 0.001) / (8 + 1)) / (2 + 1)

# ann–gas, ann–tea, bob–gas and cid–gas
BY_HAND: dict[str, list[float]] = {
    "weekday": [0] * 4,
    "month_day": [31] * 4,
    "after_pay_day": [31 - 25] * 4,
    "holiday": [1] * 4,
    "client_elapsed": [1, 1, 2, 40],
    "client_count_1": [1, 1, 0, 0],
    "client_count_3": [2, 2, 1, 0],
    "client_count_7": [3, 3, 1, 0],
    "client_count_14": [6, 6, 1, 0],
    "client_count_30": [8, 8, 2, 0],
    "client_count": [8, 8, 3, 1],
    "client_operations": [2, 2, 1, 1],
    "client_gap": [(28 - 1) / 6, (28 - 1) / 6, (50 - 2) / 2, NAN],
    "client_due": [ANN_DUE, ANN_DUE, BOB_DUE, 0.001 / (0 + 1) / (0 + 1)],
    "client_longer_gaps": [6 / 6, 6 / 6, 2 / 2, NAN],
    # Mondays are 7, 14, 21 and 28 days ago
    "client_weekday": [(4 + 1 / 7) / (8 + 1)] * 2 + [1 / 7 / (3 + 1), 1 / 7 / (1 + 1)],
    # March 3, two days from the 31st of a month of 30 days, March 30; bob: March 29
    "client_month_day": [(2 + 1 / 6) / (8 + 1)] * 2 + [(1 + 1 / 6) / (3 + 1), 1 / 6 / (1 + 1)],
    # all that ann and bob paid, in whatever unit they were: their latest one is u1
    "unit_count_7": [3 + 1] * 3 + [NAN],
    "unit_count_30": [8 + 2] * 3 + [NAN],
    "elapsed": [7, 3, 2, 40],
    "first": [28, 9, 50, 40],
    "gap_mean": [7, 6, 24, NAN],
    "gap_median": [7, 6, 18, NAN],
    "gap_spread": [0, NAN, 6, NAN],
    "gap_last": [7, 6, 18, NAN],
    "elapsed_to_gap": [7 / 7, 3 / 6, 2 / 24, NAN],
    "elapsed_to_median": [7 / 7, 3 / 6, 2 / 18, NAN],
    # of the gaps 7, 7, 7, 6, 30 and 18: 5 are at least 7 days long, 2 at least 8, 6 at least 2 to 4
    "due": [
        (3 * normal(0, 1.85) + (5 - 2 + 0.001) / (5 + 1)) / (3 + 1),
        (normal(6 - 3, 1.65) + (6 - 6 + 0.001) / (6 + 1)) / (1 + 1),
        (normal(30 - 2, 1.6) + normal(18 - 2, 1.6) + (6 - 6 + 0.001) / (6 + 1)) / (2 + 1),
        0.001 / (0 + 1) / (0 + 1),
    ],
    "longer_gaps": [0 / 3, 1 / 1, 2 / 2, NAN],
    "on_weekday": [(4 + 1 / 7) / (4 + 1), 1 / 7 / (3 + 1), 1 / 7 / (3 + 1), 1 / 7 / (1 + 1)],
    "on_month_day": [(1 + 1 / 6) / 5, 1 / 6 / (3 + 1), (1 + 1 / 6) / (3 + 1), 1 / 6 / (1 + 1)],
    # ann paid 28, 21, 14, 9, 7, 3 days ago and the day before
    "client_days_since": [2, 1, 0, 0],
    "day_share": [
        (4 + 0.1) / (7 + 1),
        (2 + 0.1) / (4 + 1),
        (3 + 0.1) / (3 + 1),
        (1 + 0.1) / (1 + 1),
    ],
    "day_share_all": [4 / 7, 2 / 7, 3 / 3, 1 / 1],
    "count": [4, 3, 3, 1],
    "days": [4, 2, 3, 1],
    "count_3": [0, 1, 1, 0],
    "count_7": [1, 1, 1, 0],
    "count_30": [4, 3, 2, 0],
    "count_90": [4, 3, 3, 1],
    **{
        f"decayed_{days}": [decayed(days, *ages) for ages in (GAS, TEA, BOB, (40,))]
        for days in (7, 30, 90)
    },
    **{
        f"share_{days}": [
            decayed(days, *GAS) / decayed(days, *ANN),
            decayed(days, *TEA) / decayed(days, *ANN),
            1,
            1,
        ]
        for days in (7, 30, 90)
    },
    "share": [4 / 8, 3 / 8, 3 / 3, 1 / 1],
    "rank": [1, 2, 1, 1],  # 2.71 payments of gas and 2.56 of tea
    "rank_elapsed": [2, 1, 1, 1],
    # of the three payments of tea, one has no amount
    "amount": [log(101), (log(11) + log(31)) / 2, (2 * log(201) + log(401)) / 3, NAN],
    "amount_spread": [0, (log(31) - log(11)) / 2, sqrt(2 / 9) * (log(401) - log(201)), NAN],
    "amount_last": [0, (log(31) - log(11)) / 2, 2 / 3 * (log(401) - log(201)), NAN],
    "provider_count_30": [4 + 2, 3, 4 + 2, 4 + 2],
    # 31 to 90 days ago, bob and cid paid gas once
    "provider_trend": [log(7 / (2 / 2 + 1)), log(4 / 1), log(7 / 2), log(7 / 2)],
    "provider_clients": [3, 1, 3, 3],
    "provider_repeats": [2 / 3, 1 / 1, 2 / 3, 2 / 3],
    "provider_region_30": [4, 3, 2, 4],
    "provider_unit_30": [4 + 2, 3, 4 + 2, NAN],
}


def test_every_factor_has_its_values_here() -> None:
    assert [factor.name for factor in FACTORS] == list(BY_HAND)


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.name)
def test_factors_by_hand(factor: Factor) -> None:
    values = factor.compute(known(TOY, CALENDAR))
    assert values.dtype == np.float64
    np.testing.assert_allclose(values, BY_HAND[factor.name], rtol=1e-12, atol=1e-12)


def test_columns_of_all_factors() -> None:
    columns = factor_columns(known(TOY, CALENDAR))
    assert list(columns) == list(BY_HAND)
    for name, values in columns.items():
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, BY_HAND[name], rtol=1e-6, atol=1e-6)


def test_titles_and_names_are_unique() -> None:
    for name in ("name", "en", "ru"):
        titles = [getattr(factor, name) for factor in FACTORS]
        assert len(set(titles)) == len(titles)


def test_days_without_anything_special() -> None:
    columns = factor_columns(known(TOY, Calendar(holidays=["04-01", "03-30"])))
    assert np.isnan(columns["after_pay_day"]).all()
    assert columns["holiday"].tolist() == [0, 0, 0, 0]


def test_data_without_regions_and_units() -> None:
    columns = factor_columns(known(payments(ROWS), CALENDAR))
    missing = {"unit_count_7", "unit_count_30", "provider_region_30", "provider_unit_30"}
    for name, values in columns.items():
        expected = [NAN] * 4 if name in missing else BY_HAND[name]
        np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6)


def test_of_few_clients_all_is_the_same_with_what_everybody_does() -> None:
    stream = by_operation(TOY)
    everybody = Population.of(stream, CUTOFF, 60)
    few = stream.of(stream.client != stream.clients.tolist().index("bob"))
    columns = factor_columns(Basis(Snapshot(few, CUTOFF, 60), everybody, CALENDAR))
    for name, values in BY_HAND.items():
        expected = [values[0], values[1], values[3]]
        np.testing.assert_allclose(columns[name], expected, rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize(("own", "everybodys"), [(payments(ROWS), TOY), (TOY, payments(ROWS))])
def test_regions_and_units_of_the_clients_or_of_everybody_are_missing(
    own: Payments, everybodys: Payments
) -> None:
    everybody = Population.of(by_operation(everybodys), CUTOFF, 60)
    taken = Snapshot(by_operation(own), CUTOFF, 60)
    columns = factor_columns(Basis(taken, everybody, CALENDAR))
    for name in ("unit_count_7", "unit_count_30", "provider_region_30", "provider_unit_30"):
        assert np.isnan(columns[name]).all()


def test_no_client_has_a_unit() -> None:
    columns = factor_columns(known(payments(ROWS, unit=[None] * len(ROWS)), CALENDAR))
    for name in ("unit_count_7", "provider_unit_30"):
        assert np.isnan(columns[name]).all()


def test_no_operation_at_all() -> None:
    nothing = known(payments([("ann", 1, None, 1.0)]), CALENDAR)
    for columns in (factor_columns(nothing), baseline_columns(nothing)):
        assert {values.shape for values in columns.values()} == {(0,)}
        assert {values.dtype for values in columns.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("cutoff_day", "month_days", "near"),
    [
        (15, [12, 13, 15, 17, 18], 3),
        (1, [1, 3, 4, 29, 30, 28], 4),  # the 29th is two days before the 1st of a month of 30
        (30, [28, 27, 1, 2, 3], 3),
    ],
)
def test_days_of_the_month_are_near_across_its_end(
    cutoff_day: int, month_days: list[int], near: int
) -> None:
    cutoff = next(day for day in range(CUTOFF, CUTOFF + 92) if date_of(day).day == cutoff_day)
    ages = []
    for month_day in month_days:
        day = next(day for day in range(CUTOFF - 30, CUTOFF + 5) if date_of(day).day == month_day)
        ages.append(CUTOFF - day)
    paid = payments(visits("ann", "gas", *ages))
    taken = Snapshot(by_operation(paid), cutoff, 150)
    size = len(month_days)
    assert Basis(
        taken, Population.of(by_operation(paid), cutoff, 150), CALENDAR
    ).on_month_day().tolist() == [(near + 1 / 6) / (size + 1)]


def test_hazard_of_a_longer_horizon() -> None:
    # a week from now on, 7 days after the last payment: the middle is day 10, the width 1.5 + 0.35
    gaps = Gaps(np.array([0, 0, 1]), np.array([10.0, 6.0, 14.0]), 3)
    everyones = np.bincount([10, 6, 14])
    elapsed = np.array([7.0, 7.0, 7.0])
    whole = (2 - 1 + 0.001) / (2 + 1)  # of 10 and 14, 10 ends before day 14
    expected = [
        ((normal(0, 1.85) + normal(4, 1.85)) * 7 + whole) / (1 + 1),
        (normal(4, 1.85) * 7 + whole) / (1 + 1),
        whole / (0 + 1),
    ]
    assert due(gaps, elapsed, 7, everyones).tolist() == pytest.approx(expected, rel=1e-12)


def test_hazard_at_the_end_of_the_window() -> None:
    # nobody's gap lasts four days or longer, two of them three
    none = Gaps(np.zeros(0, dtype=np.intp), np.zeros(0), 4)
    found = due(none, np.array([2.0, 3.0, 4.0, 9.0]), 1, np.array([0, 0, 0, 2]))
    expected = [0.001 / (2 + 1), (2 + 0.001) / (2 + 1), 0.001 / (0 + 1), 0.001 / (0 + 1)]
    assert found.tolist() == pytest.approx(expected)


def test_a_gap_as_long_as_the_time_elapsed_is_not_longer() -> None:
    gaps = Gaps(np.array([0, 0, 0, 0]), np.array([5.0, 6.0, 7.0, 8.0]), 2)
    np.testing.assert_array_equal(longer_gaps(gaps, np.array([6.0, 6.0])), [2 / 4, NAN])


STREAM = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cid", "dan"]),
        st.integers(1, 45),
        st.sampled_from(["air", "gas", "net", "tea", None]),
        st.sampled_from([1.0, 20.0, 300.0, NAN]),
        st.sampled_from(["a", "b", None]),
    ),
    min_size=1,
    max_size=25,
)
FUTURE = st.lists(
    st.tuples(
        st.sampled_from(["ann", "abe", "cid", "eve"]),
        st.integers(-20, 0),
        st.sampled_from(["air", "bus", "gas", "zoo", None]),
        st.sampled_from([1.0, 1e6, NAN]),
        st.sampled_from(["a", "aa", "c", None]),
    ),
    max_size=12,
)
Told = tuple[str, int, str | None, float, str | None]


def known_of(
    rows: list[Told], horizon: int
) -> tuple[list[tuple[str, str]], dict[str, NDArray[Any]]]:
    """Operations by name, and all that is computed of them."""
    labels = [row[4] for row in rows]
    paid = payments([row[:4] for row in rows], unit=labels, region=labels)
    mine = known(paid, CALENDAR, lookback_days=40, horizon=horizon)
    taken = mine.snapshot
    operations = list(
        zip(
            taken.paid.clients[taken.client].tolist(),
            [taken.paid.providers[provider] for provider in taken.provider],
            strict=True,
        )
    )
    return operations, factor_columns(mine) | baseline_columns(mine)


@settings(max_examples=60)
@given(past=STREAM, future=FUTURE, horizon=st.sampled_from([1, 7]), at=st.integers(0, 25))
def test_nothing_sees_the_cutoff_or_later(
    past: list[Told], future: list[Told], horizon: int, at: int
) -> None:
    operations, expected = known_of(past, horizon)
    mixed = [*past[:at], *future, *past[at:]]
    also, values = known_of(mixed, horizon)
    assert also == operations
    assert list(values) == list(expected)
    for name, column in expected.items():
        np.testing.assert_array_equal(values[name], column, err_msg=name)


@settings(max_examples=30)
@given(past=STREAM)
def test_nothing_sees_what_is_older_than_the_window(past: list[Told]) -> None:
    recent = [row for row in past if row[1] <= 40]
    if not recent:
        return
    operations, expected = known_of(recent, 1)
    also, values = known_of(past, 1)
    assert also == operations
    for name, column in expected.items():
        np.testing.assert_array_equal(values[name], column, err_msg=name)


def test_the_order_of_the_rows_moves_only_ties() -> None:
    rows: list[Row] = [row for row in ROWS if row[1] != 9]
    kept = [place for place, row in enumerate(ROWS) if row[1] != 9]
    units, regions = [UNITS[place] for place in kept], [REGIONS[place] for place in kept]
    forth: Payments = payments(rows, unit=units, region=regions)
    back = payments(rows[::-1], unit=units[::-1], region=regions[::-1])
    one, other = (factor_columns(known(paid, CALENDAR)) for paid in (forth, back))
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def test_records_are_frozen_and_rules_have_names_of_their_own() -> None:
    assert len({one.name for one in BASELINES}) == len(BASELINES)
    with pytest.raises(dataclasses.FrozenInstanceError):
        FACTORS[0].name = "other"  # type: ignore[misc]

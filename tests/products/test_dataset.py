import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.errors import InputError
from src.models.customers import Customers
from src.models.features import feature_blocks
from src.models.history import History
from src.products.dataset import Dataset
from src.products.windows import Windows
from tests.products.conftest import OpenBank

JANUARY, FEBRUARY, MARCH, APRIL, MAY, JUNE = np.arange("2016-01", "2016-07", dtype="datetime64[M]")
HISTORY = ("customers", "last", "present", "active", "held")


@pytest.fixture
def dataset(open_bank: OpenBank, bank: pd.DataFrame) -> Dataset:
    return open_bank(bank)


def months(*numbers: int) -> list[datetime.date]:
    return [datetime.date(2016, number, 28) for number in numbers]


def ids(customers: Customers) -> list[int]:
    return [int(customer) for customer in customers.history.customers]


def test_windows_are_those_of_split(dataset: Dataset) -> None:
    assert dataset.windows == Windows(months(1, 2), months(3, 4), months(5), lookback_months=2)
    assert dataset.products == ["account", "card", "loan"]
    assert set(dataset.history.last) == {MAY}


def test_customers_are_those_of_the_month_before(dataset: Dataset) -> None:
    asked = [JUNE, MAY, APRIL, MARCH, FEBRUARY]
    assert {month: ids(dataset.customers(month)) for month in asked} == {
        JUNE: [10, 20, 30, 50],  # known in May
        MAY: [10, 20, 30],
        APRIL: [10, 20, 40],
        MARCH: [10, 20, 30, 40],
        FEBRUARY: [10, 30, 40],
    }
    assert set(dataset.customers(APRIL).asked) == {APRIL}


def test_profile_is_that_of_the_month_before(dataset: Dataset) -> None:
    profile = dataset.customers(MARCH).profile.reset_index(drop=True)
    expected = pd.DataFrame(
        {
            "age": [12.0, 22.0, 32.0, 42.0],
            "income": [10_000.0, 20_000.0, 30_000.0, 40_000.0],
            "income_missing": [0.0, 0.0, 1.0, 0.0],
            "segment": pd.Categorical(["private", "private", "student", "student"]),
            "active": pd.Categorical(["1", "0", "1", "0"], categories=["1", "0"]),
        }
    )
    pd.testing.assert_frame_equal(profile, expected)


def test_history_ends_before_the_month_and_forgets_what_lies_far_back(dataset: Dataset) -> None:
    history = dataset.customers(MAY).history  # March and April
    assert history.present.tolist() == [0b11, 0b11, 0b01]
    assert history.held.tolist() == [[0b11, 0b10, 0], [0b11, 0, 0], [0b01, 0b01, 0]]
    assert history.active.tolist() == [0b01, 0b10, 0b01]


def test_some_customers(dataset: Dataset) -> None:
    wanted = np.array([False, True, False, True, True])  # 20, 40, 50
    chosen = dataset.customers(MAY, wanted)
    assert ids(chosen) == [20]
    assert chosen.profile["age"].tolist() == [24.0]
    assert ids(dataset.customers(APRIL, wanted)) == [20, 40]


def test_rows_are_positions_among_all(dataset: Dataset) -> None:
    assert dataset.rows(dataset.customers(JUNE)).tolist() == [0, 1, 2, 4]
    assert dataset.rows(dataset.customers(APRIL)).tolist() == [0, 1, 3]


def test_additions_of_every_month(dataset: Dataset) -> None:
    card, loan, nothing = [False, True, False], [False, False, True], [False] * 3
    every = [JANUARY, FEBRUARY, MARCH, APRIL, MAY]
    assert {month: dataset.additions(month).tolist() for month in every} == {
        MAY: [card, card, loan, nothing, nothing],  # 50 comes with his products
        APRIL: [nothing, nothing, nothing, nothing, nothing],  # 30 comes back with a card
        MARCH: [nothing, nothing, nothing, loan, nothing],
        FEBRUARY: [card, nothing, nothing, nothing, nothing],
        JANUARY: [nothing] * 5,  # nothing is known before the first month
    }


def test_base_history_is_that_of_the_base_window(dataset: Dataset) -> None:
    expected = [
        [2 / 2, 1 / 2, 0 / 2],  # 10
        [1 / 1, 0 / 1, 0 / 1],  # 20, since February
        [2 / 2, 0 / 2, 0 / 2],  # 30
        [2 / 2, 2 / 2, 0 / 2],  # 40; his loan came in March. 50 is not known yet
    ]
    assert dataset.base_history().usage_share() == pytest.approx(np.array(expected))


def test_rolled_moves_every_window_one_month_on(dataset: Dataset) -> None:
    rolled = dataset.rolled()
    assert rolled.windows == Windows(months(1, 2, 3), months(4, 5), [], lookback_months=2)
    serving = rolled.customers(rolled.windows.next)
    assert ids(serving) == [10, 20, 30, 50]
    assert serving.profile["age"].tolist() == [15.0, 25.0, 35.0, 55.0]
    assert serving.history.present.tolist() == [0b11, 0b11, 0b11, 0b01]
    # 40 in February and March
    assert rolled.base_history().usage_share()[3] == pytest.approx([2 / 2, 1 / 2, 1 / 2])


def test_before_test_forgets_the_test_month(
    open_bank: OpenBank, bank: pd.DataFrame, dataset: Dataset
) -> None:
    earlier = dataset.before_test()
    assert earlier.windows == Windows(months(1, 2), months(3), months(4), lookback_months=2)
    assert set(earlier.history.last) == {APRIL}
    assert ids(earlier.customers(APRIL)) == [10, 20, 40]  # known in March
    assert not earlier.additions(APRIL).any()
    assert np.argwhere(earlier.additions(MARCH)).tolist() == [[3, 2]]  # 40 takes a loan
    with pytest.raises(ValueError, match="before 2016-06 cannot be derived from 2016-04"):
        earlier.additions(MAY)
    with pytest.raises(InputError, match="the blend window has one month, so none is left"):
        earlier.before_test()

    may = bank["month"] == datetime.date(2016, 5, 28)
    bank.loc[may, ["card", "loan"]] = ~bank.loc[may, ["card", "loan"]]
    changed = open_bank(bank).before_test()
    np.testing.assert_array_equal(changed.history.held, earlier.history.held)
    np.testing.assert_array_equal(changed.history.present, earlier.history.present)


def test_before_forgets_the_month_and_all_later_ones(
    open_bank: OpenBank, bank: pd.DataFrame, dataset: Dataset
) -> None:
    past = dataset.before(months(4)[0])
    assert past.windows == Windows(months(1), months(2, 3), [], lookback_months=2)
    assert set(past.history.last) == {MARCH}
    assert ids(past.customers(APRIL)) == [10, 20, 40]  # known in March
    with pytest.raises(ValueError, match="before 2016-05 cannot be derived from 2016-03"):
        past.additions(APRIL)

    became = open_bank(changed_since(bank, months(4)[0], 5)).before(months(4)[0])
    rows = became.rows(past.customers(APRIL))
    for field in ("present", "active", "held"):
        np.testing.assert_array_equal(
            getattr(became.history, field)[rows],
            getattr(past.history, field)[past.rows(past.customers(APRIL))],
        )


IN_JANUARY = [
    (11.0, [True, False, False]),
    (31.0, [True, False, False]),
    (41.0, [True, True, False]),
]
IN_FEBRUARY = [
    (12.0, [True, True, False]),
    (22.0, [True, False, False]),
    (32.0, [True, False, False]),
    (42.0, [True, True, False]),
]


def drawn(dataset: Dataset, rows: int, seed: int) -> list[tuple[float, list[bool]]]:
    customers, holdings = dataset.sample(rows, seed)
    assert len(customers) == len(holdings)
    np.testing.assert_array_equal(customers.history.holdings(), holdings)
    assert [10.0 * (age // 10) for age in customers.profile["age"]] == ids(customers)
    return list(zip(customers.profile["age"].tolist(), holdings.tolist(), strict=True))


@pytest.mark.parametrize("rows", [7, 100])
def test_a_sample_of_everything_is_the_base_window_in_order(dataset: Dataset, rows: int) -> None:
    assert drawn(dataset, rows, 1) == IN_JANUARY + IN_FEBRUARY


def test_a_sample_is_seeded_and_without_replacement(dataset: Dataset) -> None:
    samples = {seed: drawn(dataset, 3, seed) for seed in range(20)}
    everything = IN_JANUARY + IN_FEBRUARY
    for sample in samples.values():
        positions = [everything.index(row) for row in sample]
        assert len(positions) == 3
        assert positions == sorted(set(positions))
    assert drawn(dataset, 3, 4) == samples[4]
    assert {age for sample in samples.values() for age, _ in sample} == {
        age for age, _ in everything
    }


def test_a_sample_in_parts_is_of_ranges_of_customers(dataset: Dataset) -> None:
    rows, parts = dataset.samples(100, 1, 4)
    assert rows == 7
    found = [
        list(zip(customers.profile["age"].tolist(), holdings.tolist(), strict=True))
        for customers, holdings in parts
    ]
    # half of 7 customer-months are those of 10 and 20, the other half those of 30 and 40
    assert found == [
        [IN_JANUARY[0], *IN_FEBRUARY[:2]],
        [*IN_JANUARY[1:], *IN_FEBRUARY[2:]],
    ]


def test_every_part_of_a_sample_has_its_share(dataset: Dataset) -> None:
    everything = IN_JANUARY + IN_FEBRUARY
    for seed in range(20):
        rows, parts = dataset.samples(5, seed, 3)
        sizes, ages = [], []
        for customers, _ in parts:
            sizes.append(len(customers))
            ages += customers.profile["age"].tolist()
        assert rows == sum(sizes) == 5
        assert sizes == [5 * 3 // 7, 5 - 5 * 3 // 7]
        assert len(set(ages)) == 5
        assert set(ages) <= {age for age, _ in everything}


def test_a_sample_of_one_part_is_the_sample(dataset: Dataset) -> None:
    for seed in range(5):
        rows, parts = dataset.samples(3, seed, 3)
        ((customers, _),) = parts
        assert rows == 3
        assert customers.profile["age"].tolist() == [age for age, _ in drawn(dataset, 3, seed)]


def test_ids_may_be_texts(open_bank: OpenBank, bank: pd.DataFrame) -> None:
    named = open_bank(bank.assign(customer="c" + bank["customer"].astype(str)))
    customers = named.customers(MAY)
    assert customers.history.customers.tolist() == ["c10", "c20", "c30"]
    assert customers.profile["age"].tolist() == [14.0, 24.0, 34.0]
    assert named.rows(customers).tolist() == [0, 1, 2]


def changed_since(bank: pd.DataFrame, month: datetime.date, seed: int) -> pd.DataFrame:
    """Other holdings and profiles from `month` on; customers go, come and come back."""
    generator = np.random.default_rng(seed)
    past, future = bank[bank["month"] < month], bank[bank["month"] >= month].copy()
    for product in ("account", "card", "loan"):
        future[product] ^= generator.random(len(future)) < 0.5
    future["age"] += generator.integers(1, 9, len(future))
    future["income"] *= 2.0
    future["segment"] = generator.choice(["private", "student", "vip"], len(future))
    future["active"] = generator.choice(["0", "1"], len(future))
    stay = future[generator.random(len(future)) < 0.7]
    # 5 stands before all others, 35 between, 60 after: nobody may slip into another's row
    ids = generator.choice([5, 35, 60], len(future))
    come = future.assign(customer=ids).drop_duplicates(["customer", "month"])
    return pd.concat([past, stay, come])


@pytest.fixture
def described(dataset: Dataset) -> dict[np.datetime64, Customers]:
    """Everybody as known before each month."""
    return {month: dataset.customers(month) for month in (FEBRUARY, MARCH, APRIL, MAY)}


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(month=st.sampled_from([FEBRUARY, MARCH, APRIL, MAY]), seed=st.integers(0, 2**32))
def test_nobody_is_described_by_the_month_to_predict_or_a_later_one(
    month: np.datetime64,
    seed: int,
    dataset: Dataset,
    described: dict[np.datetime64, Customers],
    open_bank: OpenBank,
    bank: pd.DataFrame,
) -> None:
    first_of_month = month.astype("datetime64[D]").astype(object)
    became = open_bank(changed_since(bank, first_of_month, seed))
    before, after = described[month], became.customers(month)
    pd.testing.assert_frame_equal(
        after.profile.reset_index(drop=True), before.profile.reset_index(drop=True)
    )
    for field in HISTORY:
        np.testing.assert_array_equal(getattr(after.history, field), getattr(before.history, field))
    np.testing.assert_equal(
        feature_blocks(after.history, [1, 2]), feature_blocks(before.history, [1, 2])
    )
    for earlier in np.arange(JANUARY, month):  # nor do earlier targets move
        additions = dataset.additions(earlier)[dataset.rows(before)]
        np.testing.assert_array_equal(became.additions(earlier)[became.rows(after)], additions)


def test_only_additions_move_with_their_month(open_bank: OpenBank, bank: pd.DataFrame) -> None:
    assert open_bank(bank).additions(MAY)[0].tolist() == [False, True, False]
    in_may = (bank["month"] == months(5)[0]) & (bank["customer"] == 10)
    bank.loc[in_may, ["card", "loan"]] = [False, True]
    assert open_bank(bank).additions(MAY)[0].tolist() == [False, False, True]


def test_nothing_of_base_is_learnt_from_later_months(
    open_bank: OpenBank, bank: pd.DataFrame
) -> None:
    dataset = open_bank(bank)
    history, (customers, holdings) = dataset.base_history(), dataset.sample(100, 7)
    became = open_bank(changed_since(bank, months(3)[0], 5))
    for field in HISTORY:
        np.testing.assert_array_equal(
            getattr(became.base_history(), field), getattr(history, field)
        )
    others, held = became.sample(100, 7)
    np.testing.assert_array_equal(held, holdings)
    pd.testing.assert_frame_equal(others.profile, customers.profile)


def test_profiles_of_several_months_stand_beside_their_histories(dataset: Dataset) -> None:
    march, february = dataset.history.before(APRIL), dataset.history.before(MARCH)
    parts = [march.of(np.array([3])), february.of(np.array([2, 0]))]
    described = dataset.described(History.stack(parts))
    # 40 in March, 30 and 10 in February
    assert described.profile["age"].tolist() == [43.0, 32.0, 12.0]
    assert ids(described) == [40, 30, 10]
    assert described.profile["segment"].tolist() == ["student", "student", "private"]

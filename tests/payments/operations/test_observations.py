import datetime
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pandas.testing import assert_frame_equal
from pydantic import ValidationError

from src.errors import InputError
from src.payments.calendar import Calendar
from src.payments.operations.baselines import BASELINES
from src.payments.operations.factors import FACTORS
from src.payments.operations.observations import Observe, cutoffs, observe, repeated
from src.payments.windows import Windows
from tests.payments.operations.stream import CUTOFF, Row, payments, snapshot, toy, visits

CALENDAR = Calendar()


def settings(**changes: object) -> Observe:
    usual = {
        "lookback_days": 10,
        "horizon_days": 1,
        "train_days": 15,
        "train_step": 5,
        "test_step": 2,
        "negatives": 1,
        "clients": 1000,
        "seed": 1,
    }
    return Observe.model_validate({**usual, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"horizon_days": 3},  # the last cut-offs may be 27, 37 and 47
            {"train": [15, 20, 25], "valid": [30, 32, 34, 36], "test": [40, 42, 44, 46]},
        ),
        (
            {"horizon_days": 1, "train_step": 7},
            {"train": [15, 22, 29], "valid": [30, 32, 34, 36, 38], "test": [40, 42, 44, 46, 48]},
        ),
        (
            {"lookback_days": 27, "horizon_days": 3},  # whole look-backs begin on day 27
            {"train": [27], "valid": [30, 32, 34, 36], "test": [40, 42, 44, 46]},
        ),
        (
            {"train_days": 1, "horizon_days": 1, "test_step": 10},
            {"train": [29], "valid": [30], "test": [40]},
        ),
    ],
)
def test_cutoffs_leave_room_for_the_horizon(
    changes: dict[str, object], expected: dict[str, list[int]]
) -> None:
    assert cutoffs(Windows(0, 30, 40, 50), settings(**changes)) == expected


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"lookback_days": 30},
            "no cut-off for train: it would have to be on 1970-01-31 or later (payments begin on "
            "1970-01-01, observe.lookback_days is 30) and on 1970-01-30 or earlier "
            "(observe.horizon_days is 1, train ends before 1970-01-31); shorten them, or change "
            "split, in pipelines/payments/params.yaml, or add earlier payments",
        ),
        (
            {"lookback_days": 33},
            "no cut-off for train: it would have to be on 1970-02-03 or later (payments begin on "
            "1970-01-01, observe.lookback_days is 33) and on 1970-01-30 or earlier",
        ),
        (
            {"horizon_days": 11},
            "no cut-off for valid: it would have to be on 1970-01-31 or later (payments begin on "
            "1970-01-01, observe.lookback_days is 10) and on 1970-01-30 or earlier "
            "(observe.horizon_days is 11, valid ends before 1970-02-10)",
        ),
    ],
)
def test_parts_without_a_cutoff(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=re.escape(sentence)):
        cutoffs(Windows(0, 30, 40, 50), settings(**changes))


def test_repeated_within_the_horizon() -> None:
    # ann pays gas at once; bob pays another provider the day after, cid gas two days after
    paid = toy().window  # without what comes later: nothing is repeated
    assert repeated(paid, toy()).tolist() == [False] * 4
    rows: list[Row] = [
        *visits("ann", "gas", 5, 0),
        *visits("ann", "tea", 5, -3),
        *visits("bob", "gas", 5),
        *visits("bob", "tea", -1),
        *visits("cid", "gas", 5, -2),
        ("bob", 0, None, 1.0),
        *visits("dan", "gas", 0),  # no operation yet
    ]
    stream = payments(rows)
    for horizon, expected in (
        (1, [True, False, False, False]),
        (2, [True, False, False, False]),
        (3, [True, False, False, True]),
        (4, [True, True, False, True]),
    ):
        assert repeated(stream, snapshot(stream, horizon=horizon)).tolist() == expected


# Days before CUTOFF. Windows: first 40, validation 12, test 6, end 0 days before.
WINDOWS = Windows(CUTOFF - 40, CUTOFF - 12, CUTOFF - 6, CUTOFF)
STREAM: list[Row] = [
    *visits("ann", "gas", 38, 35, 28, 21, 14, 12, 10, 7, 5, 4),
    *visits("bob", "tea", 25, 19, 18, 17, 11, 9, 6),
    *visits("bob", "gas", 50),  # before the first day
]
STEPS = {"train_days": 8, "train_step": 4, "test_step": 3, "lookback_days": 7}


def told(table: pa.Table) -> list[tuple[Any, ...]]:
    """Part, days before CUTOFF, client, provider and whether it was repeated."""
    keys = table.select(["part", "cutoff", "client", "provider", "repeated"]).to_pylist()
    end = datetime.date(2025, 3, 31)
    return [
        (row["part"], (end - row["cutoff"]).days, row["client"], row["provider"], row["repeated"])
        for row in keys
    ]


def observed(stream: list[Row], **changes: object) -> pa.Table:
    return observe(payments(stream), WINDOWS, settings(**{**STEPS, **changes}), CALENDAR)


def test_every_operation_at_every_cutoff() -> None:
    table = observed(STREAM, horizon_days=2)
    # windows of 7 days: 27–21, 23–17, 19–13, 16–10, 13–7 and 10–4 days before
    assert told(table) == [
        ("train", 20, "ann", "gas", False),
        ("train", 20, "bob", "tea", True),
        ("train", 16, "ann", "gas", False),
        ("train", 16, "bob", "tea", False),
        ("valid", 12, "ann", "gas", True),
        ("valid", 12, "bob", "tea", True),
        ("valid", 9, "ann", "gas", False),
        ("valid", 9, "bob", "tea", True),
        ("test", 6, "ann", "gas", True),
        ("test", 6, "bob", "tea", True),
        ("test", 3, "ann", "gas", False),
        ("test", 3, "bob", "tea", False),
    ]


def test_columns_of_observations() -> None:
    table = observed(STREAM, horizon_days=2)
    rules = [f"rule_{one.name}" for one in BASELINES]
    assert table.column_names == [
        *("part", "cutoff", "client", "provider", "repeated"),
        *(factor.name for factor in FACTORS),
        *rules,
    ]
    assert table.schema.field("cutoff").type == pa.date32()
    assert {table.schema.field(name).type for name in table.column_names[5:]} == {pa.float32()}
    assert table["rule_frequency"].to_pylist() == [None] * 8 + [3, 2, 4, 2]
    assert table["count"].to_pylist() == [1, 1, 1, 3, 1, 3, 3, 1, 3, 2, 4, 2]
    assert {table[name].null_count for name in rules} == {8}
    assert table["elapsed"].to_pylist() == [1, 5, 5, 1, 2, 5, 1, 2, 1, 3, 1, 3]


def test_some_parts_only() -> None:
    whole = observed(STREAM, horizon_days=2)
    some = observe(
        payments(STREAM), WINDOWS, settings(**STEPS, horizon_days=2), CALENDAR, ("valid",)
    )
    assert told(some) == told(whole.filter(pc.field("part") == "valid"))
    assert "rule_frequency" not in some.column_names


def test_a_part_without_a_repetition() -> None:
    with pytest.raises(
        InputError,
        match=r"no operation of valid is repeated within observe.horizon_days 1: lengthen it in "
        r"pipelines/payments/params.yaml, or split",
    ):
        observed([*visits("ann", "gas", 21, 20, 6), *visits("bob", "gas", 14, 7)])


CROWD = [
    row
    for client in range(40)
    for row in visits(f"c{client:02}", "gas", *range(1 + client % 3, 41, 3))
]


def test_of_the_rest_a_share_is_learnt_from_and_all_are_tested() -> None:
    whole, some = observed(CROWD), observed(CROWD, negatives=0.3)
    for part in ("valid", "test"):
        rows = pc.field("part") == part
        assert_frame_equal(some.filter(rows).to_pandas(), whole.filter(rows).to_pandas())
    learnt, all_learnt = (set(told(table)[: table.num_rows]) for table in (some, whole))
    assert learnt < all_learnt
    train = [row for row in all_learnt if row[0] == "train"]
    others = {row for row in train if not row[-1]}
    assert {row for row in train if row[-1]} <= learnt
    # 0.3 of 53 others are 16; the standard deviation is 3.3
    assert len(others) == 53
    assert 6 <= len(others & learnt) <= 26


def test_the_draw_is_the_seed_s() -> None:
    one, again, other = (observed(CROWD, negatives=0.3, seed=seed) for seed in (1, 1, 2))
    assert_frame_equal(one.to_pandas(), again.to_pandas())
    assert told(one) != told(other)


def test_few_clients_are_observed_with_factors_that_know_all() -> None:
    whole, some = observed(CROWD), observed(CROWD, clients=10)
    clients = pc.unique(some["client"]).to_pylist()
    assert len(clients) == 10
    same = whole.filter(pc.is_in(whole["client"], pa.array(clients)))
    # but for the rule's neighbours: they are sought among the observed
    assert_frame_equal(
        some.drop_columns("rule_tifu_knn").to_pandas(),
        same.drop_columns("rule_tifu_knn").to_pandas(),
    )
    # forty clients pay gas, thirty of whom nobody observes
    assert pc.max(some["provider_clients"]).as_py() == 40


def test_later_payments_change_no_factor_of_an_observation() -> None:
    whole = observed(STREAM, horizon_days=2)
    later = [row for row in STREAM if row[1] >= 6]  # the second cut-off of the test saw the others
    changed = observed([*later, *visits("cid", "gas", 5)], horizon_days=2)
    before = pc.field("cutoff") <= datetime.date(2025, 3, 31) - datetime.timedelta(days=6)
    one, other = whole.filter(before), changed.filter(before)
    names = [factor.name for factor in FACTORS] + [f"rule_{one.name}" for one in BASELINES]
    for name in names:
        np.testing.assert_array_equal(one[name].to_numpy(), other[name].to_numpy(), err_msg=name)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lookback_days", 6),
        ("horizon_days", 0),
        ("negatives", 0),
        ("negatives", 1.1),
        ("clients", 9),
        ("train_step", 0),
    ],
)
def test_ranges(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        settings(**{name: value})

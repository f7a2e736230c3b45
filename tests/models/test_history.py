from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.models.history import MAX_MONTHS, History, history_features


def months(text: str) -> int:
    """Bits of months told oldest first, as one reads: the last character is bit 0."""
    return int(text, 2)


def history(present: str, active: str, *held: str) -> History:
    """One customer."""
    return History(
        customers=np.array([1]),
        present=np.array([months(present)]),
        active=np.array([months(active)]),
        held=np.array([[months(product) for product in held]]),
    )


def described(one: History, products: list[str], lags: list[int]) -> dict[str, float]:
    return {name: value.item() for name, value in history_features(one, products, lags).items()}


NAN = float("nan")
SIX = history("111111", "110100", "011011", "110001")  # card and loan in six months


def assert_same(one: History, other: History) -> None:
    for field in ("customers", "present", "active", "held"):
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


def test_every_feature_of_six_months_by_hand() -> None:
    # lag:        6 5 4 3 2 1
    # card        0 1 1 0 1 1    added at lags 5 and 2, dropped at 3, kept at 4 and 1
    # loan        1 1 0 0 0 1    added at lag 1, dropped at 4, kept at 5, without at 3 and 2
    # active      1 1 0 1 0 0
    expected = {
        "held_lag1:card": 1,
        "held_lag1:loan": 1,
        "portfolio_lag1": 2,
        "active_lag1": 0,
        "held_lag2:card": 1,
        "held_lag2:loan": 0,
        "portfolio_lag2": 1,
        "active_lag2": 0,
        "held_lag3:card": 0,
        "held_lag3:loan": 0,
        "portfolio_lag3": 0,
        "active_lag3": 1,
        "held_lag6:card": 0,
        "held_lag6:loan": 1,
        "portfolio_lag6": 1,
        "active_lag6": 1,
        "held_lag7:card": NAN,
        "held_lag7:loan": NAN,
        "portfolio_lag7": NAN,
        "active_lag7": NAN,
        "months_since_added:card": 2,
        "months_since_added:loan": 1,
        "months_since_dropped:card": 3,
        "months_since_dropped:loan": 4,
        "times_added:card": 2,
        "times_added:loan": 1,
        "times_dropped:card": 1,
        "times_dropped:loan": 1,
        "months_kept:card": 2,
        "months_kept:loan": 1,
        "months_without:card": 0,
        "months_without:loan": 2,
        "months_since_any_added": 1,
        "months_since_any_dropped": 3,
        "additions_so_far": 2 + 1,
        "drops_so_far": 1 + 1,
        "months_in_data": 6,
        "active_share": 3 / 6,
    }
    actual = described(SIX, ["card", "loan"], [1, 2, 3, 6, 7])
    assert list(actual) == list(expected)
    assert actual == pytest.approx(expected, nan_ok=True)


def test_no_transition_is_seen_across_a_gap() -> None:
    # lag:        6 5 4 3 2 1
    # present     1 . 1 1 . 1    only lag 3 has a known predecessor
    # card        1 . 1 0 . 1    dropped at 3; the card of lag 1 may be older than the month
    expected = {
        "held_lag1:card": 1,
        "portfolio_lag1": 1,
        "active_lag1": 0,
        "held_lag2:card": NAN,
        "portfolio_lag2": NAN,
        "active_lag2": NAN,
        "held_lag3:card": 0,
        "portfolio_lag3": 0,
        "active_lag3": 1,
        "months_since_added:card": NAN,
        "months_since_dropped:card": 3,
        "times_added:card": 0,
        "times_dropped:card": 1,
        "months_kept:card": 0,
        "months_without:card": 0,
        "months_since_any_added": NAN,
        "months_since_any_dropped": 3,
        "additions_so_far": 0,
        "drops_so_far": 1,
        "months_in_data": 4,
        "active_share": 1 / 4,
    }
    actual = described(history("101101", "000100", "101001"), ["card"], [1, 2, 3])
    assert actual == pytest.approx(expected, nan_ok=True)


def test_features_are_float32_columns() -> None:
    features = history_features(SIX, ["card", "loan"], [1])
    assert {(value.dtype.name, value.shape) for value in features.values()} == {("float32", (1,))}


@pytest.mark.parametrize(
    ("present", "held", "share"),
    [
        ("111111", "011011", 2 / 6),
        ("1111111", "1101110", 3 / 7),
        ("1111", "1111", 4 / 4),
        ("1111", "0000", 0 / 4),
        ("0000", "0000", 0.0),  # not in the data at all
        ("101101", "101001", 1 / 4),  # a gap breaks the run and is no month in the data
        ("1" * MAX_MONTHS, "1" * MAX_MONTHS, 1.0),
    ],
)
def test_usage_share_is_the_longest_run(present: str, held: str, share: float) -> None:
    shares = history(present, "0", held, "0").usage_share()
    assert shares.dtype == np.float32
    assert shares == pytest.approx(np.array([[share, 0.0]]))


@pytest.mark.parametrize(
    ("present", "held", "added"),
    [
        ("11", "01", True),
        ("11", "11", False),
        ("11", "10", False),
        ("11", "00", False),
        ("01", "01", False),  # a new customer brings his products, he does not add them
        ("101", "001", False),  # nor does one who comes back
        ("111", "101", True),
    ],
)
def test_additions_need_presence_in_both_months(present: str, held: str, added: bool) -> None:
    assert history(present, "0", held).additions().tolist() == [[added]]


def test_before_forgets_the_month_and_all_later_ones() -> None:
    assert_same(SIX.before(0), SIX)
    assert_same(SIX.before(2), history("1111", "1101", "0110", "1100"))
    assert_same(SIX.before(6), history("0", "0", "0", "0"))


def test_recent_forgets_what_lies_further_back() -> None:
    assert_same(SIX.recent(2), history("11", "00", "11", "01"))
    assert_same(SIX.recent(6), SIX)
    assert_same(SIX.recent(MAX_MONTHS + 10), SIX)


def test_holdings_and_known_at_a_lag() -> None:
    one = history("101101", "0", "101001", "000100")
    assert [one.known(lag).item() for lag in (1, 2, 3, 7)] == [True, False, True, False]
    assert one.known().tolist() == one.known(1).tolist()
    assert one.holdings().tolist() == [[True, False]]
    assert one.holdings(3).tolist() == [[False, True]]
    assert one.holdings(6).tolist() == [[True, False]]


def test_of_selects_and_stack_joins() -> None:
    three = History(
        np.array([1, 5, 9]),
        np.array([7, 6, 5]),
        np.array([1, 2, 4]),
        np.array([[1, 2], [3, 4], [5, 6]]),
    )
    last_two = History(np.array([5, 9]), np.array([6, 5]), np.array([2, 4]), three.held[1:])
    assert_same(three.of(np.array([False, True, True])), last_two)
    assert_same(three.of(np.array([1, 2])), last_two)
    assert_same(three.of(slice(1, None)), last_two)
    assert_same(History.stack([three.of(slice(0, 1)), last_two]), three)


@pytest.mark.parametrize("active", [[4, 0], None])
def test_read_is_what_split_wrote(active: list[int] | None, tmp_path: Path) -> None:
    columns = {"customer": [3, 8], "present": [7, 3], "loan": [1, 0], "card": [6, 2]}
    if active:
        columns["was_active"] = active
    pq.write_table(pa.table(columns), tmp_path / "history.parquet")
    assert_same(
        History.read(tmp_path / "history.parquet", ["card", "loan"]),
        History(
            np.array([3, 8]),
            np.array([7, 3]),
            np.array(active or [0, 0]),
            np.array([[6, 1], [2, 0]]),
        ),
    )


MONTHS = 8
ANY = st.integers(0, 2**MONTHS - 1)


@given(st.data(), st.integers(1, MONTHS))
def test_no_feature_sees_its_month_or_a_later_one(data: st.DataObject, months_ago: int) -> None:
    known = [[data.draw(ANY) for _ in range(4)] for _ in range(2)]  # present, active, two products
    rows = np.array(known)
    future = np.array(
        [[data.draw(st.integers(0, 2**months_ago - 1)) for _ in range(4)] for _ in range(2)]
    )
    month = 1 << (months_ago - 1)
    future[0, data.draw(st.integers(0, 3))] |= month  # at least one bit of the month itself

    def all_of(bits: np.typing.NDArray[np.int64]) -> History:
        return History(np.array([1, 2]), bits[:, 0], bits[:, 1], bits[:, 2:])

    was, became = all_of(rows), all_of(rows ^ future)
    assert_same(became.before(months_ago), was.before(months_ago))
    lags = [1, 2, 3, 5]
    np.testing.assert_equal(
        history_features(became.before(months_ago), ["card", "loan"], lags),
        history_features(was.before(months_ago), ["card", "loan"], lags),
    )
    np.testing.assert_array_equal(
        became.before(months_ago).usage_share(), was.before(months_ago).usage_share()
    )


def test_the_month_before_is_seen() -> None:
    # the counterpart: were features blind to everything, the property above would hold as well
    for bit in range(2, 6):
        other = History(SIX.customers, SIX.present, SIX.active, SIX.held ^ (1 << bit))
        assert described(other.before(2), ["card", "loan"], [1]) != pytest.approx(
            described(SIX.before(2), ["card", "loan"], [1]), nan_ok=True
        )

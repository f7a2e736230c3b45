from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.engine import connect
from src.models.features import feature_blocks
from src.models.history import MAX_MONTHS, History, added, bit, dropped, with_predecessor
from tests.histories import MAY, histories


def months(text: str) -> int:
    """Bits of months told oldest first, as one reads: the last character is bit 0."""
    return int(text.replace(".", "0"), 2)


def history(present: str, active: str, *held: str, last: np.datetime64 = MAY) -> History:
    """One customer."""
    rows = [[months(product) for product in held]]
    return histories([months(present)], rows, [months(active)], [1], last)


def month(text: str) -> np.datetime64:
    return np.datetime64(text, "M")


SIX = history("111111", "110100", "011011", "110001")  # card and loan, December to May
FIELDS = ("customers", "last", "present", "active", "held")


def assert_same(one: History, other: History) -> None:
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


# additions and drops


@pytest.mark.parametrize(
    ("present", "held", "additions", "drops"),
    [
        ("111111", "011011", "010010", "000100"),
        ("111111", "110001", "000001", "001000"),
        ("111111", "111111", "000000", "000000"),
        ("000011", "000011", "000000", "000000"),  # a new customer brings his products
        ("110011", "110000", "000000", "000000"),  # away for two months: nothing is known of it
        ("110011", "000011", "000000", "000000"),
        ("101111", "100101", "000101", "000010"),  # lost in the gap month; the other two are told
        ("000000", "000000", "000000", "000000"),
    ],
)
def test_events_need_presence_in_two_calendar_months(
    present: str, held: str, additions: str, drops: str
) -> None:
    pairs = with_predecessor(months(present))
    assert added(months(held), pairs) == months(additions)
    assert dropped(months(held), pairs) == months(drops)


@pytest.mark.parametrize(
    ("present", "held", "adds"),
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
def test_additions_are_those_of_the_last_known_month(present: str, held: str, adds: bool) -> None:
    assert history(present, "0", held).additions().tolist() == [[adds]]


def test_a_month_without_any_snapshot_parts_its_neighbours() -> None:
    # no snapshot of March for anybody: April is not the month after February
    assert history("11011", "0", "00011").before(month("2016-05")).additions().tolist() == [[False]]
    assert history("11011", "0", "00001").additions().tolist() == [[True]]


Bits = st.integers(0, 2**MAX_MONTHS - 1)


@pytest.mark.usefixtures("workspace")
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(Bits, Bits), min_size=1, max_size=30))
def test_columns_of_the_engine_tell_what_arrays_tell(rows: list[tuple[int, int]]) -> None:
    present, held = np.array(rows, dtype=np.int64).T
    pairs = with_predecessor(present)
    table = ibis.memtable(
        pa.table({"place": np.arange(len(rows)), "present": present, "held": held})
    )
    both = with_predecessor(table.present)
    columns = table.select(
        "place",
        pairs=both,
        added=added(table.held, both),
        dropped=dropped(table.held, both),
        third=bit(table.held, 3),
    )
    found = connect().collect(columns.order_by("place"))
    expected = {
        "place": np.arange(len(rows)),
        "pairs": pairs,
        "added": added(held, pairs),
        "dropped": dropped(held, pairs),
        "third": bit(held, 3),
    }
    assert found.to_pydict() == {name: values.tolist() for name, values in expected.items()}


# the months of a history


def test_before_forgets_the_month_and_all_later_ones() -> None:
    assert_same(SIX.before(month("2016-06")), SIX)
    assert_same(
        SIX.before(month("2016-04")),
        history("1111", "1101", "0110", "1100", last=month("2016-03")),
    )
    assert_same(SIX.before(month("2015-12")), history("0", "0", "0", "0", last=month("2015-11")))


def test_before_cannot_tell_what_comes_after_the_next_month() -> None:
    with pytest.raises(ValueError, match="before 2016-07 cannot be derived from 2016-05"):
        SIX.before(month("2016-07"))


def test_before_needs_one_last_month() -> None:
    other = SIX.before(month("2016-05"))
    with pytest.raises(ValueError, match="before 2016-03 cannot be derived from 2016-05"):
        History.stack([SIX, other]).before(month("2016-03"))


def test_nobody_is_known_before_any_month() -> None:
    assert SIX.of(slice(0)).before(month("2030-01")).customers.tolist() == []


def test_the_month_asked_about_is_the_one_after_the_last() -> None:
    both = History.stack([SIX, SIX.before(month("2016-01"))])
    assert both.asked.tolist() == [month("2016-06").item(), month("2016-01").item()]


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


# rows


def test_of_selects_and_stack_joins() -> None:
    three = History(
        np.array([1, 5, 9]),
        np.array(["2016-05", "2016-04", "2016-03"], dtype="datetime64[M]"),
        np.array([7, 6, 5]),
        np.array([1, 2, 4]),
        np.array([[1, 2], [3, 4], [5, 6]]),
    )
    last_two = History(
        np.array([5, 9]),
        np.array(["2016-04", "2016-03"], dtype="datetime64[M]"),
        np.array([6, 5]),
        np.array([2, 4]),
        np.array([[3, 4], [5, 6]]),
    )
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
        History.read(tmp_path / "history.parquet", ["card", "loan"], month("2016-02")),
        histories([7, 3], [[6, 1], [2, 0]], active or 0, [3, 8], month("2016-02")),
    )


# nothing is seen of the month to predict


MONTHS = 8
ANY = st.integers(0, 2**MONTHS - 1)


@given(st.data(), st.integers(1, MONTHS))
def test_no_feature_sees_its_month_or_a_later_one(data: st.DataObject, months_ago: int) -> None:
    known = [[data.draw(ANY) for _ in range(4)] for _ in range(2)]  # present, active, two products
    rows = np.array(known)
    future = np.array(
        [[data.draw(st.integers(0, 2**months_ago - 1)) for _ in range(4)] for _ in range(2)]
    )
    # at least one bit of the month itself
    future[0, data.draw(st.integers(0, 3))] |= 1 << (months_ago - 1)

    def all_of(bits: np.typing.NDArray[np.int64]) -> History:
        return histories(bits[:, 0], bits[:, 2:], bits[:, 1])

    asked = MAY + 1 - months_ago
    was, became = all_of(rows).before(asked), all_of(rows ^ future).before(asked)
    assert_same(became, was)
    lags = [1, 2, 3, 5]
    np.testing.assert_equal(feature_blocks(became, lags), feature_blocks(was, lags))
    np.testing.assert_array_equal(became.usage_share(), was.usage_share())


@pytest.mark.parametrize("lag", [1, 2, 3, 4])
def test_the_months_before_are_seen(lag: int) -> None:
    # the counterpart: were features blind to everything, the property above would hold as well
    asked = month("2016-05")
    was = SIX.before(asked)
    became = histories([0b111111], SIX.held ^ (1 << lag), [0b110100], [1]).before(asked)
    assert not np.array_equal(
        np.hstack(feature_blocks(became, [1])), np.hstack(feature_blocks(was, [1])), equal_nan=True
    )

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from src.payments.operations.woe import Bins, fit_bins, load, save

NAN = float("nan")


def repeated(*groups: tuple[float, int, int]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Values and events from groups of a value, observations and events among them."""
    values = [value for value, size, _ in groups for _ in range(size)]
    event = [place < events for _, size, events in groups for place in range(size)]
    return np.array(values, dtype=np.float32), np.array(event)


def fit(*groups: tuple[float, int, int], **changes: Any) -> Bins:
    values, event = repeated(*groups)
    return fit_bins("f", values, event, **{"most": 5, "least_share": 0.1, **changes})


def above(middle: float) -> float:
    """The lowest value that a cut between two values leaves on its right."""
    return math.nextafter(middle, math.inf)


def test_bins_of_a_number_and_of_missing_values() -> None:
    bins = fit((1, 10, 1), (2, 10, 3), (3, 10, 6), (NAN, 4, 2))
    assert bins == Bins("f", [above(1.5), above(2.5)], [], [1, 3, 6, 2], [9, 7, 4, 2])
    assert bins.labels == ["< 1.5", "1.5 to 2.5", "≥ 2.5", "else"]


def test_weights_and_information_by_hand() -> None:
    bins = Bins("f", [1.5], [], [1, 3, 0], [4, 2, 0])
    # half an event and half another are added to each of three bins
    first = math.log((1 + 0.5) / (4 + 1.5)) - math.log((4 + 0.5) / (6 + 1.5))
    second = math.log((3 + 0.5) / (4 + 1.5)) - math.log((2 + 0.5) / (6 + 1.5))
    assert bins.woe.tolist() == pytest.approx([first, second, 0])
    assert bins.iv == pytest.approx((1 / 4 - 4 / 6) * first + (3 / 4 - 2 / 6) * second)
    assert first < 0 < second
    values = np.array([1.4, 1.5, 9, NAN], dtype=np.float32)
    assert bins.bin_of(values).tolist() == [0, 1, 1, 2]
    assert bins.weigh(values).tolist() == pytest.approx([first, second, second, 0])


def test_bins_without_others_or_without_anything_are_finite() -> None:
    bins = Bins("f", [1.5], [], [3, 0, 0], [0, 0, 0])
    assert bins.woe.tolist() == pytest.approx([math.log(3.5 / 4.5) - math.log(0.5 / 1.5), 0, 0])
    assert Bins("f", [], [], [0, 0], [0, 0]).iv == 0


@pytest.mark.parametrize(
    ("rates", "edges"),
    [
        ((1, 3, 6), [1.5, 2.5]),
        ((6, 3, 1), [1.5, 2.5]),
        ((1, 6, 3), [1.5]),  # 1 and 9 of 20 tell more than 7 of 20 and 3
        ((6, 1, 3), [1.5]),
        ((3, 1, 6), [2.5]),
        ((1, 6, 6), [1.5]),
    ],
)
def test_cuts_are_joined_until_rates_only_rise_or_only_fall(
    rates: tuple[int, ...], edges: list[float]
) -> None:
    bins = fit(*((value, 10, events) for value, events in enumerate(rates, start=1)))
    assert bins.edges == [above(edge) for edge in edges]


def test_no_more_bins_and_no_smaller_ones_than_wanted() -> None:
    groups = [(value, 10, value) for value in range(10)]
    assert len(fit(*groups, most=4, least_share=0.01).edges) == 3
    bins = fit(*groups, most=50, least_share=0.25)
    assert min(np.add(bins.events, bins.others)[:-1]) >= 25


@pytest.mark.parametrize(
    "groups",
    [
        [(NAN, 5, 2)],
        [(1, 10, 4)],
        [(1, 5, 0), (2, 5, 0)],
        [(1, 5, 5), (2, 5, 5)],
        [(1, 4, 0), (NAN, 4, 4)],
    ],
    ids=["missing", "constant", "no event", "no other", "no event where there is a value"],
)
def test_values_that_cannot_be_cut(groups: list[tuple[float, int, int]]) -> None:
    bins = fit(*groups)
    assert bins.edges == []
    assert bins.labels == ["all", "else"]
    assert sum(bins.events) == sum(events for _, _, events in groups)
    assert np.isfinite(bins.weigh(np.array([NAN, 1, 5]))).all()


def test_codes_that_are_not_too_rare_have_a_bin() -> None:
    bins = fit((0, 10, 3), (2, 10, 8), (5, 1, 1), (NAN, 2, 0), category=True)
    assert bins == Bins("f", [], [0.0, 2.0], [3, 8, 1], [7, 2, 2], category=True)
    assert bins.labels == ["0", "2", "else"]
    # a rare code, an unknown one and a missing one are the same
    assert bins.bin_of(np.array([2, 0, 5, 7, NAN], dtype=np.float32)).tolist() == [1, 0, 2, 2, 2]


def test_a_code_of_just_the_least_share_is_kept() -> None:
    assert fit((0, 9, 3), (1, 1, 1), category=True).points == [0.0, 1.0]


def test_values_next_to_each_other_are_kept_apart() -> None:
    one = np.float32(1)
    other = one + 2 * np.spacing(one)  # the tree takes nearer ones for equal
    bins = fit((float(one), 10, 1), (float(other), 10, 9))
    assert bins.events == [1, 9, 0]
    assert bins.bin_of(np.array([one, other])).tolist() == [0, 1]


VALUES = st.one_of(st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0, NAN]), st.floats(-1e6, 1e6, width=32))


@given(
    st.lists(st.tuples(VALUES, st.booleans()), min_size=1, max_size=60),
    st.integers(2, 8),
    st.sampled_from([0.01, 0.2]),
)
def test_every_value_has_a_bin_and_rates_go_one_way(
    rows: list[tuple[float, bool]], most: int, least_share: float
) -> None:
    values = np.array([value for value, _ in rows], dtype=np.float32)
    event = np.array([flag for _, flag in rows])
    bins = fit_bins("f", values, event, most=most, least_share=least_share)
    number = len(bins.labels)
    assert len(bins.events) == len(bins.others) == len(bins.woe) == number
    assert (sum(bins.events), sum(bins.others)) == (event.sum(), (~event).sum())
    assert bins.edges == sorted(set(bins.edges))
    intervals = len(bins.edges) + 1
    assert intervals <= most
    events, others = np.array(bins.events[:intervals]), np.array(bins.others[:intervals])
    if bins.edges:
        rates = np.diff(events / (events + others))
        assert (rates > 0).all() or (rates < 0).all()
    anything = np.array([-np.inf, np.inf, NAN, 0, 1e30, *values])
    place = bins.bin_of(anything)
    assert (place >= 0).all()
    assert (place < number).all()
    assert np.isfinite(bins.weigh(anything)).all()
    assert bins.bin_of(values).tolist() == place[5:].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_saved_bins_weigh_the_same(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=500).astype(np.float32)
    event = random.random(500) < 1 / (1 + np.exp(-values))
    dictionary = [
        fit_bins("number", values, event, most=8, least_share=0.02),
        fit_bins("code", np.round(values), event, most=8, least_share=0.02, category=True),
    ]
    save(tmp_path / "woe.json", dictionary)
    loaded = load(tmp_path / "woe.json")
    assert loaded == dictionary
    for one, other in zip(dictionary, loaded, strict=True):
        np.testing.assert_array_equal(one.weigh(values), other.weigh(values))
    save(tmp_path / "again.json", loaded)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "woe.json").read_bytes()

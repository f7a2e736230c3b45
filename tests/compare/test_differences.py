from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest

from src.compare.differences import AdderScores, compare
from src.errors import InputError

TEST = {"month": "2016-05-28", "customers": 1000, "adders": 50, "additions": 60}


def scores(
    revision: str, models: dict[str, Any], slices: dict[str, Any] | None = None, **test: object
) -> AdderScores:
    """AdderScores of customers 1, 2, …"""
    adders = pd.RangeIndex(1, len(next(iter(models.values()))) + 1, name="customer")
    return AdderScores(
        revision,
        TEST | test,
        pd.DataFrame(models, index=adders, dtype=float),
        pd.DataFrame(slices or {}, index=adders),
    )


def shifted(up: int, down: int, adders: int = 50) -> tuple[AdderScores, AdderScores]:
    """Some adders score 1 instead of 0.5, some 0."""
    after = [1.0] * up + [0.0] * down + [0.5] * (adders - up - down)
    return scores("a", {"blend": [0.5] * adders}), scores("b", {"blend": after})


def test_a_difference_by_hand() -> None:
    (found,) = compare(*shifted(up=20, down=0)).models
    # of 50 adders with replacement, Binomial(50, 0.4) are among the 20; its 2.5 % and 97.5 %
    # quantiles are 13 and 27
    assert asdict(found) == {
        "title": "blend",
        "adders": 50,
        "before": 0.5,
        "after": pytest.approx(0.5 + 20 * 0.5 / 50),
        "low": pytest.approx(13 * 0.5 / 50, abs=0.01),
        "high": pytest.approx(27 * 0.5 / 50, abs=0.01),
        "better": 20,
        "worse": 0,
    }
    assert found.change == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("after", "better", "worse"),
    [
        ([1.0, 1.0, 1.0, 0.0, 0.5, 0.5], 3, 1),  # two score the same: neither better nor worse
        ([1.0, 0.0, 0.0, 0.0, 0.0, 0.5], 1, 4),
        ([0.5, 0.5, 0.5, 0.5, 0.5, 0.0], 0, 1),
        ([0.5, 0.5, 0.5, 0.5, 0.75, 0.75], 2, 0),
        ([0.5] * 6, 0, 0),
    ],
)
def test_adders_that_score_higher_and_lower_are_counted(
    after: list[float], better: int, worse: int
) -> None:
    before = scores("a", {"blend": [0.5] * 6})
    (there,) = compare(before, scores("b", {"blend": after})).models
    (back,) = compare(scores("b", {"blend": after}), before).models
    assert there.change == pytest.approx(sum(after) / 6 - 0.5)
    assert (there.better, there.worse) == (better, worse)
    assert asdict(back) == {
        "title": "blend",
        "adders": 6,
        "before": there.after,
        "after": 0.5,
        "low": pytest.approx(-there.high),
        "high": pytest.approx(-there.low),
        "better": worse,
        "worse": better,
    }
    assert there.low <= there.change <= there.high


@pytest.mark.parametrize(
    ("up", "down", "verdict"),
    [
        (0, 0, "identical"),
        (9, 0, "too few differ"),
        (5, 4, "too few differ"),
        (10, 0, "higher"),
        (0, 10, "lower"),
        (20, 4, "higher"),
        (4, 20, "lower"),
        (12, 10, "no difference"),
        (10, 12, "no difference"),
    ],
)
def test_verdicts(up: int, down: int, verdict: str) -> None:
    (found,) = compare(*shifted(up, down)).models
    assert found.verdict == verdict
    assert (found.better, found.worse) == (up, down)


def test_pairing_is_narrower_than_the_scores_by_themselves() -> None:
    spread = np.linspace(0, 1, 50)
    before, after = scores("a", {"blend": spread}), scores("b", {"blend": spread * 0.9})
    (found,) = compare(before, after).models
    assert found.verdict == "lower"
    # each mean by itself is uncertain by 1.96 x 0.29 / √50, eight times the difference's 0.008
    assert found.high - found.low < 0.02 < 2 * 1.96 * spread.std() / np.sqrt(50)


def test_the_blend_comes_first_and_only_common_models_count() -> None:
    before = scores("a", {"als": [0.5] * 3, "blend": [0.5] * 3, "old": [0.5] * 3})
    after = scores("b", {"new": [0.5] * 3, "als": [1.0] * 3, "blend": [0.5] * 3})
    found = compare(before, after).models
    assert [(row.title, row.before, row.after) for row in found] == [
        ("blend", 0.5, 0.5),
        ("als", 0.5, 1.0),
    ]


def test_customers_are_paired_by_number() -> None:
    before = scores("a", {"blend": [0.1, 0.2, 0.3, 0.4]})
    after = AdderScores(
        "b",
        TEST,
        pd.DataFrame({"blend": [0.4, 0.9, 0.3]}, index=pd.Index([4, 7, 3], name="customer")),
        pd.DataFrame(index=[4, 7, 3]),
    )
    (found,) = compare(before, after).models
    assert (found.adders, found.verdict) == (2, "identical")
    assert found.before == found.after == pytest.approx((0.3 + 0.4) / 2)


NEW = [True, True, False, False]
NOBODY = [False] * 4


def test_slices_are_of_the_blend() -> None:
    before = scores("a", {"als": [0.0] * 4, "blend": [0.2, 0.4, 0.6, 0.8]})  # wrote no slices
    slices = {"cold_start": NEW, "segment a": NOBODY}
    after = scores("b", {"als": [0.0] * 4, "blend": [0.4, 0.4, 0.0, 0.0]}, slices)
    (found,) = compare(before, after).slices
    assert (found.title, found.adders, found.better, found.worse) == ("cold_start", 2, 1, 0)
    assert (found.before, found.after) == pytest.approx((0.3, 0.4))
    (found,) = compare(after, before).slices
    assert (found.title, found.adders, found.better, found.worse) == ("cold_start", 2, 0, 1)


def test_slices_are_those_of_the_later_revision() -> None:
    before = scores("a", {"blend": [0.2, 0.4, 0.6, 0.8]}, {"cold_start": NOBODY})
    after = scores("b", {"blend": [0.2, 0.4, 0.6, 0.8]}, {"cold_start": NEW})
    assert [row.adders for row in compare(before, after).slices] == [2]
    assert compare(after, before).slices == []


def test_the_same_scores_give_the_same_intervals() -> None:
    assert compare(*shifted(12, 10)).models == compare(*shifted(12, 10)).models


def test_other_test_months_cannot_be_paired() -> None:
    before, after = scores("a", {"blend": [1.0]}), scores("b", {"blend": [1.0]}, month="2016-04-28")
    sentence = "^'a' and 'b' were tested on 2016-05-28 and 2016-04-28: only scores of the same"
    with pytest.raises(InputError, match=sentence):
        compare(before, after)


def test_nothing_in_common_cannot_be_paired() -> None:
    before = scores("a", {"blend": [1.0]})
    other = AdderScores("b", TEST, before.models.set_axis([9]), before.slices.set_axis([9]))
    with pytest.raises(InputError, match=r"^'a' and 'b' have no adder of the test month in common"):
        compare(before, other)
    with pytest.raises(InputError, match=r"^'a' and 'c' have no model in common"):
        compare(before, scores("c", {"als": [1.0]}))

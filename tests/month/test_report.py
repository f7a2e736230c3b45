"""Words and tables of a month's report, by hand."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from src.errors import InputError
from src.month import history
from src.month.came_to import ranking_of
from src.month.report import Decision, against, markdown, months
from src.products.promoted import Promoted

CHAMPION = Promoted("0123456789abcdef" * 2, "d1", "2016-06", "2016-06-03", "the first run")


def figures(value: float, half: float) -> dict[str, float]:
    names = ("map@7", "map@7_adders", "auc", "found@5%", "lift@5%", "calibration_error")
    ends = (("", 0.0), ("_lo", -half), ("_hi", half))
    return {f"{name}{end}": value + shift for name in names for end, shift in ends}


def decision(**changes: Any) -> Decision:
    content: dict[str, Any] = {
        "month": "2016-06",
        "customers": 1200,
        "warnings": ["column seg: 3 customers have a value that no earlier month has"],
        "drift": {"age": 0.05, "income": 0.3, "tenure": 0.125},
        "served": {
            "month": "2016-06",
            "customers": 1100,
            "adders": 40,
            "promised": figures(0.75, 0.03),
            "came_to": figures(0.7, 0.04),
        },
        "difference": {
            "title": "blend",
            "adders": 40,
            "before": 0.7,
            "after": 0.725,
            "low": -0.01,
            "high": 0.06,
            "better": 12,
            "worse": 9,
            "verdict": "no difference",
        },
        "promoted": True,
        "why": "The refitted models are not worse than 0123456",
        "first_offers_changed": 0.125,
    }
    return Decision(**(content | changes))


def test_the_report_by_hand() -> None:
    report = markdown(decision(), CHAMPION, [])
    parts = report.split("\n\n")
    assert parts[:3] == [
        "# Month 2016-06",
        "**Promoted.** The refitted models are not worse than 0123456.",
        "## The data",
    ]
    assert parts[3] == (
        "1,200 customers. Checked against the months before:\n"
        "- column seg: 3 customers have a value that no earlier month has"
    )
    assert parts[4] == (
        "Drift of the profiles against the month before (PSI): income 0.30 (a shift), tenure 0.12 "
        "(some)."
    )
    assert parts[6] == (
        "Lists and chances of 0123456, served since 2016-06-03, for 1,100 customers who were still "
        "there; 40 of them added something."
    )
    rows = parts[7].splitlines()
    assert rows[2] == (
        "| MAP@7 among adders | 0.750 (0.720 … 0.780) | 0.700 (0.660 … 0.740) | as promised |"
    )
    assert rows[6].startswith("| calibration error | 0.7500 (0.7200 … 0.7800) |")
    assert (
        "Of the 40 adders of 2016-06, ranked by both from what was known a month before: served "
        "0.7000, refitted 0.7250; difference +0.0250 (-0.0100 … +0.0600), 12 served better, 9 "
        "worse: **no difference**."
    ) in parts
    assert parts[-1] == (
        "The first offer of 12.5% of the customers is another one than in the lists served until "
        "now.\n"
    )


def test_without_a_champion() -> None:
    first = decision(served=None, difference=None, first_offers_changed=None, drift={}, warnings=[])
    report = markdown(first, None, [])
    assert "Nothing had been promoted, so nothing was served." in report
    assert "- nothing stands out" in report
    assert "below 0.1 everywhere (the largest is 0.000)" in report
    assert report.endswith("The first lists of this cycle.\n")


def test_lists_of_an_older_month_are_called_so() -> None:
    stale = decision()
    assert stale.served
    stale.served["month"] = "2016-05"
    report = markdown(stale, CHAMPION, [])
    assert "They were made for 2016-05: since then nothing was promoted." in report


def test_earlier_months_are_listed() -> None:
    report = markdown(decision(), CHAMPION, [decision(month="2016-05", promoted=False)])
    assert report.splitlines()[-2:] == [
        "| 2016-05 | 1,200 | 0.750 | 0.700 | not promoted |",
        "| 2016-06 | 1,200 | 0.750 | 0.700 | promoted |",
    ]


@pytest.mark.parametrize(
    ("came", "name", "expected"),
    [
        (0.70, "auc", "as promised"),  # apart 0.05, half-widths 0.03 and 0.04
        (0.69, "auc", "worse"),
        (0.81, "auc", "better"),
        (0.81, "calibration_error", "worse"),
        (0.69, "calibration_error", "better"),
    ],
)
def test_against_what_was_promised(came: float, name: str, expected: str) -> None:
    assert against(figures(came, 0.0401), figures(0.75, 0.03), name) == expected


def test_lists_become_a_ranking() -> None:
    lists = pa.table(
        {
            "customer": [3, 3, 7, 9, 9, 9],
            "rank": np.array([1, 2, 1, 3, 1, 2], dtype=np.int32),
            "product": ["loan", "card", "card", "account", "loan", "card"],
        }
    )
    ranking = ranking_of(lists, np.array([3, 5, 7, 9]), ["account", "card", "loan"])
    assert ranking.tolist() == [[2, 1, -1], [-1, -1, -1], [1, -1, -1], [2, 1, 0]]


def test_promised_and_come_to_are_drawn() -> None:
    figure = months([decision(month="2016-05"), decision(served=None), decision()])
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2016-05", "2016-06"]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["promised", "came to"]


@pytest.mark.usefixtures("workspace")
def test_there_is_no_way_back_from_nothing() -> None:
    with pytest.raises(InputError, match=r"^there is no promoted.json: nothing was promoted yet"):
        history.earlier()

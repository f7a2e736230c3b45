from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from src.drawing import save
from src.payments.analysis import figures, findings
from tests.artists import bars, heights, lengths, names, panel, points, texts, written
from tests.payments.analysis.test_findings import (
    CLIENTS,
    CONCENTRATION,
    GAPS,
    MONTHS,
    PAIRS,
    PLACES,
    stream,
)

DAYS = stream([4, 7, 0, 5, *[0] * 7, 3], tuple(range(4, 11)))
POPULARITY = pd.DataFrame({"payments": [6, 2, 1], "providers": [1, 2, 10]})

DRAWINGS: dict[str, tuple[Callable[[], Figure], str]] = {
    "stream": (lambda: figures.stream(DAYS), findings.stream(DAYS)),
    "calendar": (lambda: figures.calendar(DAYS), findings.calendar(DAYS)),
    "popularity": (lambda: figures.popularity(POPULARITY), findings.popularity(POPULARITY)),
    "gaps": (lambda: figures.gaps(PAIRS, GAPS), findings.gaps(PAIRS, GAPS)),
    "novelty": (lambda: figures.novelty(MONTHS), findings.novelty(MONTHS)),
    "concentration": (
        lambda: figures.concentration(CONCENTRATION, PLACES),
        findings.concentration(CONCENTRATION),
    ),
    "where": (lambda: figures.where(PLACES), findings.where(PLACES)),
    "clients": (lambda: figures.clients(CLIENTS), findings.clients(CLIENTS)),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_title_is_what_the_table_says_and_the_png_is_always_the_same(
    name: str, tmp_path: Path
) -> None:
    draw, said = DRAWINGS[name]
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    figure = draw()
    save(first, figure)
    save(second, draw())
    assert said in texts(figure)
    assert first.read_bytes() == second.read_bytes()


def test_the_mean_of_seven_days_never_includes_an_interruption() -> None:
    days = stream([*range(1, 9), *[0] * 7, *[3] * 7], tuple(range(8, 15)))
    means = [mean for _, mean in points(panel(figures.stream(days)), 0)]
    assert means[6:8] == [4, 5]  # of 1 … 7 and 2 … 8
    assert means[-1] == 3
    assert [place for place, mean in enumerate(means) if mean == mean] == [6, 7, 21]


def test_months_of_the_stream_begin_where_they_are_named() -> None:
    axes = panel(figures.stream(stream([1] * 60)))  # from 6 January to 6 March
    assert names(axes, "x") == ["Jan\n2025", "Feb", "Mar"]
    places = [place for place, _ in points(axes, 0)]
    assert places[0] == pytest.approx(5 / 31)
    assert places[26] == 1  # 1 February
    assert places[54] == 2


def test_bars_of_weekdays_and_days_of_the_month() -> None:
    left, right = figures.calendar(stream([6, 5, 2, 0, 0, 0, 0, 14, 3], (3, 4, 5, 6))).axes
    assert heights(bars(left)[0]) == pytest.approx([10 / 6, 4 / 6, 2 / 6])
    assert heights(bars(right)[0]) == pytest.approx([1, 5 / 6, 2 / 6, 14 / 6, 3 / 6])
    assert written(left) == ["1.67", "0.67", "0.33"]
    assert written(right) == ["0.33", "2.33"]  # the least and the most


def test_the_lorenz_curve_begins_with_the_least_popular() -> None:
    left, right = figures.popularity(POPULARITY).axes
    # 10 of 13 providers have 10 of 20 payments, 12 of them 14
    curve = [(1, 1), (12 / 13, 0.7), (10 / 13, 0.5), (0, 0)]
    assert [place for point in points(left, 1) for place in point] == pytest.approx(
        [place for point in curve for place in point]
    )
    assert points(right, 0) == [(1, 0.3), (3, 0.5), (13, 1)]
    assert written(right) == ["1: 30%", "9: 80%"]  # 1 % and 10 % are one provider


def test_bars_of_gaps_and_of_pairs() -> None:
    left, right = figures.gaps(PAIRS, GAPS).axes
    gaps = heights(bars(left)[0])
    assert len(gaps) == 62
    assert {day: gaps[day - 1] for day in (1, 6, 7, 31)} == pytest.approx(
        {1: 0, 6: 10 / 110, 7: 60 / 110, 31: 3 / 110}
    )
    assert names(right, "y") == ["1", "2", "3", "4-5", "6-10", "11-20", "21 or more"]
    assert lengths(bars(right)[0]) == [0.3, 0.2, 0, 0, 0.5, 0, 0]
    assert written(right) == ["30%", "20%", "0%", "0%", "50%", "0%", "0%"]


def test_longer_gaps_are_told() -> None:
    longer = pd.DataFrame({"days": [62, 63, 900], "gaps": [1, 2, 1]})
    told = (
        "Share of the gaps; dark: whole weeks, orange: 30 and 31 days (75% are longer than 62 days)"
    )
    assert told in texts(figures.gaps(PAIRS, longer))


def test_months_that_cannot_be_judged_are_pale() -> None:
    axes = panel(figures.novelty(MONTHS))
    nobody, others = bars(axes)
    assert heights(nobody) == pytest.approx([0.8, 0.05])
    assert heights(others) == pytest.approx([0.1, 0.15])
    assert written(axes) == ["90%", "20%"]
    pale, strong = (bar.get_facecolor() for bar in others)
    assert pale != strong


def test_many_months_have_no_numbers() -> None:
    many = pd.concat([MONTHS] * 10, ignore_index=True)
    assert written(panel(figures.novelty(many))) == []


def test_kinds_of_providers() -> None:
    top, low = figures.concentration(CONCENTRATION, PLACES).axes
    assert [heights(group) for group in bars(top)] == [[30, 40], [20], [10]]
    assert [lengths(group) for group in bars(low)] == [
        pytest.approx(shares) for shares in ([0.7, 0.2], [0.2, 0.1], [0.1, 0.7])
    ]
    assert written(low) == [
        "regional 70%", "regional 20%", "between 20%", "10%", "10%", "federal 70%",
    ]  # fmt: skip


def test_a_matrix_of_regions() -> None:
    axes = panel(figures.where(PLACES))
    assert names(axes, "y") == ["east (100)", "west (100)", "islet (29)"]
    assert names(axes, "x") == ["east", "west", "federal"]
    assert written(axes) == ["60%", "10%", "30%", "40%", "40%", "20%", "100%", "", ""]


def test_a_cell_below_half_a_percent_is_not_nothing() -> None:
    places = pd.DataFrame(
        [("east", "east", 996), ("east", "west", 4), ("west", "west", 1)], columns=list(PLACES)
    )
    assert written(panel(figures.where(places))) == ["100%", "<1%", "", "100%"]


def test_small_regions_of_many_are_one() -> None:
    regions = [f"r{place:02}" for place in range(14)]
    places = pd.DataFrame(
        [(region, region, 100 - place) for place, region in enumerate(regions)],
        columns=list(PLACES),
    )
    axes = panel(figures.where(places))
    assert names(axes, "x") == [*regions[:11], "others"]
    assert names(axes, "y")[-2:] == ["r10 (90)", f"others ({89 + 88 + 87})"]


@pytest.mark.parametrize(("name", "turned"), [("Moscow", 0), ("Kaliningrad", 90)])
def test_long_names_of_regions_are_turned(name: str, turned: int) -> None:
    axes = panel(figures.where(PLACES.replace("west", name)))
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {turned}


def test_groups_of_clients_are_powers_of_two() -> None:
    left, right = figures.clients(CLIENTS).axes
    assert names(left, "y") == ["1", "2-3", "4-7", "8 or more"]
    assert lengths(bars(left)[0]) == [0.6, 0.3, 0, 0.1]
    assert names(right, "y") == ["0", "1", "2 or more"]
    assert lengths(bars(right)[0]) == [0.4, 0.4, 0.2]
    large = CLIENTS.assign(size=CLIENTS["size"] + 4)
    assert names(figures.clients(large).axes[0], "y") == ["4-7", "8-15", "16 or more"]


@pytest.mark.parametrize(
    ("draw", "title", "reason"),
    [
        (lambda: figures.popularity(POPULARITY.head(0)), "Popularity of providers",
         findings.NO_PROVIDERS),
        (lambda: figures.gaps(PAIRS.head(0), GAPS.head(0)),
         "Days between the payments of a client to the same provider", findings.NO_PROVIDERS),
        (lambda: figures.novelty(MONTHS.head(0)), "New and repeated payments by month",
         findings.NO_PROVIDERS),
        (lambda: figures.concentration(CONCENTRATION.head(0), PLACES.head(0)),
         "Regional and federal providers", findings.NO_REGIONS),
        (lambda: figures.where(PLACES.head(0)), "Who pays where", findings.NO_REGIONS),
        (lambda: figures.concentration(CONCENTRATION, PLACES.head(3)),
         "Regional and federal providers",
         "All clients are in one region, 'east': nothing to tell apart."),
        (lambda: figures.where(PLACES.head(3)), "Who pays where",
         "All clients are in one region, 'east': nothing to tell apart."),
    ],
)  # fmt: skip
def test_an_empty_figure_says_why(draw: Callable[[], Figure], title: str, reason: str) -> None:
    assert texts(draw()) == [reason.replace("\n", " "), title]


def test_a_panel_without_gaps_says_why() -> None:
    once = figures.gaps(PAIRS.head(1), GAPS.head(0))
    assert "No pair is paid twice." in texts(once)


def test_a_stream_of_one_day() -> None:
    one = stream([5])
    assert findings.stream(one) in texts(figures.stream(one))
    assert written(figures.calendar(one).axes[1]) == ["1.00"]

import datetime

import pytest
from matplotlib.figure import Figure

from src.drawing import headed, month_axis, nothing, percent


def dates(count: int) -> list[datetime.date]:
    return [datetime.date(2015 + place // 12, place % 12 + 1, 28) for place in range(count)]


YEAR = ["Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@pytest.mark.parametrize(
    ("count", "labels"),
    [
        (3, ["Jan\n2015", "Feb", "Mar"]),
        (14, ["Jan\n2015", *YEAR, "Jan\n2016", "Feb"]),
        (26, ["Jan\n2015", *YEAR[1::2], "Jan\n2016", *YEAR[1::2], "Jan\n2017"]),
    ],
)
def test_months_are_named_and_each_year_once(count: int, labels: list[str]) -> None:
    axes = Figure().subplots()
    month_axis(axes, dates(count))
    assert [label.get_text() for label in axes.get_xticklabels()] == labels


def test_a_figure_is_as_wide_as_a_readme_and_its_title_fits() -> None:
    title = "word " * 40
    figure, panels = headed(title, 3, 2, 2)
    assert len(panels) == 4
    assert figure.get_size_inches()[0] * figure.dpi == 880
    figure.draw_without_rendering()
    written = figure.texts[0]
    assert written.get_text().replace("\n", " ") == title.strip()
    assert written.get_window_extent().width < 880


def test_an_empty_figure_says_why() -> None:
    figure = nothing("Customers", "Because.")
    assert [text.get_text() for text in figure.axes[0].texts] == ["Because."]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100%"),
        (0.6, "60%"),
        (0.0996, "10%"),
        (0.0994, "9.9%"),
        (0.001, "0.1%"),
        (0.0008, "0.08%"),
        (0.00004, "<0.01%"),
        (0.0, "0%"),
    ],
)
def test_percent(share: float, text: str) -> None:
    assert percent(share) == text

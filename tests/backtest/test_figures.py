import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.container import ErrorbarContainer

from src.backtest.figures import by_month
from src.drawing import PLAIN
from src.evaluation.figures import MODELS
from tests.artists import names, panel, points, title, written

TABLE = pd.DataFrame(
    [
        ("2015-12-28", "popularity", 0.5, 0.25, 0.625),
        ("2015-12-28", "a model of yours", 0.5, 0.375, 0.75),
        ("2015-12-28", "blend", 0.75, 0.5, 0.875),
        ("2016-01-28", "popularity", 0.5, 0.25, 0.625),
        ("2016-01-28", "a model of yours", 0.51, 0.375, 0.75),
        ("2016-01-28", "blend", 0.875, 0.75, 1.0),
    ],
    columns=["month", "model", "map@7_adders", "map@7_adders_lo", "map@7_adders_hi"],
)


def test_each_model_is_a_line_of_months_with_intervals_beside_each_other() -> None:
    axes = panel(by_month(TABLE))
    assert title(axes) == "How well each model ranks what customers add, by month"
    lines = [group for group in axes.containers if isinstance(group, ErrorbarContainer)]
    assert len(lines) == 3
    assert [points(axes, place) for place in (0, 3, 6)] == [
        [(-0.25, 0.5), (0.75, 0.5)],
        [(0.0, 0.5), (1.0, 0.51)],
        [(0.25, 0.75), (1.25, 0.875)],
    ]
    (whiskers,) = lines[2][2]
    ends = [[tuple(map(float, end)) for end in line] for line in whiskers.get_segments()]
    assert ends == [[(0.25, 0.5), (0.25, 0.875)], [(1.25, 0.75), (1.25, 1.0)]]
    assert names(axes, "x") == ["Dec\n2015", "Jan\n2016"]


def test_names_stand_behind_the_lines_and_do_not_cover_each_other() -> None:
    axes = panel(by_month(TABLE))
    assert written(axes) == ["popularity", "a model of yours", "blend"]
    heights = [text.get_position()[1] for text in axes.texts]
    low, high = axes.get_ylim()
    assert heights[0] == 0.5
    assert heights[1] == pytest.approx(0.5 + 0.045 * (high - low))  # 0.51 is too near
    assert heights[2] == 0.875
    colours = [to_hex(str(text.get_color())).upper() for text in axes.texts]
    assert colours == [MODELS["popularity"], PLAIN, MODELS["blend"]]


def test_one_month_is_drawn_too() -> None:
    axes = panel(by_month(TABLE.head(3)))
    assert names(axes, "x") == ["Dec\n2015"]

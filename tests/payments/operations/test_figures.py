import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from src.drawing import CONTRAST, FAINT, PALE, PLAIN
from src.payments.operations import figures
from src.payments.operations.woe import Bins
from tests.artists import (
    bars,
    heights,
    legend,
    lengths,
    names,
    panel,
    points,
    texts,
    title,
    written,
)

WEAK = Bins("weekday", [], [0.0, 1.0], [4, 6, 0], [6, 4, 0], category=True)
STRONG = Bins("elapsed", [2.5, 7.5], [], [9, 3, 1, 0], [1, 5, 9, 2])


def colours(axes: Axes) -> list[str]:
    (group,) = bars(axes)
    return [to_hex(bar.get_facecolor()).upper() for bar in group]


def test_a_panel_for_each_factor_the_most_informative_first() -> None:
    figure = figures.weights_of_evidence([WEAK, STRONG])
    shown = [axes for axes in figure.axes if axes.axison]
    assert [title(axes).replace("\n", " ") for axes in shown] == [
        f"days since the last payment IV {STRONG.iv:.2f}",
        f"weekday IV {WEAK.iv:.2f}",
    ]
    assert STRONG.iv > WEAK.iv
    (strong,), (weak,) = (bars(axes) for axes in shown)
    assert heights(strong) == STRONG.woe.tolist()
    assert heights(weak) == WEAK.woe.tolist()[:2]  # nothing was ever missing
    assert names(shown[0], "x") == ["< 2.5", "2.5 to 7.5", "≥ 7.5", "else"]
    assert names(shown[1], "x") == ["0", "1"]
    assert colours(shown[0]) == [PLAIN, PALE, PALE, PALE]
    assert len(figure.axes) == 4


def test_of_many_bins_some_have_a_label() -> None:
    codes = [float(code) for code in range(31)]
    bins = Bins("month_day", [], codes, [1] * 32, [1] * 31 + [2], category=True)
    shown = figures.weights_of_evidence([bins]).axes[0]
    assert names(shown, "x") == ["0", "4", "8", "12", "16", "20", "24", "28"]


def test_no_factor_is_left() -> None:
    assert not any(axes.axison for axes in figures.weights_of_evidence([]).axes)


TABLE = {
    "booster": {"gini": 0.75, "gini_lo": 0.7, "gini_hi": 0.78},
    "frequency": {"gini": -0.1, "gini_lo": -0.2, "gini_hi": 0.05},
    "logistic": {"gini": 0.5, "gini_lo": 0.4, "gini_hi": 0.6},
}


@pytest.mark.parametrize(
    ("horizon", "sentence"),
    [
        (1, "Who tells what is repeated the next day"),
        (7, "Who tells what is repeated within 7 days"),
    ],
)
def test_gini_of_all_the_best_on_top(horizon: int, sentence: str) -> None:
    axes = panel(figures.comparison(TABLE, horizon))
    assert title(axes) == sentence
    assert names(axes, "y") == ["frequency", "logistic", "booster"]
    (group,) = bars(axes)
    assert lengths(group) == [-0.1, 0.5, 0.75]
    assert colours(axes) == [FAINT, PLAIN, CONTRAST]
    assert written(axes) == ["-0.100", "0.500", "0.750"]
    assert group.errorbar is not None
    ends = [segment[:, 0].tolist() for segment in group.errorbar.lines[2][0].get_segments()]
    np.testing.assert_allclose(ends, [[-0.2, 0.05], [0.4, 0.6], [0.7, 0.78]])
    assert axes.get_xlim() == pytest.approx((-0.2, 1))


def test_an_interval_that_leaves_its_value_outside_ends_there() -> None:
    table = {"booster": {"gini": 0.5, "gini_lo": 0.55, "gini_hi": 0.6}}
    table["logistic"] = {"gini": 0.4, "gini_lo": 0.3, "gini_hi": 0.35}
    (group,) = bars(panel(figures.comparison(table, 1)))
    assert group.errorbar is not None
    ends = [segment[:, 0].tolist() for segment in group.errorbar.lines[2][0].get_segments()]
    np.testing.assert_allclose(ends, [[0.3, 0.4], [0.5, 0.6]])


def test_gini_over_time() -> None:
    table = pd.DataFrame(
        {
            "model": ["logistic", "logistic", "booster", "booster"],
            "cutoff": ["2025-03-31", "2025-04-04"] * 2,
            "gini": [0.5, 0.6, 0.7, 0.4],
        }
    )
    axes = panel(figures.over_time(table))
    assert title(axes) == "Gini by cut-off"
    assert [[y for _, y in points(axes, line)] for line in (0, 1)] == [[0.5, 0.6], [0.7, 0.4]]
    assert [text.strip() for text in written(axes)] == ["logistic", "booster"]
    assert [line.get_color() for line in axes.lines] == [PLAIN, CONTRAST]


def test_cards_and_the_threshold() -> None:
    table = pd.DataFrame(
        {
            "model": ["booster", "booster", "network"],
            "coverage": [0.5, 1.0, 1.0],
            "precision": [0.8, 0.3, 0.2],
        }
    )
    axes = panel(figures.cards(table, {"coverage": 0.52, "precision": 0.314}))
    assert points(axes, 0) == [(0.5, 0.8), (1.0, 0.3)]
    assert points(axes, 1) == [(1.0, 0.2)]
    assert points(axes, 2) == [(0.52, 0.314)]
    assert written(axes) == ["the threshold of validation: 52% covered, 31.4% right"]
    assert legend(axes) == ["booster", "network"]


def test_chances_against_shares_without_those_that_are_zero() -> None:
    table = pd.DataFrame(
        {
            "model": ["booster"] * 3,
            "observations": [10] * 3,
            "predicted": [0.0, 0.1, 0.5],
            "observed": [0.1, 0.0, 0.4],
        }
    )
    axes = panel(figures.reliability(table))
    assert points(axes, 0) == [(0.5, 0.4)]
    assert points(axes, 1) == [(0.1, 0.1), (1.0, 1.0)]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert legend(axes) == ["booster"]


def test_factors_of_the_booster_the_first_on_top() -> None:
    table = pd.DataFrame(
        {
            "title": ["elapsed", "weekday", "count"],
            "mean_shap": [0.5, 0.3, 0.0],
            "iv": [0.8, 0.9, 0.1],
        }
    )
    figure = figures.factors(table)
    left, right = figure.axes
    assert names(left, "y") == ["count", "weekday", "elapsed"]
    (moves,), (tells,) = bars(left), bars(right)
    assert lengths(moves) == [0.0, 0.3, 0.5]
    assert lengths(tells) == [0.1, 0.9, 0.8]
    assert any("What the booster looks at" in text for text in texts(figure))

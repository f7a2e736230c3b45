import matplotlib as mpl
import pytest
from matplotlib.colors import to_hex

from src.compare.forest_plot import LOOKS, NEITHER, forest_plot
from src.evaluation.differences import Difference
from tests.artists import names, points, title, written

MINUS = "\N{MINUS SIGN}"
# title, adders, before, after, low, high, better, worse
HIGHER = Difference("blend", 1234, 0.5, 0.7, 0.1, 0.3, 20, 4)
LOWER = Difference("als", 50, 0.5, 0.4, -0.12, -0.08, 0, 12)
UNSURE = Difference("mlc", 50, 0.5, 0.4, -0.25, 0.05, 10, 12)
SAME = Difference("kmeans", 50, 0.5, 0.5, 0.0, 0.0, 0, 0)


def test_each_difference_is_a_row_with_its_interval() -> None:
    (axes,) = forest_plot({"Models": [HIGHER, LOWER, UNSURE, SAME]}, "worse … better").axes
    assert title(axes) == "Models"
    assert axes.get_xlabel() == "worse … better"
    assert names(axes, "y") == ["blend  (1,234)", "als  (50)", "mlc  (50)", "kmeans  (50)"]
    assert written(axes) == ["+0.2000", f"{MINUS}0.1000", f"{MINUS}0.1000", "identical"]
    # the line at 0, then interval and marker of each
    assert [points(axes, line) for line in range(1, 5)] == [
        [(0.1, 0), (0.3, 0)],
        [(pytest.approx(0.2), 0)],
        [(-0.12, 1), (-0.08, 1)],
        [(pytest.approx(-0.1), 1)],
    ]
    assert len(axes.lines) == 1 + 2 * 4


def test_the_marker_tells_the_verdict() -> None:
    (axes,) = forest_plot({"Models": [HIGHER, LOWER, UNSURE, SAME]}, "").axes
    looks = [(to_hex(line.get_color()).upper(), line.get_marker()) for line in axes.lines[2::2]]
    assert looks == [LOOKS["higher"], LOOKS["lower"], NEITHER, NEITHER]
    assert len({marker for _, marker in (*LOOKS.values(), NEITHER)}) == 3


def test_0_stands_in_the_middle_and_the_first_row_on_top() -> None:
    (axes,) = forest_plot({"Models": [HIGHER, LOWER]}, "").axes
    assert axes.get_xlim() == pytest.approx((-1.08 * 0.3, 1.08 * 0.3))
    bottom, top = axes.get_ylim()
    assert bottom > 1 > 0 > top


def test_empty_panels_are_left_out_and_the_label_stands_below_the_last() -> None:
    first, second = forest_plot({"Models": [HIGHER], "None": [], "Slices": [SAME]}, "label").axes
    assert (title(first), title(second)) == ("Models", "Slices")
    assert (first.get_xlabel(), second.get_xlabel()) == ("", "label")
    assert second.get_xlim() == pytest.approx((-0.0108, 0.0108))  # nothing but 0


def test_drawing_does_not_change_the_style_of_others() -> None:
    before = dict(mpl.rcParams)
    forest_plot({"Models": [HIGHER]}, "")
    assert dict(mpl.rcParams) == before

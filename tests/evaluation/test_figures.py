import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from src.drawing import PLAIN
from src.evaluation import figures
from tests.artists import bars, legend, lengths, names, panel, points, title, written

TABLE = {
    "blend": {"map@7_adders": 0.75, "map@7_adders_lo": 0.5, "map@7_adders_hi": 0.875},
    "als": {"map@7_adders": 0.25, "map@7_adders_lo": 0.125, "map@7_adders_hi": 0.25},
    "a model of yours": {"map@7_adders": 0.5, "map@7_adders_lo": 0.5, "map@7_adders_hi": 0.5},
}


def test_models_side_by_side_the_best_on_top() -> None:
    axes = panel(figures.comparison(TABLE, "2016-05-28"))
    assert title(axes) == "How well each model ranks what customers add in 2016-05-28"
    assert names(axes, "y") == ["als", "a model of yours", "blend"]
    (group,) = bars(axes)
    assert lengths(group) == [0.25, 0.5, 0.75]
    assert written(axes) == ["0.250", "0.500", "0.750"]
    assert axes.get_xlim() == (0, 1)
    assert axes.get_xlabel() == "MAP@7 among adders (1 is a perfect ranking), bars: 95 % intervals"


def test_intervals_of_models() -> None:
    axes = panel(figures.comparison(TABLE, "2016-05-28"))
    (whiskers,) = axes.collections
    ends = [[tuple(end) for end in line] for line in whiskers.get_segments()]  # type: ignore[attr-defined]
    assert ends == [
        [(0.125, 0), (0.25, 0)],
        [(0.5, 1), (0.5, 1)],
        [(0.5, 2), (0.875, 2)],
    ]
    # the numbers stand behind the intervals
    places = [text.get_position() for text in axes.texts]
    assert places == [pytest.approx(place) for place in ((0.26, 0), (0.51, 1), (0.885, 2))]


def test_models_have_their_own_colours() -> None:
    (group,) = bars(panel(figures.comparison(TABLE, "2016-05-28")))
    colours = [to_hex(bar.get_facecolor()).upper() for bar in group]
    assert colours == [figures.MODELS["als"], PLAIN, figures.MODELS["blend"]]
    assert len(set(figures.MODELS.values()) | {PLAIN}) == len(figures.MODELS) + 1


def test_one_line_per_model_by_length_of_the_list() -> None:
    values = {"als": [0.25, 0.375, 0.5], "blend": [0.5, 0.625, 0.51]}
    rows = [
        (name, k, value) for name, line in values.items() for k, value in enumerate(line, start=1)
    ]
    axes = panel(figures.map_at_k(pd.DataFrame(rows, columns=["model", "k", "map"])))
    assert [points(axes, line) for line in (0, 1)] == [
        [(1, 0.25), (2, 0.375), (3, 0.5)],
        [(1, 0.5), (2, 0.625), (3, 0.51)],
    ]
    assert len(axes.lines) == 2
    assert names(axes, "x") == ["1", "2", "3"]
    # names stand where the lines end, apart from each other
    assert {text.get_text(): text.get_position() for text in axes.texts} == {
        "als": pytest.approx((3.1, 0.5)),
        "blend": pytest.approx((3.1, 0.5 + 0.035)),
    }


def test_products_the_most_added_on_top() -> None:
    table = pd.DataFrame(
        {
            "title": ["Current account", "Debit & credit $ card"],
            "additions": [1000, 20],
            "share": [0.25, 0.125],
            "blend": [0.875, 0.5],
        }
    )
    axes = panel(figures.product_precision(table))
    assert names(axes, "y") == ["Debit & credit $ card  (20)", "Current account  (1,000)"]
    (group,) = bars(axes)
    assert lengths(group) == [0.5, 0.875]
    assert points(axes, 0) == [(0.125, 0), (0.25, 1)]
    assert legend(axes) == ["blind guess", "blend"]
    assert axes.get_xlim() == (0, 1)


def test_predicted_against_observed_shares() -> None:
    table = pd.DataFrame({"pairs": [9000, 9], "predicted": [0.02, 0.9], "observed": [0.01, 1.0]})
    axes = panel(figures.reliability(table))
    assert points(axes, 0) == [(0, 0), (1, 1)]  # the diagonal
    assert points(axes, 1) == [(0.02, 0.01), (0.9, 1.0)]
    assert written(axes) == ["9,000", "9"]
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 1), (0, 1))


def test_a_model_without_its_interval_cannot_be_drawn() -> None:
    with pytest.raises(KeyError, match="map@7_adders_lo"):
        figures.comparison({"blend": {"map@7_adders": 0.5}}, "2016-05-28")


def test_drawing_does_not_change_the_style_of_others() -> None:
    before = dict(mpl.rcParams)
    assert isinstance(figures.comparison(TABLE, "2016-05-28"), Figure)
    assert dict(mpl.rcParams) == before

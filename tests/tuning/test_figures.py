"""Figures of a study, for every kind of parameter."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from src.drawing import CONTRAST, save
from src.tuning import figures
from src.tuning.objective import Objective
from src.tuning.space import Space
from tests.artists import bars, lengths, names, panel, points, texts, title, written

NONE = float("nan")
SPACE: Space = {
    "factors": IntDistribution(1, 64, log=True),
    "rate": FloatDistribution(0, 1),
    "lags": CategoricalDistribution(["[1]", "[1, 2]"]),
    "depth": IntDistribution(2, 8),
    "alpha": FloatDistribution(0.1, 1000, log=True),
}
TRIALS = pd.DataFrame(
    {
        "trial": range(4),
        "state": ["complete", "pruned", "fail", "complete"],
        "map@7_adders": [0.5, NONE, NONE, 0.75],
        "with_part": [0.4, 0.3, NONE, 0.6],
        "best": [0.5, 0.5, 0.5, 0.75],
        "factors": [1, 8, 8, 64],
        "rate": [0.25, 0.5, 0.5, 1.0],
        "lags": ["[1]", "[1, 2]", "[1]", "[1, 2]"],
        "depth": [2, 5, 6, 8],
        "alpha": [0.1, 10.0, 10.0, 1000.0],
    }
)
MEASURE = Objective.measure
IMPORTANCES = dict(zip(SPACE, [0.4, 0.3, 0.2, 0.1, 0.0], strict=True))


def test_trials_in_their_order_and_the_best_so_far() -> None:
    axes = panel(figures.history("als", MEASURE, TRIALS))
    assert title(axes) == "als: 4 trials, 2 of them to the end"
    current, given_up, complete, best = range(4)
    assert points(axes, current) == [(0, 0.5), (1, 0.5)]  # across the panel
    assert [trial for trial, _ in points(axes, given_up)] == [1, 2]
    assert points(axes, complete) == [(0, 0.5), (3, 0.75)]
    assert points(axes, best) == [(0, 0.5), (1, 0.5), (2, 0.5), (3, 0.75)]
    assert written(axes) == [" current 0.5000", " best so far 0.7500"]
    assert axes.get_xlim() == (-1, 3.5)
    assert axes.get_xlabel() == "trial (grey: given up with a part of the budget)"


def test_names_at_the_end_of_lines_stand_apart() -> None:
    axes = panel(figures.history("als", MEASURE, TRIALS.assign(best=0.5)))
    low, high = (text.get_position()[1] for text in axes.texts)
    assert low == 0.5
    assert high > low


def test_a_study_that_gave_nothing_up_needs_no_grey() -> None:
    whole = TRIALS[TRIALS["state"] == "complete"]
    assert panel(figures.history("als", MEASURE, whole)).get_xlabel() == "trial"
    assert "grey" not in " ".join(texts(figures.slices("als", MEASURE, whole, SPACE)))
    assert "grey: given up" in " ".join(texts(figures.slices("als", MEASURE, TRIALS, SPACE)))


def test_importances_are_shares_the_first_on_top() -> None:
    axes = panel(figures.importances("als", IMPORTANCES))
    (group,) = bars(axes)
    assert lengths(group) == [0.4, 0.3, 0.2, 0.1, 0.0]
    assert names(axes, "y") == list(SPACE)
    assert axes.yaxis_inverted()
    assert written(axes) == ["40%", "30%", "20%", "10%", "0%"]
    assert axes.get_xlim() == (0, 1)


def test_complete_trials_are_lines_across_the_parameters() -> None:
    axes = panel(figures.parallel("als", MEASURE, TRIALS, SPACE))
    # the worst first; at last its value, between the first quarter (0.5625) and the best (0.75)
    worse, better, again = ([y for _, y in points(axes, line)] for line in range(3))
    assert worse == pytest.approx([0, 0.25, 0.25, 0, 0, 0])
    assert better == again == pytest.approx([1, 1, 0.75, 1, 1, 1])
    assert to_hex(axes.lines[2].get_color()).upper() == CONTRAST
    assert len(axes.lines) == 3 + len(SPACE) + 1  # and a scale each
    assert names(axes, "x") == [*SPACE, "MAP@7\namong adders"]
    assert written(axes)[-5:] == ["≤ 0.562", "0.609", "0.656", "0.703", "0.750"]


def test_slices_have_a_panel_for_each_parameter() -> None:
    figure = figures.slices("als", MEASURE, TRIALS, SPACE)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [title(axes) for axes in shown] == list(SPACE)
    factors = shown[0]
    (complete,) = factors.collections
    assert np.asarray(complete.get_offsets()) == pytest.approx(np.array([[0, 0.5], [1, 0.75]]))
    given_up, current, best = range(3)
    assert [place for place, _ in points(factors, given_up)] == pytest.approx([0.5, 0.5])
    assert points(factors, current) == [(0, 0.5)]
    assert points(factors, best) == [(1, 0.75)]
    assert names(factors, "x") == ["1", "4", "16", "64"]


@pytest.mark.parametrize(
    ("parameters", "panels"), [(1, 1), (4, 4), (5, 6), (8, 8), (9, 9), (10, 12)]
)
def test_at_most_four_panels_stand_side_by_side(parameters: int, panels: int) -> None:
    space: Space = {f"p{number}": FloatDistribution(0, 1) for number in range(parameters)}
    trials = TRIALS.assign(**dict.fromkeys(space, 0.5))
    figure = figures.slices("als", MEASURE, trials, space)
    assert len(figure.axes) == panels
    assert sum(axes.get_visible() for axes in figure.axes) == parameters


DRAWINGS: dict[str, Callable[[pd.DataFrame], Figure]] = {
    "history": lambda trials: figures.history("als", MEASURE, trials),
    "importances": lambda _: figures.importances("als", IMPORTANCES),
    "parallel": lambda trials: figures.parallel("als", MEASURE, trials, SPACE),
    "slices": lambda trials: figures.slices("als", MEASURE, trials, SPACE),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_one_trial_is_enough_and_gives_the_same_bytes(name: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    save(first, DRAWINGS[name](TRIALS.head(1)))
    save(second, DRAWINGS[name](TRIALS.head(1)))
    assert first.read_bytes() == second.read_bytes()


def test_places_in_ranges() -> None:
    expected = {
        "factors": [0, 1 / 2, 1 / 2, 1],  # 8 is half way from 1 to 64 by logarithm
        "rate": [0.25, 0.5, 0.5, 1],
        "lags": [0.25, 0.75, 0.25, 0.75],
        "depth": [0, 0.5, 4 / 6, 1],
        "alpha": [0, 0.5, 0.5, 1],
    }
    for name, values in SPACE.items():
        assert figures._place(TRIALS[name], values) == pytest.approx(expected[name]), name


@pytest.mark.parametrize(
    ("name", "labels", "places"),
    [
        ("factors", ["1", "4", "16", "64"], [0, 1 / 3, 2 / 3, 1]),
        ("rate", ["0", "0.33", "0.67", "1"], [0, 1 / 3, 2 / 3, 1]),
        ("lags", ["1", "1,2"], [0.25, 0.75]),
        ("depth", list("2345678"), [0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1]),
        ("alpha", ["0.1", "2.2", "46", "1000"], [0, 1 / 3, 2 / 3, 1]),
    ],
)
def test_ticks_tell_the_range(name: str, labels: list[str], places: list[float]) -> None:
    ticks, names = figures._ticks(SPACE[name])
    assert names == labels
    assert ticks == pytest.approx(places)


@pytest.mark.parametrize(
    ("choice", "name"),
    [('["als", "mlc"]', "als\nmlc"), ("[1, 2]", "1,2"), ("[]", "[]"), ("0.5", "0.5")],
)
def test_names_of_choices_are_short(choice: str, name: str) -> None:
    assert figures._short(choice) == name


def test_trials_given_up_are_shown_with_what_they_had() -> None:
    shown = figures._shown(TRIALS, MEASURE.name)
    # 0.3 is the worst tenth of 0.5, 0.3, 0.75: drawn at their first decile
    assert shown == pytest.approx([0.5, 0.3 + 0.2 * 0.2, NONE, 0.75], nan_ok=True)

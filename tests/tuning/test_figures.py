"""Figures of a study: written for every kind of parameter, the same bytes for the same trials."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from src.tuning import figures
from src.tuning.space import Space

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
IMPORTANCES = dict(zip(SPACE, [0.4, 0.3, 0.2, 0.1, 0.0], strict=True))


def draw(folder: Path, trials: pd.DataFrame = TRIALS) -> dict[str, bytes]:
    figures.history(folder / "history.png", "als", trials)
    figures.importances(folder / "importances.png", "als", IMPORTANCES)
    figures.parallel(folder / "parallel.png", "als", trials, SPACE)
    figures.slices(folder / "slices.png", "als", trials, SPACE)
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_the_same_trials_give_the_same_bytes(tmp_path: Path) -> None:
    first = draw(tmp_path / "first")
    assert list(first) == ["history.png", "importances.png", "parallel.png", "slices.png"]
    assert all(content.startswith(b"\x89PNG") for content in first.values())
    assert draw(tmp_path / "second") == first
    better = TRIALS.assign(best=[0.5, 0.5, 0.5, 0.8]).replace({"map@7_adders": {0.75: 0.8}})
    changed = draw(tmp_path / "third", better)
    assert {name for name in first if changed[name] != first[name]} == set(first) - {
        "importances.png"
    }


def test_one_trial_is_enough(tmp_path: Path) -> None:
    assert len(draw(tmp_path, TRIALS.head(1))) == 4


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
    shown = figures._shown(TRIALS)
    # 0.3 is the worst tenth of 0.5, 0.3, 0.75: drawn at their first decile
    assert shown == pytest.approx([0.5, 0.3 + 0.2 * 0.2, NONE, 0.75], nan_ok=True)


def test_slices_have_a_panel_for_each_parameter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panels: list[Axes] = []
    save = Figure.savefig

    def saved(figure: Figure, *args: object, **options: object) -> None:
        panels.extend(axes for axes in figure.axes if axes.get_visible())
        save(figure, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Figure, "savefig", saved)
    figures.slices(tmp_path / "slices.png", "als", TRIALS, SPACE)
    assert [axes.get_title(loc="left") for axes in panels] == list(SPACE)
    complete = panels[0].collections[0].get_offsets()
    assert np.asarray(complete) == pytest.approx(np.array([[0, 0.5], [1, 0.75]]))

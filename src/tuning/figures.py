"""Figures of a study: how it went, what mattered, and whether a range should be wider."""

import math
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, IntDistribution

from src.drawing import CONTRAST, INK, PLAIN, STYLE, one_panel
from src.tuning.space import Distribution, Space
from src.tuning.study import Measure

_FADED = "#999999"


@mpl.rc_context(STYLE)
def history(model: str, measure: Measure, trials: pd.DataFrame) -> Figure:
    """Value of each trial in their order, and the best so far."""
    complete = trials[measure.name].notna()
    figure, axes = one_panel(
        8, 4, f"{model}: {len(trials)} trials, {complete.sum()} of them to the end"
    )
    current, best = trials[measure.name].iloc[0], trials["best"].iloc[-1]
    axes.axhline(current, color=INK, lw=1, ls="--")
    shown = _shown(trials, measure.name)
    axes.plot(trials["trial"][~complete], shown[~complete], "o", ms=3, color=_FADED)
    axes.plot(trials["trial"][complete], shown[complete], "o", ms=4, color=PLAIN)
    axes.step(trials["trial"], trials["best"], where="post", color=CONTRAST, lw=2)
    end = len(trials) - 0.5
    _at_end(axes, end, {"best so far": (best, CONTRAST), "current": (current, INK)})
    axes.set_xlim(-1, end)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    grey = "" if complete.all() else " (grey: given up with a part of the budget)"
    axes.set_xlabel(f"trial{grey}")
    axes.set_ylabel(measure.label)
    return figure


@mpl.rc_context(STYLE)
def importances(model: str, shares: dict[str, float]) -> Figure:
    """Share of the variance between trials that each parameter explains."""
    figure, axes = one_panel(
        8, 0.36 * len(shares) + 1.3, f"{model}: which parameters made the difference"
    )
    axes.barh(list(shares), list(shares.values()), color=PLAIN)
    for place, share in enumerate(shares.values()):
        axes.text(share + 0.01, place, f"{share:.0%}", va="center")
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_xlabel("share of the variance between trials (fANOVA)")
    axes.grid(visible=False, axis="y")
    return figure


@mpl.rc_context(STYLE)
def parallel(model: str, measure: Measure, trials: pd.DataFrame, space: Space) -> Figure:
    """Each trial as a line across the parameters' ranges, in the colour of its value."""
    complete = trials.dropna(subset=measure.name).sort_values([measure.name, "trial"])
    values = complete[measure.name].to_numpy()
    low, high = np.quantile(values, 0.25), values.max()  # the bad quarter is all one colour
    places = np.column_stack(
        [_place(complete[name], space[name]) for name in space]
        + [(np.maximum(values, low) - low) / max(high - low, 1e-9)]
    )
    figure, axes = one_panel(
        1.3 * len(space) + 3, 4.6, f"{model}: values of the parameters, and what they led to"
    )
    for row, line in enumerate(places):
        colour = mpl.colormaps["viridis"](line[-1])
        axes.plot(line, color=colour, lw=1, alpha=0.15 + 0.6 * line[-1])
        if row == len(places) - 1:
            axes.plot(line, color=CONTRAST, lw=2.5)
    axes.set_xlim(0, len(space))
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks(range(len(space) + 1), [*space, measure.label.replace(" among", "\namong")])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    for column, name in enumerate(space):
        _scale(axes, column, *_ticks(space[name]))
    scale = np.linspace(low, high, 5)
    named = [f"{value:.3f}" for value in scale]
    _scale(axes, len(space), list(np.linspace(0, 1, 5)), [f"≤ {named[0]}", *named[1:]])
    return figure


@mpl.rc_context(STYLE)
def slices(model: str, measure: Measure, trials: pd.DataFrame, space: Space) -> Figure:
    """Value against each parameter: a best one at the edge asks for a wider range."""
    shown, complete = _shown(trials, measure.name), trials[measure.name].notna().to_numpy()
    best = int(np.nanargmax(trials[measure.name]))
    lines = math.ceil(len(space) / 4)
    columns = math.ceil(len(space) / lines)
    figure = Figure(figsize=(3 * columns + 1, 2.7 * lines + 0.7), layout="constrained")
    grey = "" if complete.all() else "  grey: given up with a part of the budget"
    figure.suptitle(
        f"{model}: quality against each parameter\n○ best  ◆ current  darker: later{grey}",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    for axes, (name, values) in zip(panels, space.items(), strict=False):
        place = _place(trials[name], values)
        axes.plot(place[~complete], shown[~complete], "o", ms=3, color=_FADED, alpha=0.6)
        order = trials["trial"][complete]
        axes.scatter(
            place[complete], shown[complete], c=order, cmap="Blues", vmin=-len(trials) / 3, s=18
        )
        axes.plot(place[0], shown[0], "D", ms=7, color=INK)
        axes.plot(place[best], shown[best], "o", ms=11, mfc="none", mew=2, color=CONTRAST)
        axes.set_xlim(-0.04, 1.04)
        ticks, labels = _ticks(values)
        axes.set_xticks(ticks, labels, fontsize=8)
        axes.set_title(name, fontsize=10)
    for axes in panels[len(space) :]:
        axes.set_visible(False)
    for axes in panels[::columns]:
        axes.set_ylabel(measure.label)
    return figure


def _shown(trials: pd.DataFrame, value: str) -> NDArray[np.float64]:
    """Values as drawn: of trials given up what they had reached; the worst tenth at one height."""
    values = trials[value].fillna(trials["with_part"]).to_numpy(dtype=np.float64)
    return np.asarray(np.maximum(values, min(np.nanquantile(values, 0.1), values[0])))


def _place(values: "pd.Series[Any]", distribution: Distribution) -> NDArray[np.float64]:
    """Where values lie in their range; 0 … 1, by logarithm if it is searched so."""
    if isinstance(distribution, CategoricalDistribution):
        choices = list(distribution.choices)
        return np.array([(choices.index(value) + 0.5) / len(choices) for value in values])
    low, high = distribution.low, distribution.high
    numbers = values.to_numpy(dtype=np.float64)
    if distribution.log:
        return np.asarray(np.log(numbers / low) / math.log(high / low))
    return np.asarray((numbers - low) / (high - low))


def _ticks(distribution: Distribution) -> tuple[list[float], list[str]]:
    """Places and names of some values of a range, its ends among them."""
    if isinstance(distribution, CategoricalDistribution):
        names = [_short(str(choice)) for choice in distribution.choices]
        return [(index + 0.5) / len(names) for index in range(len(names))], names
    low, high = distribution.low, distribution.high
    shown = np.geomspace(low, high, 4) if distribution.log else np.linspace(low, high, 4)
    if isinstance(distribution, IntDistribution):
        few = high - low <= 10 and not distribution.log
        shown = np.arange(low, high + 1.0) if few else np.unique(np.round(shown))
    names = [f"{value:.2g}" if value < 100 else f"{value:.0f}" for value in shown]
    return list(_place(pd.Series(shown), distribution)), names


def _short(choice: str) -> str:
    """`["als", "mlc"]` -> als above mlc, `[1, 2]` -> 1,2."""
    plain = choice.strip("[]").replace('"', "")
    return plain.replace(", ", "\n" if any(map(str.isalpha, plain)) else ",") or choice


def _scale(axes: Axes, column: int, places: list[float], names: list[str]) -> None:
    """A vertical axis with names."""
    axes.axvline(column, color=INK, lw=1)
    for place, name in zip(places, names, strict=True):
        axes.text(
            column + 0.03,
            place,
            name,
            fontsize=8,
            va="center",
            bbox={"fc": "white", "ec": "none", "alpha": 0.7, "pad": 0.5},
        )


def _at_end(axes: Axes, end: float, lines: dict[str, tuple[float, str]]) -> None:
    """Names and values of horizontal lines at their right end, apart from each other."""
    low, high = axes.get_ylim()
    previous = -math.inf
    for name, (value, colour) in sorted(lines.items(), key=lambda line: line[1][0]):
        previous = max(value, previous + (high - low) * 0.06)
        axes.text(end, previous, f" {name} {value:.4f}", color=colour, va="center")

"""Figures of new providers: models side by side, both validations, origins, what is looked at."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from src.drawing import CONTRAST, FAINT, INK, PALE, PLAIN, STYLE, headed, one_panel, subtitle
from src.payments.providers.evaluation import SECOND_STAGE

_MOST = 20


def _colours(names: list[str]) -> list[str]:
    special = {SECOND_STAGE: CONTRAST, "popularity": FAINT}
    return [special.get(name, PLAIN) for name in names]


@mpl.rc_context(STYLE)
def comparison(table: pd.DataFrame) -> Figure:
    """Hit rate and MAP of each model with 95 % intervals, the best first."""
    ordered = table.sort_values("map@10", kind="stable")
    names = ordered["model"].tolist()
    best = ordered.iloc[-1]
    title = (
        f"New providers: {best['model']} finds one within ten for {best['hit@10']:.1%} of the "
        "clients who pay a provider for the first time that others have paid"
    )
    figure, panels = headed(title, 0.3 * len(names) + 1.4, 1, 2, sharey=True)
    for axes, metric in zip(panels, ("hit@10", "map@10"), strict=True):
        means = ordered[metric].to_numpy()
        low, high = (ordered[f"{metric}{end}"].to_numpy() for end in ("_lo", "_hi"))
        axes.barh(
            names, means, xerr=[means - low, high - means], color=_colours(names),
            error_kw={"capsize": 2, "ecolor": INK},
        )  # fmt: skip
        for place, (mean, top) in enumerate(zip(means, high, strict=True)):
            axes.text(top, place, f" {mean:.3f}", va="center", fontsize=8)
        axes.set_xlim(0, float(high.max()) * 1.2)
        axes.grid(visible=False, axis="y")
        subtitle(axes, f"{metric}, bars: 95 % intervals by client")
    return figure


@mpl.rc_context(STYLE)
def validations(table: pd.DataFrame) -> Figure:
    """MAP@10 of each model by random masking and out of time."""
    wide = table.pivot_table("map@10", "model", "validation")
    wide = wide.sort_values("out_of_time", kind="stable")
    flattered = int((wide["masked"] > wide["out_of_time"]).sum())
    title = (
        f"Random masking flatters {flattered} of {len(wide)} models: MAP@10 when hidden pairs are "
        "to be found, and when later ones are"
    )
    figure, (axes,) = headed(title, 0.36 * len(wide) + 1.5)
    places = np.arange(len(wide))
    axes.barh(places + 0.2, wide["masked"], height=0.38, color=PALE, label="random masking")
    axes.barh(places - 0.2, wide["out_of_time"], height=0.38, color=PLAIN, label="out of time")
    axes.set_yticks(places, list(wide.index))
    axes.grid(visible=False, axis="y")
    axes.legend(frameon=False, loc="lower right")
    return figure


@mpl.rc_context(STYLE)
def origins(table: pd.DataFrame) -> Figure:
    """MAP@10 of each model at each origin."""
    figure, axes = one_panel(8, 3.8, "MAP@10 of new providers by cut-off")
    last = table["cutoff"].max()
    ends = table[table["cutoff"] == last].sort_values("map@10")
    for name, lines in table.groupby("model", sort=False):
        (colour,) = _colours([str(name)])
        axes.plot(lines["cutoff"], lines["map@10"], marker="o", ms=3, color=colour)
    previous, step = -np.inf, float(table["map@10"].max()) / 22
    for row in ends.itertuples():
        (colour,) = _colours([str(row.model)])
        value = float(ends.loc[row.Index, "map@10"])
        previous = max(value, previous + step)  # labels must not cover each other
        axes.annotate(
            str(row.model), (last, previous), (8, 0), textcoords="offset points", va="center",
            fontsize=8, color=colour, annotation_clip=False,
        )  # fmt: skip
    axes.set_ylim(0, None)
    axes.set_ylabel("MAP@10")
    axes.margins(x=0.2)
    return figure


@mpl.rc_context(STYLE)
def importances(table: pd.DataFrame) -> Figure:
    """What the second stage looks at most."""
    shown = table.head(_MOST).iloc[::-1]
    title = "What the second stage of new providers looks at"
    figure, axes = one_panel(8, 0.24 * len(shown) + 1.2, title)
    axes.barh(shown["feature"], shown["importance"], color=CONTRAST, height=0.65)
    axes.set_xlabel("importance: mean change of the prediction (all features: 100)")
    axes.grid(visible=False, axis="y")
    return figure

"""Figures of repetition: evidence, comparison, stability over time, cards, calibration."""

import textwrap
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from src.drawing import CONTRAST, FAINT, INK, PALE, PLAIN, STYLE, headed, one_panel, subtitle
from src.payments.operations.factors import FACTORS
from src.payments.operations.woe import Bins

MODELS = {"booster": CONTRAST, "network": "#009E73", "logistic": PLAIN}  # others are FAINT
_COLUMNS = 4
_MOST = 25  # factors shown


@mpl.rc_context(STYLE | {"font.size": 7})
def weights_of_evidence(dictionary: Sequence[Bins]) -> Figure:
    """A panel per factor, the most informative first: each bin's weight and share."""
    titles = {factor.name: factor.en for factor in FACTORS}
    ordered = sorted(dictionary, key=lambda bins: -bins.iv)
    rows = max(-(-len(ordered) // _COLUMNS), 1)
    figure, panels = headed(
        "What each value of a factor says about a repetition: weight of evidence of its bins "
        "(bars) and information value (IV)",
        1.0 + 1.9 * rows, rows, _COLUMNS,
    )  # fmt: skip
    for axes, bins in zip(panels, ordered, strict=False):
        seen = np.array(bins.events) + np.array(bins.others) > 0
        labels = [label for label, has in zip(bins.labels, seen, strict=True) if has]
        weights = bins.woe[seen]
        axes.bar(range(len(weights)), weights, color=np.where(weights > 0, PLAIN, PALE))
        axes.axhline(0, color=INK, lw=0.6)
        step = -(-len(labels) // 8)
        axes.set_xticks(range(0, len(labels), step), labels[::step], rotation=90, fontsize=5)
        subtitle(axes, f"{textwrap.fill(titles[bins.name], 30)}\nIV {bins.iv:.2f}")
        axes.title.set_fontsize(6.5)
    for axes in panels[len(ordered) :]:
        axes.set_axis_off()
    return figure


@mpl.rc_context(STYLE)
def comparison(table: dict[str, dict[str, float]], horizon_days: int) -> Figure:
    """Gini of models and rules, with 95 % intervals."""
    names = sorted(table, key=lambda name: table[name]["gini"])
    means = np.array([table[name]["gini"] for name in names])
    # the quantiles of few resamples may leave the value itself outside
    low = np.maximum(means - [table[name]["gini_lo"] for name in names], 0)
    high = np.maximum([table[name]["gini_hi"] for name in names] - means, 0)
    days = "the next day" if horizon_days == 1 else f"within {horizon_days} days"
    figure, axes = one_panel(8, 0.36 * len(names) + 1.3, f"Who tells what is repeated {days}")
    axes.barh(
        names,
        means,
        xerr=[low, high],
        color=[MODELS.get(name, FAINT) for name in names],
        error_kw={"capsize": 3, "ecolor": INK},
    )
    for index, (mean, top) in enumerate(zip(means, high, strict=True)):
        axes.text(mean + top + 0.01, index, f"{mean:.3f}", va="center")
    axes.set_xlim(min(0.0, float((means - low).min())), 1)
    axes.set_xlabel("Gini out of time (1 is a perfect ranking), bars: 95 % intervals by client")
    axes.grid(visible=False, axis="y")
    return figure


@mpl.rc_context(STYLE)
def over_time(table: pd.DataFrame) -> Figure:
    """Gini of each model by cut-off."""
    figure, axes = one_panel(8, 3.4, "Gini by cut-off")
    for name, lines in table.groupby("model", sort=False):
        days = pd.to_datetime(lines["cutoff"]).to_numpy()
        axes.plot(days, lines["gini"], marker="o", ms=3, color=MODELS.get(str(name), FAINT))
        axes.text(days[-1], lines["gini"].iloc[-1], f"  {name}", va="center",
                  color=MODELS.get(str(name), FAINT))  # fmt: skip
    axes.set_ylabel("Gini")
    axes.tick_params(axis="x", rotation=30)
    axes.margins(x=0.12)
    return figure


@mpl.rc_context(STYLE)
def cards(table: pd.DataFrame, chosen: dict[str, float]) -> Figure:
    """Share of repetitions shown against the share of cards that are right; the threshold."""
    figure, axes = one_panel(8, 3.8, "Cards: how much they cover, and how many are right")
    for name, lines in table.groupby("model", sort=False):
        colour = MODELS.get(str(name), FAINT)
        axes.plot(lines["coverage"], lines["precision"], color=colour, label=name)
    axes.plot(chosen["coverage"], chosen["precision"], "o", color=INK)
    axes.annotate(
        f"the threshold of validation: {chosen['coverage']:.0%} covered, "
        f"{chosen['precision']:.1%} right",
        (chosen["coverage"], chosen["precision"]),
        (8, 8),
        textcoords="offset points",
        color=INK,
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, None)
    axes.set_xlabel("coverage: share of the repetitions that are shown")
    axes.set_ylabel("precision")
    axes.legend(frameon=False)
    return figure


@mpl.rc_context(STYLE)
def reliability(table: pd.DataFrame) -> Figure:
    """Predicted chance against the observed share, by model; both axes logarithmic."""
    figure, axes = one_panel(5.4, 4.6, "Are the chances true?")
    for name, lines in table.groupby("model", sort=False):
        kept = lines[(lines["observed"] > 0) & (lines["predicted"] > 0)]
        axes.plot(
            kept["predicted"], kept["observed"], marker="o", ms=4, label=name,
            color=MODELS.get(str(name), FAINT),
        )  # fmt: skip
    positive = table[table["predicted"] > 0]["predicted"]
    ends = [positive.min(), 1.0] if len(positive) else [1e-4, 1.0]
    axes.plot(ends, ends, color=FAINT, ls="--", lw=1)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("predicted chance of a repetition (tenths of the observations)")
    axes.set_ylabel("observed share")
    axes.legend(frameon=False)
    return figure


@mpl.rc_context(STYLE)
def factors(table: pd.DataFrame) -> Figure:
    """The factors that move the booster most, and how much they tell alone."""
    shown = table.head(_MOST).iloc[::-1]
    title = "What the booster looks at: mean size of a factor's contribution"
    figure, (left, right) = headed(title, 0.24 * len(shown) + 1.2, 1, 2, sharey=True)
    places = range(len(shown))
    left.barh(places, shown["mean_shap"], color=MODELS["booster"], height=0.65)
    right.barh(places, shown["iv"], color=PLAIN, height=0.65)
    left.set_yticks(places, list(shown["title"]))
    subtitle(left, "mean |SHAP value|, log odds")
    subtitle(right, "information value")
    for axes in (left, right):
        axes.grid(visible=False, axis="y")
    return figure

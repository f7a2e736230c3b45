"""Figures of compared models, in colours that the colour-blind can tell apart, too."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from src.drawing import PLAIN, STYLE, one_panel

MODELS = {  # Okabe and Ito's palette; other models are PLAIN
    "popularity": "#999999",
    "als": "#E69F00",
    "kmeans": "#56B4E9",
    "mlc": "#009E73",
    "interleave": "#CC79A7",
    "ranker": "#8C564B",
    "propensity": "#000000",
    "blend": "#D55E00",
}


@mpl.rc_context(STYLE)
def comparison(table: dict[str, dict[str, float]], month: str) -> Figure:
    """Models side by side: MAP@7 among adders with 95 % intervals."""
    names = sorted(table, key=lambda name: table[name]["map@7_adders"])
    means = np.array([table[name]["map@7_adders"] for name in names])
    low = means - [table[name]["map@7_adders_lo"] for name in names]
    high = np.array([table[name]["map@7_adders_hi"] for name in names]) - means
    title = f"How well each model ranks what customers add in {month}"
    figure, axes = one_panel(8, 3.4, title)
    axes.barh(
        names,
        means,
        xerr=[low, high],
        color=[MODELS.get(name, PLAIN) for name in names],
        error_kw={"capsize": 3, "ecolor": "#333333"},
    )
    for index, (mean, top) in enumerate(zip(means, high, strict=True)):
        axes.text(mean + top + 0.01, index, f"{mean:.3f}", va="center")
    axes.set_xlim(0, 1)
    axes.set_xlabel("MAP@7 among adders (1 is a perfect ranking), bars: 95 % intervals")
    axes.grid(visible=False, axis="y")
    return figure


@mpl.rc_context(STYLE)
def map_at_k(table: pd.DataFrame) -> Figure:
    """MAP@k among adders against the length of the list, one line per model."""
    figure, axes = one_panel(8, 4, "MAP@k among adders by length of the list")
    ends = {}
    for name in table["model"].unique():
        lines = table[table["model"] == name]
        axes.plot(lines["k"], lines["map"], marker="o", ms=4, color=MODELS.get(name, PLAIN))
        ends[name] = lines["map"].iloc[-1]
    longest = table["k"].max()
    previous = -1.0
    for name, end in sorted(ends.items(), key=lambda item: item[1]):
        previous = max(end, previous + 0.035)  # labels must not cover each other
        axes.text(longest + 0.1, previous, name, va="center", color=MODELS.get(name, PLAIN))
    axes.set_xlim(1, longest + 1.2)
    axes.set_xticks(range(1, longest + 1))
    axes.set_xlabel("k, products in the list")
    axes.set_ylabel("MAP@k")
    return figure


@mpl.rc_context(STYLE)
def product_precision(table: pd.DataFrame) -> Figure:
    """Average precision of each product: blend, popularity, and the blind guess."""
    shown = table.iloc[::-1]
    figure, axes = one_panel(8, 0.3 * len(shown) + 1.4, "Which additions can be predicted")
    places = np.arange(len(shown))
    axes.barh(places, shown["blend"], color=MODELS["blend"], height=0.6, label="blend")
    axes.plot(shown["share"], places, "|", ms=12, mew=2, color="#333333", label="blind guess")
    labels = [
        f"{title}  ({count:,})"
        for title, count in zip(shown["title"], shown["additions"], strict=True)
    ]
    axes.set_yticks(places, labels)
    axes.set_xlim(0, 1)
    axes.set_xlabel("average precision among adders who did not hold it (additions)")
    axes.grid(visible=False, axis="y")
    axes.legend(loc="lower right", frameon=False)
    return figure


@mpl.rc_context(STYLE)
def reliability(table: pd.DataFrame) -> Figure:
    """Predicted against observed share of additions; on the diagonal, probabilities are true."""
    figure, axes = one_panel(5.4, 4.6, "Are the blend's probabilities true?")
    axes.plot([0, 1], [0, 1], color="#999999", ls="--", lw=1)
    axes.plot(table["predicted"], table["observed"], marker="o", color=MODELS["blend"])
    for row in table.itertuples():
        axes.annotate(
            f"{row.pairs:,}",
            (row.predicted, row.observed),
            (6, -10),
            textcoords="offset points",
            fontsize=8,
            color="#555555",
        )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel("predicted share of an adder's additions")
    axes.set_ylabel("observed share (numbers: customer-product pairs)")
    return figure

"""Figures of the products pipeline: PNG, in colours that everybody can tell apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.drawing import PLAIN, STYLE, save
from src.products.schema import Schema

# Okabe and Ito's palette
COLOURS = {
    "popularity": "#999999",
    "als": "#E69F00",
    "kmeans": "#56B4E9",
    "mlc": "#009E73",
    "interleave": "#CC79A7",
    "blend": "#D55E00",
}


@contextmanager
def _figure(path: str | Path, width: float, height: float, title: str) -> Iterator[Axes]:
    """A figure with one panel, written as PNG when the block ends."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots()
        axes.set_title(title)
        yield axes
        save(path, figure)


def comparison(path: str, table: dict[str, dict[str, float]], month: str) -> None:
    """Models side by side: MAP@7 among adders with 95 % intervals."""
    names = sorted(table, key=lambda name: table[name]["map@7_adders"])
    means = np.array([table[name]["map@7_adders"] for name in names])
    low = means - [table[name]["map@7_adders_lo"] for name in names]
    high = np.array([table[name]["map@7_adders_hi"] for name in names]) - means
    title = f"How well each model ranks what customers add in {month}"
    with _figure(path, 8, 3.4, title) as axes:
        axes.barh(
            names,
            means,
            xerr=[low, high],
            color=[COLOURS.get(name, PLAIN) for name in names],
            error_kw={"capsize": 3, "ecolor": "#333333"},
        )
        for index, (mean, top) in enumerate(zip(means, high, strict=True)):
            axes.text(mean + top + 0.01, index, f"{mean:.3f}", va="center")
        axes.set_xlim(0, 1)
        axes.set_xlabel("MAP@7 among adders (1 is a perfect ranking), bars: 95 % intervals")
        axes.grid(visible=False, axis="y")


def map_at_k(path: str, table: pd.DataFrame) -> None:
    """MAP@k among adders against the length of the list, one line per model."""
    with _figure(path, 8, 4, "MAP@k among adders by length of the list") as axes:
        ends = {}
        for name in table["model"].unique():
            lines = table[table["model"] == name]
            axes.plot(lines["k"], lines["map"], marker="o", ms=4, color=COLOURS.get(name, PLAIN))
            ends[name] = lines["map"].iloc[-1]
        longest = table["k"].max()
        previous = -1.0
        for name, end in sorted(ends.items(), key=lambda item: item[1]):
            previous = max(end, previous + 0.035)  # labels must not cover each other
            axes.text(longest + 0.1, previous, name, va="center", color=COLOURS.get(name, PLAIN))
        axes.set_xlim(1, longest + 1.2)
        axes.set_xticks(range(1, longest + 1))
        axes.set_xlabel("k, products in the list")
        axes.set_ylabel("MAP@k")


def product_precision(path: str, table: pd.DataFrame) -> None:
    """Average precision of each product: blend, popularity, and the blind guess."""
    shown = table.iloc[::-1]
    with _figure(path, 8, 0.3 * len(shown) + 1.4, "Which additions can be told") as axes:
        places = np.arange(len(shown))
        axes.barh(places, shown["blend"], color=COLOURS["blend"], height=0.6, label="blend")
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


def reliability(path: str, table: pd.DataFrame) -> None:
    """Predicted against observed share of additions; on the diagonal, probabilities are true."""
    with _figure(path, 5.4, 4.6, "Are the blend's probabilities true?") as axes:
        axes.plot([0, 1], [0, 1], color="#999999", ls="--", lw=1)
        axes.plot(table["predicted"], table["observed"], marker="o", color=COLOURS["blend"])
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


def importances(path: str, table: pd.DataFrame, schema: Schema) -> None:
    """The 25 features that move the blend's prediction most."""
    shown = table.head(25).iloc[::-1]
    with _figure(path, 8, 6.6, "What the blend looks at") as axes:
        labels = [_readable(name, schema) for name in shown["feature"]]
        axes.barh(labels, shown["importance"], color=PLAIN)
        axes.set_xlabel("importance, per cent of all features")
        axes.grid(visible=False, axis="y")


def additions(path: str, monthly: dict[str, NDArray[np.int64]], schema: Schema) -> None:
    """Additions per month, stacked by product: the seven most added, and the others."""
    counts = np.array(list(monthly.values()))
    titles = [title.en for title in schema.products.values()]
    order = np.argsort(-counts.sum(axis=0), kind="stable")
    top, rest = order[:7], order[7:]
    months = [month[:7] for month in monthly]
    palette = [PLAIN, *(COLOURS[name] for name in COLOURS if name != "popularity"), "#F0E442"]
    with _figure(path, 9, 4.4, "Products added per month") as axes:
        bottom = np.zeros(len(months))
        for colour, item in zip(palette, top, strict=False):
            axes.bar(months, counts[:, item], bottom=bottom, color=colour, label=titles[item])
            bottom += counts[:, item]
        others = counts[:, rest].sum(axis=1)
        axes.bar(months, others, bottom=bottom, color=COLOURS["popularity"], label="others")
        axes.set_ylabel("additions")
        axes.tick_params(axis="x", rotation=45)
        axes.grid(visible=False, axis="x")
        axes.legend(
            loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, reverse=True, fontsize=9
        )


def _readable(feature: str, schema: Schema) -> str:
    """'held_lag1:ind_cco_fin_ult1' -> 'held lag1: Current account'."""
    kind, _, product = feature.partition(":")
    title = f": {schema.products[product].en}" if product in schema.products else ""
    return kind.replace("_", " ") + title

"""Figures that only the products pipeline has: what the blend looks at, additions per month."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from src.drawing import CONTRAST, PLAIN, STYLE, headed, one_panel
from src.evaluation.figures import MODELS
from src.products.schema import Schema


@mpl.rc_context(STYLE)
def importances(table: pd.DataFrame, schema: Schema) -> Figure:
    """The 25 features that move the blend's prediction most."""
    shown = table.head(25).iloc[::-1]
    figure, axes = one_panel(8, 6.6, "What the blend looks at")
    labels = [_readable(name, schema) for name in shown["feature"]]
    axes.barh(labels, shown["importance"], color=PLAIN)
    axes.set_xlabel("importance, per cent of all features")
    axes.grid(visible=False, axis="y")
    return figure


@mpl.rc_context(STYLE)
def additions(monthly: dict[str, NDArray[np.int64]], schema: Schema) -> Figure:
    """Additions per month, stacked by product: the seven most added, and the others."""
    counts = np.array(list(monthly.values()))
    titles = [title.en for title in schema.products.values()]
    order = np.argsort(-counts.sum(axis=0), kind="stable")
    top, rest = order[:7], order[7:]
    months = [month[:7] for month in monthly]
    palette = [PLAIN, *(MODELS[name] for name in MODELS if name != "popularity"), "#F0E442"]
    figure, axes = one_panel(9, 4.4, "Products added per month")
    bottom = np.zeros(len(months))
    for colour, item in zip(palette, top, strict=False):
        axes.bar(months, counts[:, item], bottom=bottom, color=colour, label=titles[item])
        bottom += counts[:, item]
    others = counts[:, rest].sum(axis=1)
    axes.bar(months, others, bottom=bottom, color=MODELS["popularity"], label="others")
    axes.set_ylabel("additions")
    axes.tick_params(axis="x", rotation=45)
    axes.grid(visible=False, axis="x")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, reverse=True, fontsize=9)
    return figure


@mpl.rc_context(STYLE)
def gains(table: pd.DataFrame) -> Figure:
    """Share of the adders that the customers with the highest scores hold, one line per score."""
    figure, axes = one_panel(7, 4.6, "Who adds: adders found among the customers who come first")
    axes.plot([0, 1], [0, 1], color="#999999", ls="--", lw=1)
    colours = {"propensity": CONTRAST, "segment rate": PLAIN, "recency": "#009E73"}
    for name, own in table.groupby("score", sort=False):
        line = colours.get(str(name), "#999999")
        axes.plot(own["share"], own["found"], color=line, label=str(name))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("customers, those with the highest score first (dashed: at random)")
    axes.set_ylabel("adders found")
    axes.legend(loc="lower right", frameon=False)
    return figure


@mpl.rc_context(STYLE)
def calibration(table: pd.DataFrame) -> Figure:
    """Mean chance against observed share in ten bins of customers, a panel per product."""
    titles = list(dict.fromkeys(table["title"]))
    columns = min(len(titles), 3)
    rows = -(-len(titles) // columns)
    shown = "Do the chances come true? Ten bins of as many customers each, by chance"
    figure, panels = headed(shown, 2.6 * rows, rows, columns)
    for axes, title in zip(panels, titles, strict=False):
        own = table[table["title"] == title]
        most = float(max(own["predicted"].max(), own["observed"].max(), 1e-6)) * 1.08
        axes.plot([0, most], [0, most], color="#999999", ls="--", lw=1)
        axes.plot(own["predicted"], own["observed"], marker="o", ms=4, color=CONTRAST)
        axes.set_title(title, fontsize=9)
        axes.set_xlim(0, most)
        axes.set_ylim(0, most)
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.tick_params(labelsize=8)
    for axes in panels[len(titles) :]:
        axes.set_axis_off()
    figure.supxlabel("mean chance", fontsize=9)
    figure.supylabel("share who added", fontsize=9)
    return figure


def _readable(feature: str, schema: Schema) -> str:
    """'held_lag1:ind_cco_fin_ult1' -> 'held lag1: Current account'."""
    kind, _, product = feature.partition(":")
    title = f": {schema.products[product].en}" if product in schema.products else ""
    return kind.replace("_", " ") + title

"""Figures that only the products pipeline has: what the blend looks at, additions per month."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from src.drawing import PLAIN, STYLE, one_panel
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


def _readable(feature: str, schema: Schema) -> str:
    """'held_lag1:ind_cco_fin_ult1' -> 'held lag1: Current account'."""
    kind, _, product = feature.partition(":")
    title = f": {schema.products[product].en}" if product in schema.products else ""
    return kind.replace("_", " ") + title

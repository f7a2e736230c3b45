"""write: the model card, from metrics and tables alone, so that it says what was measured."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from src import params
from src.card import paths
from src.card.figures import MOST
from src.card.groups import PARAMS, Slices
from src.errors import run
from src.evaluation.differences import VERDICT_ON
from src.evaluation.report import models_of
from src.products import paths as products
from src.products.schema import Schema
from src.products.windows import Windows
from src.reporting import atomic

SIMULATED = "data/simulation/"  # where the simulator of this repository writes

PURPOSE = """\
## What it is for

For every customer of a bank, from monthly snapshots of profiles and holdings: the chance that they
add something next month, the chance of each product, and the products that they do not hold in the
order in which they are likely to be added. Made for choosing whom to contact about what, by people
or by the campaign of this repository, within the bank's rules of eligibility.

## What it is not for

- Granting, pricing or refusing a product. It knows nothing of creditworthiness or suitability.
- Saying that an offer *causes* an addition: customers who would have added anyway are counted, and
  no offers are in the data, so no uplift can be learnt from them.
- Other banks' customers, or months unlike those learnt from, without measuring it again.
"""

LIMITS = """\
## Limits

- One month is one draw. Seasons differ; the backtest (docs/backtest.md) measures many months.
- Groups are compared one attribute at a time. Of many groups, the two farthest apart are chosen by
  being so: the difference is larger than it would be next month.
- Leaving columns out does not make a model blind to them: others (tenure, products held) go along
  with age and sex.
- Who had few offers in the past has few additions to learn from. The data cannot tell a customer
  who does not want a product from one who was never offered it.
"""

WORDS = {
    "map@7_adders": "MAP@7 among adders",
    "found@5%": "share of a group's adders among the 5 % to be contacted",
    "contacted": "share of a group among the 5 % to be contacted",
    "surplus": "mean chance minus share who added",
    "auc_anything": "AUC of adding anything",
}


def interval(row: Mapping[Any, Any], name: str, digits: int = 3) -> str:
    """A value and its interval: 0.812 (0.790 … 0.834)."""
    low, high = row[f"{name}_lo"], row[f"{name}_hi"]
    return f"{row[name]:.{digits}f} ({low:.{digits}f} … {high:.{digits}f})"


def percents(row: Mapping[Any, Any], name: str) -> str:
    """As `interval`, in per cent."""
    low, high = row[f"{name}_lo"], row[f"{name}_hi"]
    return f"{row[name]:.1%} ({low:.1%} … {high:.1%})"


def data(windows: Windows, quality: dict[str, Any], metrics: dict[str, Any]) -> str:
    """Where the figures come from."""
    test, source = metrics["test"], quality["source"]
    origin = (
        "**simulated** customers, who stand for no bank's"
        if source.startswith(SIMULATED)
        else "a bank's own customers"
    )
    lines = [
        "## Data",
        "",
        f"`{source}`: {origin}; {quality['customers']:,} of them in {quality['months']} months, "
        f"{quality['first_month']} … {quality['last_month']}, {quality['rows']:,} rows, "
        f"{quality['rejected']:,} of which could not be read.",
        "",
        "| window | months | used for |",
        "| --- | --- | --- |",
        f"| base | {windows.base[0]} … {windows.base[-1]} | first-stage models |",
        f"| blend | {windows.blend[0]} … {windows.blend[-1]} | ranker, propensity, their weights |",
        f"| test | {windows.test[0]} | every figure below; nothing was learnt from it |",
        "",
        f"In the test month {test['adders']:,} of {test['customers']:,} customers "
        f"({test['adders'] / test['customers']:.1%}) added {test['additions']:,} products.",
    ]
    for warning in windows.warnings:
        lines += ["", f"**Warning**: {warning}."]
    return "\n".join(lines)


def ranking(metrics: dict[str, Any]) -> str:
    """How well each model ranks, beside popularity."""
    lines = [
        "## Which product",
        "",
        "| model | MAP@7 among adders | recall@7 | hit rate@3 |",
        "| --- | :-: | --: | --: |",
    ]
    for name in models_of(metrics):
        row = metrics[name]
        title = f"**{name}**" if name == VERDICT_ON else name
        lines.append(
            f"| {title} | {interval(row, 'map@7_adders')} | {row['recall@7_adders']:.3f} "
            f"| {row['hit_rate@3_adders']:.3f} |"
        )
    best, popular = metrics[VERDICT_ON], metrics["popularity"]
    if best["map@7_adders"] <= popular["map@7_adders"]:
        lines += ["", "**The blend ranks no better than popularity: do not use it.**"]
    return "\n".join(lines)


def who(targeting: dict[str, Any], schema: Schema) -> str:
    """How well propensity tells who adds, and whether its chances come true."""
    anything = targeting["anything"]
    lines = [
        "## Who adds",
        "",
        "| score | AUC | adders among the first 5 % | calibration error |",
        "| --- | :-: | :-: | :-: |",
    ]
    for name, row in anything.items():
        if name == "rate":
            continue
        error = interval(row, "calibration_error", 4) if "calibration_error" in row else ""
        lines.append(f"| {name} | {interval(row, 'auc')} | {percents(row, 'found@5%')} | {error} |")
    products_ = {name: row for name, row in targeting.items() if name != "anything"}
    lines += [
        "",
        "Calibration error: the mean difference between chance and share who added, in ten bins of "
        "as many customers each.",
        "",
        "| product | additions | rate | AUC | calibration error |",
        "| --- | --: | --: | :-: | :-: |",
    ]
    for name, row in sorted(products_.items(), key=lambda item: -item[1]["additions"]):
        lines.append(
            f"| {schema.products[name].en} | {row['additions']:,} | {row['rate']:.2%} "
            f"| {interval(row, 'auc')} | {interval(row, 'calibration_error', 4)} |"
        )
    left_out = len(schema.products) - len(products_)
    if left_out:
        lines += ["", f"{left_out} products were added too seldom to be judged."]
    return "\n".join(lines)


def groups(table: pd.DataFrame, offers: pd.DataFrame, fewest: int) -> str:
    """Quality, exposure and calibration of every group."""
    lines = [
        "## Groups of customers",
        "",
        "![Groups side by side](../plots/card/slices.png)",
        "",
        f"*Contacted*: among the 5 % with the highest chance of adding anything. Groups of fewer "
        f"than {fewest} adders are marked \N{DAGGER} and not judged. "
        f"Every group: [slices.csv](../{paths.SLICES}).",
        "",
        "| group | customers | adders | MAP@7 among adders | recall@7 | contacted | added "
        "| mean chance | offered first most |",
        "| --- | --: | --: | :-: | --: | --: | :-: | --: | --- |",
    ]
    wide = []
    for attribute, rows in table.groupby("attribute", sort=False):
        if len(rows) > MOST:
            wide.append(f"{attribute} ({len(rows)} groups)")
            continue
        for row in rows.to_dict("records"):
            mark = "" if row["judged"] else " \N{DAGGER}"
            own = offers[(offers["attribute"] == attribute) & (offers["group"] == row["group"])]
            top = own.sort_values("offered", ascending=False, kind="stable").head(2)
            shown = ", ".join(
                f"{one['product']} {one['offered']:.0%}" for one in top.to_dict("records")
            )
            quality = interval(row, "map@7_adders"), f"{row['recall@7_adders']:.3f}"
            quality = quality if row["adders"] else ("", "")
            lines.append(
                f"| {attribute} {row['group']}{mark} | {row['customers']:,} | {row['adders']:,} "
                f"| {' | '.join(quality)} | {row['contacted']:.1%} | {percents(row, 'rate')} "
                f"| {row['chance']:.1%} | {shown} |"
            )
    if wide:
        lines += ["", f"Not shown, because there are too many: {', '.join(wide)}."]
    return "\n".join(lines)


def gap_lines(gaps: dict[str, Any]) -> str:
    """The largest differences between groups in words; those that may be chance are only named."""
    lines, unsure = ["## The largest gaps", ""], []
    for attribute, own in gaps.items():
        for measure, row in own.items():
            if row["difference_lo"] <= 0:
                unsure.append(f"{attribute} ({WORDS[measure]})")
                continue
            lines.append(
                f"- **{attribute}**, {WORDS[measure]}: {row['highest']} "
                f"{row['highest_value']:.3f}, {row['lowest']} {row['lowest_value']:.3f}; "
                f"difference {interval(row, 'difference')}."
            )
    if not gaps:
        lines.append("No attribute has two groups with enough adders.")
    if unsure:
        lines += ["", f"May be chance, as their intervals contain 0: {'; '.join(unsure)}."]
    return "\n".join(lines)


def without(ablation: dict[str, Any]) -> str:
    """What refitting without some columns costs, and what it changes between the groups."""
    names = " and ".join(ablation["without"])
    lines = [
        f"## Without {names}",
        "",
        f"All models refitted without {names}, everything else the same. The first offer stays the "
        f"same for {ablation['same_first_offer']:.1%} of the customers.",
        "",
        "| | with | without | difference |",
        "| --- | --: | --: | :-: |",
    ]
    for measure, row in ablation.items():
        if measure in WORDS:
            title = (
                "adders among the 5 % to be contacted" if measure == "found@5%" else WORDS[measure]
            )
            lines.append(
                f"| {title} | {row['with']:.3f} | {row['without']:.3f} "
                f"| {interval(row, 'difference', 4)} |"
            )
    for attribute, own in ablation["gaps"].items():
        for measure, row in own.items():
            pair = f"{row['highest']} minus {row['lowest']}"
            lines.append(
                f"| {attribute}, {WORDS[measure]}: {pair} | {row['with']:.3f} "
                f"| {row['without']:.3f} | {interval(row, 'difference')} |"
            )
    return "\n".join(lines)


def card(
    parts: dict[str, Any],
    tables: tuple[pd.DataFrame, pd.DataFrame],
    windows: Windows,
    schema: Schema,
    fewest: int,
) -> str:
    """The whole card as Markdown.

    Parameters
    ----------
    parts : dict of path -> content
        Of metrics/quality.json, products.json, propensity.json, slices.json and ablation.json.
    tables : tuple of DataFrame
        Groups, and their first offers.
    windows : Windows
    schema : Schema
    fewest : int
        Adders that a group needs to be judged.
    """
    metrics = parts[products.METRICS]
    return "\n".join(
        [
            "# Model card: who adds a product next month, and which",
            "",
            "*Written by `dvc repro pipelines/card/dvc.yaml` from metrics and tables; whatever is "
            "edited here is lost. In brackets: 95 % bootstrap intervals over customers.*",
            "",
            PURPOSE,
            data(windows, parts[products.QUALITY], metrics),
            "",
            ranking(metrics),
            "",
            who(parts[products.TARGETING], schema),
            "",
            groups(*tables, fewest),
            "",
            gap_lines(parts[paths.GAPS]),
            "",
            without(parts[paths.ABLATION]),
            "",
            LIMITS,
        ]
    )


def main() -> None:
    """Write the card of the last run."""
    names = (
        products.QUALITY,
        products.METRICS,
        products.TARGETING,
        paths.GAPS,
        paths.ABLATION,
    )
    parts = {path: json.loads(Path(path).read_text(encoding="utf-8")) for path in names}
    slices, offers = (
        pd.read_csv(path, converters={"group": str}) for path in (paths.SLICES, paths.FIRST_OFFERS)
    )
    text = card(
        parts,
        (slices, offers),
        Windows.read(),
        params.load("schema", Schema),
        params.load("slices", Slices, PARAMS).fewest,
    )
    with atomic(paths.CARD) as temporary:
        temporary.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run(main)

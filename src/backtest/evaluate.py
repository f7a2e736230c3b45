"""evaluate: the models over all test months, with intervals that respect months and customers."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from src import params
from src.backtest import figures, paths
from src.drawing import save
from src.errors import run
from src.evaluation.comparison import mean_precisions, with_intervals
from src.evaluation.differences import VERDICT_ON, paired
from src.evaluation.intervals import Scores, bootstrap_over_months, resampled_over_months
from src.reporting import write_csv, write_json

PARAMS = "pipelines/backtest/params.yaml"

Precisions = dict[str, list[Scores]]  # of models; by month AP@7 of the adders


class Evaluate(params.Section):
    """Parameters of the stage: bootstrap resamples, and their seed."""

    resamples: int = Field(ge=10)
    seed: int = Field(ge=0)


def by_month(
    months: dict[str, dict[str, Any]], precision: Precisions, settings: Evaluate
) -> dict[str, dict[str, Any]]:
    """What evaluate of the products pipeline reports, of each test month.

    Parameters
    ----------
    months : dict of date -> what predict measured
    precision : dict of name -> list of float arrays, shape (adders,)
    settings : Evaluate
    """
    table = {}
    for place, (date, measured) in enumerate(months.items()):
        own = {name: scores[place] for name, scores in precision.items()}
        means = mean_precisions(own, measured["customers"], settings.resamples, settings.seed)
        counts = {name: count for name, count in measured.items() if name != "models"}
        table[date] = {
            **counts,
            "map@7_max": measured["adders"] / measured["customers"],
            **{name: means[name] | measured["models"][name] for name in means},
        }
    return table


def over_months(
    months: dict[str, dict[str, Any]], precision: Precisions, settings: Evaluate
) -> dict[str, dict[str, float]]:
    """Each metric's mean over months, every month counting the same; the MAPs with intervals."""
    customers = [measured["customers"] for measured in months.values()]
    intervals = bootstrap_over_months(precision, customers, settings.resamples, settings.seed)
    found = [measured["models"] for measured in months.values()]
    return {
        name: with_intervals(*pair)
        | {metric: np.mean([month[name][metric] for month in found]) for metric in found[0][name]}
        for name, pair in intervals.items()
    }


def against_others(precision: Precisions, settings: Evaluate) -> dict[str, dict[str, Any]]:
    """The blend minus each other model, the same adders, MAP@7 among adders over all months."""
    blend = precision[VERDICT_ON]
    pairs = {name: (own, blend) for name, own in precision.items() if name != VERDICT_ON}
    return {
        row.title: {
            "difference": row.change,
            "difference_lo": row.low,
            "difference_hi": row.high,
            "months_higher": sum(
                int(after.mean() > before.mean())
                for before, after in zip(*pairs[row.title], strict=True)
            ),
            "verdict": row.verdict,
        }
        for row in paired(pairs, settings.resamples, settings.seed)
    }


def in_resamples(
    adders: pd.DataFrame, precision: Precisions, customers: list[int], settings: Evaluate
) -> pd.DataFrame:
    """MAP@7 among adders of all models in the same resamples, so that another run can be paired.

    Parameters
    ----------
    adders : DataFrame
        By month and customer: what `precision` was taken from.
    precision : dict of name -> list of float arrays, shape (adders,)
    customers : list of int
        Number of all customers of each month.
    settings : Evaluate

    Returns
    -------
    DataFrame
        First a row of all months as they are, then one of each resample of `over_months`. `adders`
        is the mean of a hash of month and customer: it tells two resamples, or two sets of test
        customers, apart and names nobody.
    """
    hashed = pd.util.hash_pandas_object(adders[["month", "customer"]], index=False) / 2.0**64
    marks = [own.to_numpy() for _, own in hashed.groupby(adders["month"], sort=True)]
    columns = {"adders": marks, **precision}
    months = [np.column_stack(scores) for scores in zip(*columns.values(), strict=True)]
    _, means = resampled_over_months(months, customers, settings.resamples, settings.seed)
    all_months = np.mean([month.mean(axis=0) for month in months], axis=0)
    return pd.DataFrame(np.vstack([all_months, means]), columns=list(columns))


def as_table(months: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """`by_month` as rows of month and model."""
    rows = []
    for date, table in months.items():
        counts = {name: table[name] for name in ("customers", "adders")}
        models = {name: row for name, row in table.items() if isinstance(row, dict)}
        rows += [{"month": date, "model": name, **counts, **row} for name, row in models.items()]
    return pd.DataFrame(rows)


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("evaluate", Evaluate, PARAMS)
    content = json.loads(Path(paths.MONTHS).read_text(encoding="utf-8"))
    months = content["months"]
    adders = pd.read_parquet(paths.ADDERS)
    parts = [own for _, own in adders.groupby("month", sort=True)]
    precision = {
        str(name): [own[name].to_numpy() for own in parts]
        for name in adders.columns.drop(["month", "customer"])
    }
    monthly = by_month(months, precision, settings)
    sums = {
        name: sum(measured[name] for measured in months.values())
        for name in ("customers", "adders", "additions")
    }
    write_json(
        paths.METRICS,
        {
            "test": {
                "months": len(months),
                "first": min(months),
                "last": max(months),
                **sums,
                "map@7_max": np.mean([month["map@7_max"] for month in monthly.values()]),
            },
            **({"warnings": content["warnings"]} if content["warnings"] else {}),
            **over_months(months, precision, settings),
            f"{VERDICT_ON}_minus": against_others(precision, settings),
            "by_month": monthly,
        },
    )
    table = as_table(monthly)
    write_csv(paths.BY_MONTH, table)
    customers = [measured["customers"] for measured in months.values()]
    write_csv(paths.RESAMPLES, in_resamples(adders, precision, customers, settings))
    save(paths.BY_MONTH_PNG, figures.by_month(table))


if __name__ == "__main__":
    run(main)

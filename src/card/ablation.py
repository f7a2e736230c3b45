"""ablation: what it costs to know nothing of age and sex, and what it changes between groups."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from src import params
from src.card import paths
from src.card.groups import (
    PARAMS,
    Floats,
    Slices,
    as_table,
    by_group,
    gap,
    groups_of,
    largest_gaps,
)
from src.card.outcome import outcome_of
from src.errors import InputError, run
from src.evaluation.intervals import percentile_interval
from src.evaluation.targeting import Resampling
from src.products.dataset import Dataset
from src.products.fitting import fit_all
from src.products.schema import Schema
from src.reporting import write_json
from src.tables.months import month_of

MEASURES = {"map@7_adders": "precision", "auc_anything": "placement", "found@5%": "found"}


class Ablation(params.Section):
    """Parameters of the stage: columns of the profile that the models are refitted without."""

    without: list[str] = Field(min_length=1)


def reduced(schema: Schema, without: list[str]) -> Schema:
    """The schema without some columns of the profile.

    Raises
    ------
    InputError
        It has none of them.
    """
    if not set(without) & set(schema.profile):
        raise InputError(
            f"{PARAMS}: ablation.without names {', '.join(without)}, none of which is a "
            f"column of the profile; those are {', '.join(schema.profile)}"
        )
    kept = {
        part: {name: raw for name, raw in getattr(schema, part).items() if name not in without}
        for part in ("numeric", "categorical")
    }
    return schema.model_copy(update=kept)


def changes(
    before: pd.DataFrame, after: pd.DataFrame, resampling: Resampling
) -> dict[str, dict[str, float]]:
    """Measures of all customers before and after, their difference and its paired interval."""
    table = {}
    adds = before["adds"].to_numpy()
    for name, column in MEASURES.items():
        columns = [
            one["contacted"] * one["adds"] if column == "found" else one[column]
            for one in (before, after)
        ]
        values = np.column_stack([*columns, adds])
        sums = np.vstack([values.sum(axis=0), resampling.sums(values)])
        old, new = sums[:, 0] / sums[:, 2], sums[:, 1] / sums[:, 2]
        table[name] = {
            "with": old[0],
            "without": new[0],
            **percentile_interval(new - old).named("difference"),
        }
    return table


def changed_gaps(
    gaps: dict[str, dict[str, dict[str, Any]]],
    before: dict[tuple[str, str], dict[str, Floats]],
    after: dict[tuple[str, str], dict[str, Floats]],
) -> dict[str, dict[str, dict[str, Any]]]:
    """The same gaps between the same groups, when the models know less."""
    table: dict[str, dict[str, dict[str, Any]]] = {}
    for attribute, own in gaps.items():
        table[attribute] = {}
        for measure, old in own.items():
            pair = old["highest"], old["lowest"]
            new = gap(after, attribute, pair, measure)
            apart = [
                one[attribute, pair[0]][measure] - one[attribute, pair[1]][measure]
                for one in (before, after)
            ]
            table[attribute][measure] = {
                "highest": pair[0],
                "lowest": pair[1],
                "with": old["difference"],
                "without": new["difference"],
                **percentile_interval(apart[1] - apart[0]).named("difference"),
            }
    return table


def same_first_offer(before: pd.DataFrame, after: pd.DataFrame) -> float:
    """Share of the customers whose first offer stays the same."""
    return float((before["first"] == after["first"]).mean())


def main() -> None:
    """Run the stage as pipelines/card/params.yaml says."""
    settings = params.load("ablation", Ablation, PARAMS)
    slices = params.load("slices", Slices, PARAMS)
    schema = params.load("schema", Schema)
    dataset = Dataset.open(schema)
    (date,) = dataset.windows.test
    customers = dataset.customers(month_of(date))
    additions: NDArray[np.bool_] = dataset.additions(month_of(date))[dataset.rows(customers)]
    before = pd.read_parquet(paths.OUTCOME)
    models = fit_all(Dataset.open(reduced(schema, settings.without)))
    after = outcome_of(models, customers, additions, "test month")
    groups = groups_of(customers, slices.ages)
    groups = groups[[name for name in groups if name in settings.without]]
    resampling = Resampling.of(len(before), slices.resamples, slices.seed)
    measured = [by_group(one, groups, resampling) for one in (before, after)]
    gaps = largest_gaps(as_table(measured[0], before, groups, slices.fewest), measured[0])
    write_json(
        paths.ABLATION,
        {
            "without": [name for name in settings.without if name in schema.profile],
            **changes(before, after, resampling),
            "same_first_offer": same_first_offer(before, after),
            "gaps": changed_gaps(gaps, *measured),
        },
    )


if __name__ == "__main__":
    run(main)

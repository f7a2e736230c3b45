"""Groups of customers: how well each is served, what it is offered, whether chances come true."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, field_validator

from src import params
from src.evaluation.intervals import percentile_interval
from src.evaluation.targeting import Resampling
from src.models.customers import Customers

PARAMS = "pipelines/card/params.yaml"

Floats = NDArray[np.float64]

# Each is a sum over customers divided by another: by that of adders, or by that of all.
PER_ADDER = {"map@7_adders": "precision", "recall@7_adders": "recall", "found@5%": "found"}
PER_CUSTOMER = {"contacted": "contacted", "chance": "chance", "rate": "adds", "surplus": "surplus"}
GAPS = ("map@7_adders", "found@5%", "contacted", "surplus")


class Slices(params.Section):
    """Parameters of the stage.

    `fewest`: groups of fewer adders are marked, not judged. `ages`: first years of the age bands
    above the youngest. `resamples`, `seed`: of the bootstrap.
    """

    fewest: int = Field(ge=1)
    ages: list[int] = Field(min_length=1)
    resamples: int = Field(ge=10)
    seed: int = Field(ge=0)

    @field_validator("ages")
    @classmethod
    def _rising(cls, ages: list[int]) -> list[int]:
        if ages[0] < 1 or ages != sorted(set(ages)):
            raise ValueError("must rise, from 1 year on")
        return ages


def groups_of(customers: Customers, ages: list[int]) -> pd.DataFrame:
    """Which group each customer is in, by attribute; a column of categoricals each.

    Attributes that the bank does not have are left out.

    Parameters
    ----------
    customers : Customers
    ages : list of int
        First years of the age bands, but the youngest band's, which begins at 0.
    """
    profile = customers.profile
    groups: dict[str, Any] = {}
    if "age" in profile:
        bounded = zip([0, *ages[:-1]], ages, strict=True)
        names = [*(f"{first}-{after - 1}" for first, after in bounded), f"{ages[-1]}+"]
        edges = [-np.inf, *ages, np.inf]
        groups["age"] = pd.cut(profile["age"], edges, right=False, labels=names).array
    for name in ("sex", "segment", "province"):
        if name in profile:
            groups[name] = (
                profile[name].cat.reorder_categories(sorted(profile[name].cat.categories)).array
            )
    if "new_customer" in profile:
        new = (profile["new_customer"] == "1").to_numpy()
        groups["customer"] = _labelled(new.astype(int), ["old", "new"])
    held = np.minimum(customers.history.holdings().sum(axis=1), 3)
    groups["products held"] = _labelled(held, ["0", "1", "2", "3+"])
    return pd.DataFrame(groups)


def _labelled(codes: NDArray[np.integer], names: list[str]) -> pd.Categorical:
    return pd.Categorical(np.array(names)[codes], categories=names)


def drawn(
    outcome: pd.DataFrame, members: NDArray[np.bool_], resampling: Resampling
) -> dict[str, Floats]:
    """Every measure of one group, as it is and then in each resample; (1 + resamples,).

    NaN where no adder, or nobody, was drawn.
    """
    own = outcome[members]
    own = own.assign(
        found=own["contacted"] * own["adds"], surplus=own["chance"] - own["adds"], all=1.0
    )
    columns = own.drop(columns="first")
    values = columns.to_numpy(dtype=np.float64)
    sums = np.vstack([values.sum(axis=0), resampling.of_rows(members).sums(values)])
    by_name = dict(zip(columns, sums.T, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        of_adders = {name: by_name[column] / by_name["adds"] for name, column in PER_ADDER.items()}
        return of_adders | {
            name: by_name[column] / by_name["all"] for name, column in PER_CUSTOMER.items()
        }


def by_group(
    outcome: pd.DataFrame, groups: pd.DataFrame, resampling: Resampling
) -> dict[tuple[str, str], dict[str, Floats]]:
    """`drawn` of every group that has a customer, by attribute and group."""
    table = {}
    for attribute in groups:
        for name in groups[attribute].cat.categories:
            members = (groups[attribute] == name).to_numpy()
            if members.any():
                table[str(attribute), str(name)] = drawn(outcome, members, resampling)
    return table


def as_table(
    measured: dict[tuple[str, str], dict[str, Floats]],
    outcome: pd.DataFrame,
    groups: pd.DataFrame,
    fewest: int,
) -> pd.DataFrame:
    """A row per group: attribute, group, customers, adders, judged, measures with intervals."""
    rows = []
    for (attribute, name), own in measured.items():
        members = (groups[attribute] == name).to_numpy()
        adders = int(outcome["adds"][members].sum())
        row: dict[str, Any] = {"attribute": attribute, "group": name}
        row |= {"customers": int(members.sum()), "adders": adders, "judged": adders >= fewest}
        for measure, values in own.items():
            row |= percentile_interval(values).named(measure)
        rows.append(row)
    return pd.DataFrame(rows)


def largest_gaps(
    table: pd.DataFrame, measured: dict[tuple[str, str], dict[str, Floats]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """The largest difference between two judged groups, by attribute and measure of `GAPS`.

    The intervals are of two groups that were chosen by being the farthest apart: with many groups
    the difference is larger than it would be next month.
    """
    gaps: dict[str, dict[str, dict[str, Any]]] = {}
    for attribute, rows in table[table["judged"]].groupby("attribute", sort=False):
        if len(rows) < 2:
            continue
        own = gaps[str(attribute)] = {}
        for measure in GAPS:
            ordered = rows.sort_values(measure, kind="stable")["group"]
            low, high = ordered.iloc[0], ordered.iloc[-1]
            own[measure] = gap(measured, str(attribute), (high, low), measure)
    return gaps


def gap(
    measured: dict[tuple[str, str], dict[str, Floats]],
    attribute: str,
    pair: tuple[str, str],
    measure: str,
) -> dict[str, Any]:
    """The difference of two groups in a measure, with its interval."""
    highest, lowest = (measured[attribute, name][measure] for name in pair)
    return {
        "highest": pair[0],
        "lowest": pair[1],
        "highest_value": highest[0],
        "lowest_value": lowest[0],
        **percentile_interval(highest - lowest).named("difference"),
    }


def first_offers(
    outcome: pd.DataFrame, groups: pd.DataFrame, additions: NDArray[np.bool_], titles: list[str]
) -> pd.DataFrame:
    """Which product is offered first in each group, beside what its customers added.

    Columns attribute, group, product, offered (share of the group's customers who are offered it
    first), added (its share of the group's additions); products that are neither are left out.
    """
    rows = []
    for attribute in groups:
        for name in groups[attribute].cat.categories:
            members = (groups[attribute] == name).to_numpy()
            first = outcome["first"][members].to_numpy()
            offered = np.bincount(first[first >= 0], minlength=len(titles))
            added = additions[members].sum(axis=0)
            rows += [
                (attribute, name, titles[item], offered[item] / len(first), added[item] / total)
                for total in [max(int(added.sum()), 1)]
                for item in np.argsort(-offered, kind="stable")
                if offered[item] or added[item]
            ]
    return pd.DataFrame(rows, columns=["attribute", "group", "product", "offered", "added"])

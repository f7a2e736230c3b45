"""plan: whom to contact next month, about what and by which channel."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from src import params
from src.campaign import figures, paths
from src.campaign.allocation import Allocation
from src.campaign.audience import Audience, audience, read_chances
from src.campaign.limits import problem_of, solve
from src.campaign.policies import CAMPAIGN, contacts_table, simpler
from src.campaign.prices import bound, find_prices
from src.campaign.problem import Contacts, Problem
from src.campaign.settings import PARAMS, Campaign
from src.drawing import save
from src.errors import InputError, run
from src.models.history import Ids
from src.models.popularity import Popularity
from src.products import paths as products_paths
from src.products.schema import Schema
from src.products.windows import Windows
from src.reporting import atomic, write_csv, write_json, write_parquet

_CAPACITIES = (0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4)  # of the campaign's


def read_profiles(customers: Ids) -> pd.DataFrame:
    """Profiles of the last month.

    Raises
    ------
    InputError
        They are of other customers than the chances.
    """
    if not Path(products_paths.PROFILES).exists():
        raise InputError(f"{products_paths.PROFILES} is missing: run 'dvc repro' first")
    profiles: pd.DataFrame = pq.read_table(products_paths.PROFILES).to_pandas()
    if not np.array_equal(profiles["customer"].to_numpy(), customers):
        raise InputError(
            f"{products_paths.PROFILES} and {products_paths.CHANCES} are about different "
            "customers: run 'dvc repro' first"
        )
    return profiles


def read_scores(customers: Ids, products: list[str]) -> NDArray[np.float32]:
    """Conditional scores of the products in the customers' lists; 0 for all others."""
    lists = pq.read_table(products_paths.RECOMMENDATIONS, columns=["customer", "product", "score"])
    scores = np.zeros((len(customers), len(products)), dtype=np.float32)
    product = lists["product"].combine_chunks()
    if pa.types.is_dictionary(product.type):
        product = product.cast(pa.string())
    items = pa.compute.index_in(product, pa.array(products)).to_numpy()
    rows = np.searchsorted(customers, lists["customer"].to_numpy())
    scores[rows, items] = lists["score"].to_numpy()
    return scores


def summary(problem: Problem, contacts: Contacts) -> dict[str, float]:
    """What contacts are expected to bring."""
    chances = problem.chances[contacts.rows, contacts.products].astype(np.float64)
    return {
        "contacts": len(contacts),
        "additions": chances.sum(),
        "value": contacts.expected(problem).sum(),
    }


def numbers_by(names: list[str], places: NDArray[np.intp]) -> dict[str, int]:
    """How many contacts each product or channel has; those without any are left out."""
    counts = np.bincount(places, minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}


def prices_of(found: Allocation, products: list[str], channels: list[str]) -> dict[str, Any]:
    """What one more contact would bring, by limit; where the limit is not reached, nothing."""

    def other_than_0(names: list[str], prices: NDArray[np.float64]) -> dict[str, float]:
        named = zip(names, prices, strict=True)
        return {name: float(price) for name, price in named if abs(price) > 5e-7}

    return {
        "capacity": found.prices.total,
        "products": other_than_0(products, found.prices.products),
        "channels": other_than_0(channels, found.prices.channels),
    }


def by_capacity(problem: Problem) -> pd.DataFrame:
    """What other capacities would bring at most; columns capacity, value."""
    limits = problem.limits
    needed = max(limits.least.sum(), limits.channel_least.sum(), 1)
    most = min(len(problem.chances) * limits.each, limits.channel_most.sum())
    scaled, unit = problem.scaled()
    rows = []
    for total in sorted({min(int(limits.total * own), most) for own in _CAPACITIES}):
        if total >= needed:
            other = scaled.with_total(total)
            rows.append((total, bound(other, find_prices(other)) * unit))
    return pd.DataFrame(rows, columns=["capacity", "value"])


def contact_list(
    people: Audience, problem: Problem, found: Allocation, products: list[str], channels: list[str]
) -> pa.Table:
    """The contacts, what brings most first; rank is 1 for the first."""
    contacts = found.contacts
    chances = problem.chances[contacts.rows, contacts.products]
    return pa.table(
        {
            "rank": np.arange(1, len(contacts) + 1, dtype=np.int32),
            **contacts_table(people.customers, contacts, products, channels),
            "chance": chances,
            "value": problem.worth[contacts.products],
            "cost": problem.costs[contacts.products, contacts.channels],
            "expected": contacts.expected(problem),
        }
    )


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("campaign", Campaign, PARAMS)
    schema = params.load("schema", Schema)
    products, channels = list(schema.products), list(settings.channels)
    month = Windows.read().next
    customers, chances = read_chances(products_paths.CHANCES, products)
    profiles = read_profiles(customers)
    people = audience(settings, schema, customers, chances, profiles, month)
    del chances, profiles
    problem = problem_of(settings, products, people.chances)
    found = solve(settings, products, problem)
    popularity = Popularity.load(products_paths.POPULARITY).shares
    others = simpler(
        problem, popularity, read_scores(customers, products), len(found.contacts), settings.seed
    )
    table = {
        name: summary(problem, own) for name, own in ({CAMPAIGN: found.contacts} | others).items()
    }
    curve = by_capacity(problem)
    listed = contact_list(people, problem, found, products, channels)
    write_parquet(paths.CONTACTS, listed.replace_schema_metadata({"month": str(month)}))
    with atomic(paths.CONTACTS_CSV) as temporary:
        listed.to_pandas().to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    write_json(
        paths.EXPECTED,
        {
            "month": str(month),
            "customers": len(customers),
            "reachable": people.reachable,
            "ruled_out": people.ruled_out,
            "capacity": problem.limits.total,
            "bound": found.bound,
            "gap": found.gap,
            "policies": table,
            "contacts_by": {
                "products": numbers_by(products, found.contacts.products),
                "channels": numbers_by(channels, found.contacts.channels),
            },
            "prices": prices_of(found, products, channels),
        },
    )
    write_csv(paths.CAPACITY, curve)
    save(paths.CAPACITY_PNG, figures.capacity(curve, problem.limits.total))
    save(paths.EXPECTED_PNG, figures.expected(table, str(month)))


if __name__ == "__main__":
    run(main)

"""How close each policy comes to the best possible one: `python -m src.campaign.ceiling`.

The simulator knows the chance with which every customer adds every product in the test month. A
campaign that knew them, too, is the best that the limits allow, on average; the rest is chance.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from src import params
from src.campaign import paths
from src.campaign.policies import BEST
from src.campaign.problem import Contacts, Problem
from src.campaign.settings import PARAMS, BackCheck
from src.campaign.tried import Tried
from src.errors import InputError, run

TRUTH = "data/simulation/truth.parquet"


def true_chances(tried: Tried) -> NDArray[np.float32]:
    """What the simulator knows of each customer and product; 0 for customers who left.

    Raises
    ------
    InputError
        There is none, or it is about another bank.
    """
    if not Path(TRUTH).exists():
        raise InputError(f"{TRUTH} is missing: only the simulated bank has true chances")
    truth = pq.read_table(TRUTH)
    customers = tried.people.customers
    unknown = [product for product in tried.products if product not in truth.column_names]
    if unknown or customers.dtype == object:
        raise InputError(
            f"{TRUTH} knows the simulator's products and integer ids, not those of the schema "
            "section of params.yaml"
        )
    known = truth["customer"].to_numpy()
    rows = np.minimum(np.searchsorted(known, customers), len(known) - 1)
    there = known[rows] == customers
    if (tried.additions.any(axis=1) & ~there).any():
        raise InputError(
            f"{TRUTH} is about other customers than the test month: is ingest.path in params.yaml "
            "the simulated file?"
        )
    chances = np.zeros(tried.chances.shape, dtype=np.float32)
    for item, product in enumerate(tried.products):
        chances[there, item] = truth[product].to_numpy()[rows[there]]
    return chances


def by_truth(tried: Tried, share: float) -> dict[str, dict[str, dict[str, float]]]:
    """Expected additions and value of each policy under the true chances, the best one's last.

    Returns
    -------
    dict of problem -> dict of policy -> metrics
        ``additions``, ``value``, and ``of_best``: the value as a share of the best one's.
    """
    chances = true_chances(tried)
    table = pq.read_table(paths.TRIED).to_pandas()
    results = {}
    for kind, problem in tried.problems(share).items():
        allowed = np.where(problem.chances > 0, chances, np.float32(0))
        known = replace(problem, chances=allowed)
        channels = tried.channels(kind)
        policies = {
            str(name): Contacts(
                np.searchsorted(tried.people.customers, own["customer"].to_numpy()),
                np.array([tried.products.index(one) for one in own["product"]], dtype=np.intp),
                np.array([channels.index(one) for one in own["channel"]], dtype=np.intp),
            )
            for name, own in table[table["kind"] == kind].groupby("policy", sort=False)
        }
        policies[BEST] = tried.best(kind, known).contacts
        rows = {name: _expected(known, contacts) for name, contacts in policies.items()}
        for row in rows.values():
            row["of_best"] = row["value"] / rows[BEST]["value"] if rows[BEST]["value"] else 0.0
        results[kind] = rows
    return results


def _expected(known: Problem, contacts: Contacts) -> dict[str, float]:
    additions = known.chances[contacts.rows, contacts.products].sum(dtype=np.float64)
    return {
        "contacts": len(contacts),
        "additions": float(additions),
        "value": float(contacts.expected(known).sum()),
    }


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """Render the results as Markdown."""
    lines = [
        "| policy | within the limits: expected value | of the best possible "
        "| one product each: expected additions | of the best possible |",
        "| --- | --: | --: | --: | --: |",
    ]
    for name, row in results["limited"].items():
        plain = results["plain"].get(name)
        beside = f"{plain['additions']:,.1f} | {plain['of_best']:.1%}" if plain else " | "
        lines.append(f"| {name} | {row['value']:,.0f} | {row['of_best']:.1%} | {beside} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table for the last run of the campaign pipeline."""
    if not Path(paths.TRIED).exists():
        raise InputError(f"{paths.TRIED} is missing: run 'make campaign' first")
    settings = params.load("backcheck", BackCheck, PARAMS)
    print(table(by_truth(Tried.read(), settings.share)))


if __name__ == "__main__":
    run(main)

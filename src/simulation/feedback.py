"""Stage: offers of the test month to some simulated customers, and what they say to them.

The offers are those of the models that evaluate judges, a share of them in random order; log and
feedback have the form that the service gives them. Rules of service.yaml do not apply.
"""

import datetime
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field

from src import params
from src.errors import InputError, run
from src.feedback import paths as own
from src.feedback.exposure import Share, draw, first_chance, order_chance
from src.lists import by_batches
from src.models.contract import Scores
from src.models.customers import Customers
from src.products import paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import Models
from src.ranking import top_k
from src.reporting import atomic, write_parquet
from src.simulation.reactions import ACCEPTED, NOTHING, Reacting, Reactions
from src.tables.months import month_of

PARAMS = "pipelines/feedback/params.yaml"
BANK_TRUTH = "data/simulation/truth.parquet"

_DAYS = 7  # between rounds
_AGE_GROUPS = 5


class FeedbackSimulation(Reacting):
    """Parameters of the stage.

    Attributes
    ----------
    customers : float
        Share of the customers who are offered something; the others are left to judge by.
    rounds : int
        Offers to each of them, a week apart, the last a week before the test month's snapshot.
    share, first : float, int
        As in the section exposure of service.yaml.
    seed : int
    """

    customers: Share
    rounds: int = Field(ge=1, le=3)
    share: Share
    first: int = Field(ge=2, le=10)
    seed: int = Field(ge=0)


def true_chances(ids: NDArray[Any], products: list[str]) -> NDArray[np.float32]:
    """Chance of adding each product in the test month; 0 for customers who leave.

    Raises
    ------
    InputError
        There is no truth, or it is about another bank.
    """
    if not Path(BANK_TRUTH).exists():
        raise InputError(f"{BANK_TRUTH} is missing: only customers of the simulated bank react")
    truth = pq.read_table(BANK_TRUTH)
    known = truth["customer"].to_numpy()
    if set(products) - set(truth.column_names) or ids.dtype != known.dtype:
        raise InputError(f"{BANK_TRUTH} is about another bank than the schema of params.yaml")
    rows = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    there = known[rows] == ids
    chances = np.column_stack([truth[product].to_numpy()[rows] for product in products])
    return np.where(there[:, None], chances, np.float32(0))


def groups_of(profile: pd.DataFrame) -> list[NDArray[np.intp]]:
    """Customers by age, and by segment, as far as the schema has these."""
    found: list[NDArray[Any]] = []
    if "age" in profile:
        ages = profile["age"].rank(method="first")
        found.append(np.asarray(pd.qcut(ages, _AGE_GROUPS, labels=False)))
    if "segment" in profile:
        found.append(pd.factorize(profile["segment"], sort=True, use_na_sentinel=False)[0])
    return [group.astype(np.intp) for group in found]


def offer(
    ids: NDArray[Any],
    scores: Scores,
    held: NDArray[np.bool_],
    reactions: Reactions,
    products: list[str],
    settings: FeedbackSimulation,
    snapshot: datetime.date,
    random: np.random.Generator,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Lines of the log, and of the feedback on them.

    What was accepted or dismissed is not offered to the customer again.
    """
    chosen = np.sort(random.choice(len(ids), round(settings.customers * len(ids)), replace=False))
    barred = np.zeros_like(held)
    dismissed = np.zeros(len(ids), dtype=np.intp)
    log: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    for week in range(settings.rounds, 0, -1):
        day = snapshot - datetime.timedelta(days=_DAYS * week)
        at = datetime.datetime.combine(day, datetime.time(12), datetime.UTC)
        ranked = top_k(scores[chosen], settings.first, held[chosen] | barred[chosen])
        shown = []
        for row, items in zip(chosen.tolist(), ranked.tolist(), strict=True):
            items = [item for item in items if item >= 0]
            if items:
                line = _line(f"{settings.seed:08x}-{len(log) + 1}", items, products, settings)
                not_now = [products[item] for item in np.flatnonzero(barred[row])]
                line["exposure"]["barred"] = not_now
                log.append({"at": at.timestamp(), "customer": ids[row].item(), **line})
                shown.append((row, products.index(line["products"][0]), line["answer"]))
        rows = np.array([row for row, _, _ in shown], dtype=np.intp)
        firsts = np.array([item for _, item, _ in shown], dtype=np.intp)
        reacted = reactions.react(rows, firsts, dismissed, random)
        for (row, item, answer), action in zip(shown, reacted.tolist(), strict=True):
            if action == NOTHING:
                continue
            barred[row, item] = True
            dismissed[row] += action != ACCEPTED
            said.append(
                {
                    "id": len(said) + 1,
                    "received_at": at.isoformat(timespec="milliseconds"),
                    "customer": str(ids[row]),
                    "product": products[item],
                    "action": "accepted" if action == ACCEPTED else "dismissed",
                    "answer": answer,
                    "key": "simulation",
                }
            )
    return log, said


def _line(
    answer: str, items: list[int], products: list[str], settings: FeedbackSimulation
) -> dict[str, Any]:
    drawn = draw(answer, settings.share, len(items))
    order = drawn if drawn is not None else list(range(len(items)))
    return {
        "answer": answer,
        "path": "offline",
        "exposure": {
            "share": settings.share,
            "ranked": [products[item] for item in items],
            "random": drawn is not None,
            "first_chance": first_chance(order[0], settings.share, len(items)),
            "order_chance": order_chance(order, settings.share, len(items)),
        },
        "experiment": None,
        "arm": None,
        "products": [products[items[rank]] for rank in order],
    }


def _write_lines(path: str, rows: Iterable[dict[str, Any]]) -> None:
    with atomic(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("simulate", FeedbackSimulation, PARAMS)
    dataset = Dataset.open(params.load("schema", Schema))
    models = Models.load(paths.MODELS)
    date = dataset.windows.test[0]
    customers = dataset.customers(month_of(date))
    ids, held = customers.history.customers, customers.history.holdings()

    def blend(batch: Customers) -> Scores:
        return models.score(batch)["blend"]

    scores = np.concatenate(list(by_batches(blend, customers, "offers")))
    random = np.random.default_rng(settings.seed)
    chances = true_chances(ids, dataset.products)
    reactions = Reactions.of(chances, groups_of(customers.profile), settings, random)
    log, said = offer(ids, scores, held, reactions, dataset.products, settings, date, random)
    _write_lines(own.LOG, log)
    _write_lines(own.FEEDBACK, said)
    columns = reactions.accepting().astype(np.float32).T
    write_parquet(own.TRUTH, pa.table([ids, *columns], ["customer", *dataset.products]))


if __name__ == "__main__":
    run(main)

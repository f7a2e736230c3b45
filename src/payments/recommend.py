"""recommend: what each client will see on the day after the last."""

from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from src import params
from src.engine import Engine, connect
from src.errors import run
from src.payments import manifest, paths
from src.payments.calendar import Calendar, date_of
from src.payments.operations.evaluation import CardSettings, places, threshold_at
from src.payments.operations.factors import Basis, factor_columns
from src.payments.operations.models import TrainOperations, fit_rows
from src.payments.operations.observations import Observe, named, observe
from src.payments.operations.population import Population
from src.payments.operations.recurring import recurring
from src.payments.operations.results import Observed
from src.payments.operations.snapshot import Snapshot, by_operation
from src.payments.payments import Payments
from src.payments.providers.evaluation import check, learn
from src.payments.providers.known import Known
from src.payments.providers.offering import Clients, Offering, offers
from src.payments.providers.windows import ExampleSettings
from src.payments.schema import PARAMS
from src.payments.windows import Split, Windows
from src.reporting import write_exact, write_parquet

_POPULAR = 100  # providers of a list for clients who are not known


class Recommend(params.Section):
    """Parameters of the stage: the model whose chances are shown."""

    model: Literal["logistic", "network", "booster"]


def operation_table(snapshot: Snapshot, chance: NDArray[np.float64], threshold: float) -> pa.Table:
    """What is likely to be paid: cards, and the order of the search page.

    Returns
    -------
    pa.Table
        client, provider, chance (float32), place (1 is the client's likeliest operation), card
        (whether it reaches the threshold); by client and place.
    """
    place = places(chance, snapshot.client)
    order = np.lexsort([place, snapshot.client])
    table = pa.table(
        {
            **named(snapshot),
            "chance": chance.astype(np.float32),
            "place": pa.array(place + 1, pa.int32()),
            "card": chance >= threshold,
        }
    )
    return table.take(pa.array(order))


def due_table(snapshot: Snapshot) -> pa.Table:
    """Recurring operations, and when the next payment of each is expected.

    Returns
    -------
    pa.Table
        client, provider, expected (date), within_days (how far it may be off), gap_days, amount
        (what was paid last); by client, date and provider.
    """
    found = recurring(snapshot)
    rows = np.flatnonzero(found.regular)
    day = np.asarray(snapshot.cutoff + np.round(found.expected[rows]), dtype=np.int32)
    keys = (snapshot.provider[rows], day, snapshot.client[rows])
    order = np.lexsort(keys)
    columns = {name: column.take(pa.array(rows)) for name, column in named(snapshot).items()}
    table = pa.table(
        {
            **columns,
            "expected": pa.array(day, pa.int32()).cast(pa.date32()),
            "within_days": pa.array(np.ceil(found.spread[rows]), pa.int32()),
            "gap_days": pa.array(np.round(found.gap[rows]), pa.int32()),
            "amount": snapshot.last_amount[rows],
        }
    )
    return table.take(pa.array(order))


def example_table(engine: Engine, known: Known, offering: Offering) -> pa.Table:
    """Offer new providers to every client.

    Returns
    -------
    pa.Table
        client, place (1 is best), provider, score (float32); by client and place.
    """
    clients = Clients(np.unique(known.pairs.client))
    parts = list(engine.by_parts(offers, offering, clients, "new providers"))
    found = pa.concat_tables([part["offers"] for part in parts])
    return pa.table(
        {
            "client": known.payments.clients[found["client"].to_numpy()],
            "place": found["place"].combine_chunks(),
            "provider": pa.array(known.payments.providers).take(found["provider"].combine_chunks()),
            "score": found["score"].combine_chunks(),
        }
    )


def popular_table(known: Known) -> pa.Table:
    """Rank providers by how many clients have paid them, everywhere and in each region.

    Returns
    -------
    pa.Table
        region (null: everywhere), place (1 is best), provider, at most a hundred each; by region
        and place.
    """
    groups: dict[str | None, NDArray[np.bool_]] = {None: np.ones(len(known.pairs), dtype=bool)}
    if "region" in known.payments.attributes:
        region = known.payments.latest("region")[known.pairs.client]
        labels = known.payments.attributes["region"].labels
        groups |= {label: region == code for code, label in enumerate(labels)}
    rows = []
    for label, members in groups.items():
        payers = np.bincount(known.pairs.provider[members], minlength=known.shape[1])
        payers[known.barred()] = 0
        best = np.argsort(-payers, kind="stable")[:_POPULAR]
        names = [known.payments.providers[code] for code in best if payers[code]]
        rows += [
            {"region": label, "place": place, "provider": name}
            for place, name in enumerate(names, start=1)
        ]
    kinds = {"region": pa.string(), "place": pa.int32(), "provider": pa.string()}
    return pa.Table.from_pylist(rows, pa.schema(kinds))


def main() -> None:
    """Run the stage as params.yaml says."""
    chosen = params.load("recommend", Recommend, PARAMS).model
    coverage = params.load("cards", CardSettings, PARAMS).coverage
    training = params.load("train_operations", TrainOperations, PARAMS)
    observing = params.load("observe", Observe, PARAMS)
    calendar = params.load("calendar", Calendar, PARAMS)
    payments = Payments.open(paths.CLEAN)
    examples = params.load("examples", ExampleSettings, PARAMS)
    check(examples)
    engine = connect()
    # What was evaluated, moved to the end: learn, choose a threshold, and ask about what follows.
    windows = Windows.of(payments, params.load("split", Split, PARAMS)).moved_to_the_end()
    table = observe(payments, windows, observing, calendar, ("train", "valid"))
    models = fit_rows(table.filter(pc.field("part") == "train"), observing.negatives, training)
    valid = Observed.of(table.filter(pc.field("part") == "valid"), models)
    del table
    threshold = threshold_at(valid.chances[chosen], valid.event, coverage)
    everything = payments.between(windows.first, windows.end)
    used = by_operation(everything)
    snapshot = Snapshot(used, windows.end, observing.lookback_days, observing.horizon_days)
    population = Population.of(used, windows.end, observing.lookback_days)
    chance = models.score(factor_columns(Basis(snapshot, population, calendar)))[chosen]
    known = Known.before(everything, windows.end, examples.never_offered)
    second_stage = learn(everything, windows.end, examples)
    offered = example_table(engine, known, Offering.of(known, second_stage, examples))
    popular = popular_table(known)
    # All that is served is written here, when all of it is at hand.
    Path(paths.SERVED_OPERATIONS).mkdir(parents=True, exist_ok=True)
    models.save(paths.SERVED_OPERATIONS)
    population.save(f"{paths.SERVED_OPERATIONS}/population.npz")
    write_exact(  # a rounded threshold is another one
        f"{paths.SERVED_OPERATIONS}/serving.json",
        {
            "day": str(date_of(windows.end)),
            "model": chosen,
            "threshold": threshold,
            "lookback_days": observing.lookback_days,
            "horizon_days": observing.horizon_days,
            "calendar": calendar.model_dump(),
        },
    )
    write_parquet(paths.OPERATIONS, operation_table(snapshot, chance, threshold))
    write_parquet(paths.DUE, due_table(snapshot))
    write_parquet(paths.NEW_PROVIDERS, offered)
    write_parquet(paths.POPULAR, popular)
    manifest.write()  # last: what it names is all there


if __name__ == "__main__":
    run(main)

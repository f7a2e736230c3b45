"""recommend: what each client will see on the day after the last."""

from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from src import params
from src.errors import run
from src.payments import paths
from src.payments.calendar import Calendar, date_of
from src.payments.operations.evaluation import CardSettings, places, threshold_at
from src.payments.operations.factors import Known, factor_columns
from src.payments.operations.models import TrainOperations, fit_rows
from src.payments.operations.observations import Observe, named, observe
from src.payments.operations.population import Population
from src.payments.operations.recurring import recurring
from src.payments.operations.results import Observed
from src.payments.operations.snapshot import Snapshot, by_operation
from src.payments.payments import Payments
from src.payments.schema import PARAMS
from src.payments.windows import Split, Windows
from src.reporting import write_json, write_parquet


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


def main() -> None:
    """Run the stage as params.yaml says."""
    chosen = params.load("recommend", Recommend, PARAMS).model
    coverage = params.load("cards", CardSettings, PARAMS).coverage
    training = params.load("train_operations", TrainOperations, PARAMS)
    observing = params.load("observe", Observe, PARAMS)
    calendar = params.load("calendar", Calendar, PARAMS)
    payments = Payments.open(paths.CLEAN)
    # What was evaluated, moved to the end: learn, choose a threshold, and ask about what follows.
    windows = Windows.of(payments, params.load("split", Split, PARAMS)).moved_to_the_end()
    table = observe(payments, windows, observing, calendar, ("train", "valid"))
    models = fit_rows(table.filter(pc.field("part") == "train"), observing.negatives, training)
    valid = Observed.of(table.filter(pc.field("part") == "valid"), models)
    del table
    threshold = threshold_at(valid.chances[chosen], valid.event, coverage)
    used = by_operation(payments.between(windows.first, windows.end))
    snapshot = Snapshot(used, windows.end, observing.lookback_days, observing.horizon_days)
    population = Population.of(used, windows.end, observing.lookback_days)
    chance = models.score(factor_columns(Known(snapshot, population, calendar)))[chosen]
    Path(paths.SERVED_OPERATIONS).mkdir(parents=True, exist_ok=True)
    models.save(paths.SERVED_OPERATIONS)
    population.save(f"{paths.SERVED_OPERATIONS}/population.npz")
    write_json(
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


if __name__ == "__main__":
    run(main)

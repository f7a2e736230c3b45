"""predict: month after month as test month, every model learnt from what lies before it.

A backtest with a rolling origin (L. Tashman, Out-of-sample tests of forecasting accuracy,
International Journal of Forecasting 16, 2000). Each finished month is kept in a file of its own, so
that a run that was killed goes on where it ended.
"""

import datetime
import os
import sys
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from src import params
from src.backtest import paths
from src.backtest.finished import Finished
from src.backtest.side_by_side import side_by_side
from src.errors import InputError, ResourceError, run
from src.evaluation import comparison
from src.lists import LIST_LENGTH, by_batches
from src.models.customers import Customers
from src.models.history import MAX_MONTHS
from src.products.dataset import Dataset
from src.products.fitting import fit_all
from src.products.schema import Schema
from src.products.scoring import Models
from src.products.windows import LEAST_MONTHS, Dates
from src.ranking import top_k
from src.reporting import write_exact, write_parquet
from src.tables.months import month_of

PARAMS = "pipelines/backtest/params.yaml"


class Predict(params.Section):
    """Parameters of the stage: which months are predicted, and how many at once.

    `months` is a list of dates, or auto: the last `at_most` that have `months_before` before them.
    """

    months: Literal["auto"] | list[datetime.date]
    months_before: int = Field(ge=LEAST_MONTHS - 1, le=MAX_MONTHS)
    at_most: int = Field(ge=1, le=MAX_MONTHS)
    workers: int = Field(ge=1, le=256)


def choose(dataset: Dataset, settings: Predict) -> tuple[Dates, list[str]]:
    """Test months, oldest first, and a sentence on each that would have been one but cannot be.

    Raises
    ------
    InputError
        There are none; or a month that is asked for is not there, has too few before it, or
        nobody adds a product in it.
    """
    known = dataset.windows.dates
    possible = known[settings.months_before :]
    adds = {date: bool(dataset.additions(month_of(date)).any()) for date in possible}
    if settings.months == "auto":
        chosen = [date for date in possible if adds[date]][-settings.at_most :]
        if not chosen:
            raise InputError(
                f"{PARAMS}: no month in which somebody adds a product has "
                f"{settings.months_before} months before it, as predict.months_before asks; there "
                f"are {len(known)} months, {known[0]} … {known[-1]}"
            )
        quiet = [date for date in possible if not adds[date] and date >= chosen[0]]
        return chosen, [f"nobody adds a product in {date}: it is no test month" for date in quiet]
    for date in settings.months:
        if date not in possible:
            raise InputError(
                f"{PARAMS}: predict.months names {date}, which is no month of the data with "
                f"{settings.months_before} months before it (predict.months_before); those are "
                f"{', '.join(map(str, possible)) or 'none'}"
            )
        if not adds[date]:
            raise InputError(
                f"{PARAMS}: predict.months names {date}, in which nobody adds a product, so "
                "nothing can be measured"
            )
    return sorted(set(settings.months)), []


def predict(dataset: Dataset, date: datetime.date) -> pa.Table:
    """Learn from what lies before a month, rank for it, and measure.

    Parameters
    ----------
    dataset : Dataset
        Of all months. What is learnt from and ranked by is `Dataset.before`, which has forgotten
        the month and all after it.
    date : date
        The snapshot of the test month.

    Returns
    -------
    pa.Table
        customer, and AP@7 by each model: a row per adder, in the order of ids. What was measured
        over all customers is in the metadata, see `Finished`.
    """
    month = month_of(date)
    past = dataset.before(date)
    try:
        models = fit_all(past)
    except InputError as error:
        raise InputError(
            f"{date} cannot be predicted: {error}, or raise predict.months_before in {PARAMS}"
        ) from None
    customers = past.customers(month)
    lists = rank(models, customers, str(date))
    additions = dataset.additions(month)[dataset.rows(customers)]
    adds = additions.any(axis=1)
    table = pa.table(
        {
            "customer": customers.history.customers[adds],
            **comparison.precisions(lists, additions),
        }
    )
    measured = {
        "base_months": len(past.windows.base),
        "blend_months": len(past.windows.blend),
        "customers": len(customers),
        "adders": int(adds.sum()),
        "additions": int(additions.sum()),
        "models": comparison.shares_found(lists, additions),
    }
    return Finished.with_measured(table, measured)


def rank(models: Models, customers: Customers, title: str) -> comparison.Rankings:
    """Every model's lists of all customers, held products left out, as evaluate ranks them."""

    def work(batch: Customers) -> comparison.Rankings:
        held = batch.history.holdings()
        k = min(LIST_LENGTH, held.shape[1])
        return {name: top_k(own, k, held) for name, own in models.score(batch).items()}

    ranked: dict[str, list[NDArray[np.int16]]] = {}
    for lists in by_batches(work, customers, title):
        for name, ranking in lists.items():
            ranked.setdefault(name, []).append(ranking)
    return {name: np.concatenate(parts) for name, parts in ranked.items()}


def predict_and_keep(date: datetime.date, file: str) -> None:
    """Predict one month and keep the result in its file; runs in a process of its own.

    Raises
    ------
    InputError
        A model cannot learn from the months before; or what the result depends on was changed
        meanwhile, so that it is nobody's.
    """
    dataset = Dataset.open(params.load("schema", Schema))
    try:
        table = predict(dataset, date)
    except ResourceError as error:
        raise ResourceError(str(error)) from None  # kinds of it do not cross processes
    if Finished.now().file(dataset.windows, date) != file:
        raise InputError(
            f"data, code or parameters were changed while {date} was predicted; run it again"
        )
    write_parquet(file, table)


def main() -> None:
    """Run the stage as both params files say."""
    settings = params.load("predict", Predict, PARAMS)
    dataset = Dataset.open(params.load("schema", Schema))
    chosen, warnings = choose(dataset, settings)
    finished = Finished.now()
    files = {date: finished.file(dataset.windows, date) for date in chosen}
    waiting = [(date, file) for date, file in files.items() if not Finished.is_whole(file)]
    for date in sorted(set(files) - {date for date, _ in waiting}):
        print(f"{date}: kept from an earlier run", file=sys.stderr)
    workers = min(settings.workers, os.cpu_count() or 1, len(waiting))
    for date, _ in side_by_side(predict_and_keep, waiting, workers):
        print(f"{date}: predicted", file=sys.stderr)
    tables = {date: Finished.read(file) for date, file in files.items()}
    adders = [
        table.add_column(0, "month", pa.array([date] * len(table), pa.date32()))
        for date, (table, _) in tables.items()
    ]
    write_parquet(paths.ADDERS, pa.concat_tables(adders))
    months = {str(date): measured for date, (_, measured) in tables.items()}
    write_exact(
        paths.MONTHS, {"warnings": [*dataset.windows.warnings, *warnings], "months": months}
    )


if __name__ == "__main__":
    run(main)

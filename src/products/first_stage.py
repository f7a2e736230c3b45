"""Fitting one first-stage model on the base window, and writing its offline lists."""

from typing import Any

import pyarrow as pa

from src.errors import InputError
from src.lists import LIST_LENGTH, by_batches, lists_of
from src.models.contract import CannotFitError, FirstStage, Model
from src.models.customers import Customers
from src.products import paths
from src.products.dataset import Dataset
from src.reporting import write_curve, write_parquet
from src.tables.months import month_of


def fit(record: FirstStage, dataset: Dataset, settings: Any) -> Model:
    """Fit a model as its record says.

    Raises
    ------
    InputError
        The data do not let it learn.
    """
    try:
        return record.fit(dataset, settings)
    except CannotFitError as error:
        raise InputError(
            f"{record.name}: {error}: lengthen split.base in params.yaml, or take more customers "
            f"with train_{record.name}.rows if it has that parameter"
        ) from None


def train(record: FirstStage, dataset: Dataset, settings: Any) -> None:
    """Fit a model; write it, its training curve, and what it would offer to every customer."""
    model = fit(record, dataset, settings)
    model.save(f"{paths.MODELS}/{record.file}")
    if record.curve:
        step, value, attribute = record.curve
        path = f"{paths.PLOTS}/{record.name}_curve.csv"
        write_curve(path, step, value, getattr(model, attribute))
    write_offline_lists(f"{paths.TABLES}/{record.offline_lists}", model, dataset)


def write_offline_lists(path: str, model: Model, dataset: Dataset) -> None:
    """Write a model's lists for every customer, as known before the test month."""
    customers = dataset.customers(month_of(dataset.windows.test[0]))

    def lists(batch: Customers) -> pa.Table:
        own = batch.history
        return lists_of(
            own.customers, model.score(batch), own.holdings(), dataset.products, LIST_LENGTH
        )

    parts = by_batches(lists, customers, "offline lists")
    write_parquet(path, pa.concat_tables(list(parts)))

"""Fitting propensity on the blend window: customers of every month, adders or not."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from src.errors import InputError
from src.models.contract import CannotFitError, Scores
from src.models.customers import Customers
from src.models.history import History, Ids
from src.models.propensity import Propensity, PropensitySettings
from src.products.dataset import Dataset
from src.tables.months import Month, month_of


@dataclass(frozen=True)
class Drawn:
    """Customers drawn from some months, each as known one month earlier; by month and customer.

    Attributes
    ----------
    customers : Customers
    additions : bool array, shape (drawn, products)
        What they added.
    weights : float array, shape (drawn,)
        How many customers each one stands for.
    """

    customers: Customers
    additions: NDArray[np.bool_]
    weights: NDArray[np.float64]


def draw(dataset: Dataset, months: list[Month], adders: int, others: int, seed: int) -> Drawn:
    """Draw at most so many adders, and so many who add nothing, evenly from all months."""
    known = [dataset.known(month) for month in months]
    added = [dataset.additions(month) for month in months]
    adds = np.concatenate(
        [table[rows].any(axis=1) for table, rows in zip(added, known, strict=True)]
    )
    generator = np.random.default_rng(seed)
    chosen = np.zeros(len(adds), dtype=bool)
    weights = np.zeros(len(adds))
    for group, most in ((np.flatnonzero(adds), adders), (np.flatnonzero(~adds), others)):
        if len(group):
            drawn = generator.choice(group, size=min(most, len(group)), replace=False)
            chosen[drawn] = True
            weights[drawn] = len(group) / len(drawn)
    ends = np.cumsum([rows.sum() for rows in known])[:-1]
    for rows, of_month in zip(known, np.split(chosen, ends), strict=True):
        rows[rows] = of_month
    # Only of those who are drawn: of all, over all months, they would take gigabytes.
    parts = [dataset.known_before(month, rows) for month, rows in zip(months, known, strict=True)]
    additions = [table[rows] for table, rows in zip(added, known, strict=True)]
    return Drawn(
        dataset.described(History.stack(parts)), np.concatenate(additions), weights[chosen]
    )


def fit(dataset: Dataset, settings: PropensitySettings) -> Propensity:
    """Learn from the blend months; the chance of anything is not calibrated.

    Raises
    ------
    InputError
        They do not let it learn.
    """
    months = [month_of(date) for date in dataset.windows.blend]
    drawn = draw(dataset, months, settings.rows, settings.others, settings.seed)
    try:
        return Propensity.fit(
            drawn.customers, drawn.additions, drawn.weights, dataset.products, settings
        )
    except CannotFitError as error:
        raise InputError(
            f"train_propensity: {error}: lengthen split.blend in params.yaml, or raise "
            "train_propensity.others"
        ) from None


def fit_earlier(dataset: Dataset, settings: PropensitySettings) -> Propensity | None:
    """Learn from all blend months but the last, to be compared with what was added in that one.

    One bag is enough for that. None if there is only one blend month, or too little in the others.
    """
    if len(dataset.windows.blend) < 2:
        return None
    fewer = {"bags": 1, "others": max(settings.others // settings.bags, 100)}
    try:
        return fit(dataset.before_test(), settings.model_copy(update=fewer))
    except InputError:
        return None


def calibrate(propensity: Propensity, like: Propensity, dataset: Dataset, rows: int) -> Propensity:
    """Calibrate the chance of anything on at most so many customers of the test month of `dataset`.

    `like` is the same model, learnt from the blend months of `dataset` only.
    """
    (date,) = dataset.windows.test
    return propensity.calibrated(like, *customers_of(dataset, month_of(date), rows))


def customers_of(dataset: Dataset, month: Month, rows: int) -> tuple[Customers, NDArray[np.bool_]]:
    """At most so many customers asked about a month, evenly by id, and what they added in it."""
    history = dataset.known_before(month)
    step = max(1, -(-len(history.customers) // rows))
    history = history.of(slice(None, None, step))
    places = np.searchsorted(dataset.history.customers, history.customers)
    return dataset.described(history), dataset.additions(month)[places]


def chances_table(propensity: Propensity, customers: Ids, chances: Scores) -> pa.Table:
    """Columns customer, anything and one per product; float32, a row per customer.

    `chances` is float32, (customers, products), as `Propensity.score` makes it.
    """
    columns = [customers, propensity.anything(chances), *chances.T]
    return pa.table(columns, ["customer", "anything", *propensity.products])

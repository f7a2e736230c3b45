"""What customers said to their offers, as examples for the second-stage ranker."""

import datetime
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.errors import InputError
from src.feedback.history import Answer
from src.models.customers import Customers
from src.products.dataset import Dataset
from src.tables.months import Month, month_of


@dataclass(frozen=True)
class Examples:
    """Customers as they were known when they said something to the first offer of an answer.

    Attributes
    ----------
    customers : Customers
    wanted : bool array, shape (examples, products)
        The product, if they accepted it; the others that might have been first, if they
        dismissed it.
    accepted : bool array, shape (examples,)
    chances : float64 array, shape (examples,)
        Probability with which that product was shown first.
    """

    customers: Customers
    wanted: NDArray[np.bool_]
    accepted: NDArray[np.bool_]
    chances: NDArray[np.float64]

    def weights(self, accepted: float, dismissed: float) -> NDArray[np.float64]:
        """Weights of examples; what was seldom shown first counts as much as if it had been often.

        Parameters
        ----------
        accepted, dismissed : float
            Mean weight of an example of either kind; that of an adder of the last month is 1.
        """
        weights = np.where(self.accepted, accepted, dismissed).astype(np.float64)
        for kind in (self.accepted, ~self.accepted):
            if kind.any():
                odds = 1 / self.chances[kind]
                weights[kind] *= odds / odds.mean()
        return weights


def examples(
    answers: list[Answer], last_words: dict[tuple[str, str], str], dataset: Dataset
) -> Examples:
    """Join answers to the customers as they were known when they were given.

    That is by the last snapshot before the day of the answer: what happened later is not known.
    Answers to which nothing was said, or to customers not known then, give no example; neither does
    the dismissal of an offer that was alone.

    Raises
    ------
    InputError
        Nobody said anything that could be joined.
    """
    item = {product: place for place, product in enumerate(dataset.products)}
    told = []
    for answer in answers:
        first = answer.products[0]
        word = last_words.get((answer.answer, first))
        wanted = {
            "accepted": [first],
            "dismissed": [product for product in answer.ranked if product != first],
        }.get(word or "", [])
        if wanted and item.keys() >= {first, *wanted}:
            told.append((answer, [item[product] for product in wanted], word == "accepted"))
    months = np.array([asked_month(answer, dataset) for answer, _, _ in told], dtype="M8[M]")
    ids = np.array(
        [answer.customer for answer, _, _ in told], dtype=dataset.history.customers.dtype
    )
    parts, order = [], []
    for month in np.unique(months):
        mine = np.flatnonzero(months == month)
        batch = dataset.customers(month, np.isin(dataset.history.customers, ids[mine]))
        known = batch.history.customers
        mine = mine[np.isin(ids[mine], known)]
        parts.append(batch.of(np.searchsorted(known, ids[mine])))
        order += mine.tolist()
    if not order:
        raise InputError(
            "no accepted or dismissed first offer belongs to a customer of the data: is the log of "
            "this bank, and does feedback name the answers?"
        )
    wanted_items = np.zeros((len(order), len(item)), dtype=bool)
    for row, place in enumerate(order):
        wanted_items[row, told[place][1]] = True
    return Examples(
        Customers.stack(parts),
        wanted_items,
        np.array([told[place][2] for place in order]),
        np.array([told[place][0].chance(told[place][0].products[0]) for place in order]),
    )


def asked_month(answer: Answer, dataset: Dataset) -> Month:
    """The month that an answer was about: that of the first snapshot on its day or after it."""
    day = datetime.datetime.fromtimestamp(answer.at, datetime.UTC).date()
    later = [date for date in dataset.windows.dates if date >= day]
    return month_of(min(later)) if later else month_of(max(dataset.windows.dates)) + 1

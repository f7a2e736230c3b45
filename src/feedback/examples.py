"""What customers said to their offers, beside the customers as they were known then."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from src.errors import InputError
from src.feedback.history import Answer
from src.models.customers import Customers
from src.models.history import History
from src.products.dataset import Dataset
from src.tables.months import Month, month_of


def join(
    answers: Iterable[Answer], last_words: dict[tuple[str, str], str], dataset: Dataset
) -> pa.Table:
    """Put beside each answer the customer as they were known when it was given.

    That is by the last snapshot before the day of the answer: what happened later is not known.
    Customers whom that snapshot does not have are left out.

    Parameters
    ----------
    answers : iterable of Answer
        Of those with the same id, one counts: a log may have been copied twice.
    last_words : dict of answer and product -> action
    dataset : Dataset

    Returns
    -------
    Table
        In order of time, customer and answer: answer; at; customer; month, that was asked about;
        offer, the product that was shown first, and chance, the probability that it was; ranked;
        said, the last word about that offer, null if there is none; profile, present, was_active
        and held of the customer, as in `Customers`, the first and the last with a field per column.

    Raises
    ------
    InputError
        None of the customers is known, or their ids are of another kind.
    """
    kind = dataset.history.customers.dtype
    once = list({answer.answer: answer for answer in answers}.values())
    try:
        every = np.array([answer.customer for answer in once], dtype=kind).tolist()
    except ValueError as error:
        raise InputError(
            f"the log is of another bank: its customers have ids of another kind ({error})"
        ) from None
    places = sorted(range(len(once)), key=lambda row: (once[row].at, every[row], once[row].answer))
    ordered = [once[place] for place in places]
    ids = np.array([every[place] for place in places], dtype=kind)
    months = np.array([asked_month(answer, dataset) for answer in ordered], dtype="M8[M]")
    parts, kept = [], []
    for month in np.unique(months):
        mine = np.flatnonzero(months == month)
        batch = dataset.customers(month, np.isin(dataset.history.customers, ids[mine]))
        known = batch.history.customers
        mine = mine[np.isin(ids[mine], known)]
        parts.append(batch.of(np.searchsorted(known, ids[mine])))
        kept += [ordered[row] for row in mine]
    if not kept:
        raise InputError(
            f"none of {len(once):,} answers is to a customer of the data: is the log of this bank?"
        )
    customers = Customers.stack(parts)
    history = customers.history
    profile = {name: np.asarray(values) for name, values in customers.profile.items()}
    return pa.table(
        {
            "answer": [answer.answer for answer in kept],
            "at": pa.array([_time(answer) for answer in kept], pa.timestamp("us", "UTC")),
            "customer": history.customers,
            "month": [str(month) for month in history.asked],
            "offer": [answer.products[0] for answer in kept],
            "chance": [answer.chance(answer.products[0]) for answer in kept],
            "ranked": pa.array([answer.ranked for answer in kept], pa.list_(pa.string())),
            "said": pa.array(
                [last_words.get((answer.answer, answer.products[0])) for answer in kept],
                pa.string(),
            ),
            "profile": pa.StructArray.from_arrays(map(pa.array, profile.values()), list(profile)),
            "present": history.present,
            "was_active": history.active,
            "held": pa.StructArray.from_arrays(
                [pa.array(column) for column in history.held.T], dataset.products
            ),
        }
    )


def asked_month(answer: Answer, dataset: Dataset) -> Month:
    """The month that an answer was about: that of the first snapshot on its day or after it."""
    day = _time(answer).date()
    later = [date for date in dataset.windows.dates if date >= day]
    return month_of(min(later)) if later else month_of(max(dataset.windows.dates)) + 1


def _time(answer: Answer) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(answer.at, datetime.UTC)


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

    @classmethod
    def of(cls, table: pa.Table, products: list[str]) -> "Examples":
        """Take those answers of `join` that teach something, in their order.

        Answers to which nothing was said give no example; neither do those about products that are
        no more, nor the dismissal of an offer that was alone.

        Raises
        ------
        InputError
            Nobody accepted or dismissed anything.
        """
        item = {product: place for place, product in enumerate(products)}
        rows, wanted = [], []
        said, offers, ranked = (table[name].to_pylist() for name in ("said", "offer", "ranked"))
        for row, (word, first, others) in enumerate(zip(said, offers, ranked, strict=True)):
            names = {
                "accepted": [first],
                "dismissed": [product for product in others if product != first],
            }.get(word or "", [])
            if names and item.keys() >= {first, *names}:
                rows.append(row)
                wanted.append([item[name] for name in names])
        if not rows:
            raise InputError(
                f"of {len(table):,} answers, no first offer was accepted or dismissed: does "
                "feedback name the answers?"
            )
        chosen = table.take(rows)
        matrix = np.zeros((len(rows), len(products)), dtype=bool)
        for row, items in enumerate(wanted):
            matrix[row, items] = True
        accepted = np.array([said[row] == "accepted" for row in rows])
        return cls(_customers(chosen, products), matrix, accepted, chosen["chance"].to_numpy())

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


def _customers(table: pa.Table, products: list[str]) -> Customers:
    """The customers of some answers."""
    profile, held = (table[name].combine_chunks() for name in ("profile", "held"))
    columns: dict[str, object] = {}
    for field in profile.type:
        values = profile.field(field.name)
        text = pa.types.is_string(field.type)
        columns[field.name] = pd.Categorical(values.to_pylist()) if text else values.to_numpy()
    history = History(
        customers=table["customer"].to_numpy(),
        last=np.array(table["month"].to_pylist(), dtype="M8[M]") - 1,
        present=table["present"].to_numpy(),
        active=table["was_active"].to_numpy(),
        held=np.column_stack([held.field(product).to_numpy() for product in products]),
    )
    return Customers(pd.DataFrame(columns, index=range(len(table))), history)

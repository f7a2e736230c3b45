"""A model: what it can do, what it learns from, how its first-stage record describes it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from src.models.customers import Customers
from src.models.history import History
from src.params import Section

Scores = NDArray[np.float32]


class Phrase(NamedTuple):
    """The same said in English and in Russian; may hold ``{placeholders}``."""

    en: str
    ru: str


class Curve(NamedTuple):
    """A training curve: what it is over, what it is of, and the model's attribute that holds it."""

    step: str
    value: str
    attribute: str


class CannotFitError(Exception):
    """The training data do not let a model learn; a sentence without its end.

    A model knows nothing of params.yaml: its stage adds what to do.
    """


class Model(Protocol):
    """What every model can do. How it is fitted is in its record, `FirstStage`."""

    def score(self, customers: Customers) -> Scores:
        """Score every item for every customer; (customers, items), higher is better."""

    def save(self, path: str | Path) -> None:
        """Write the model without pickle."""

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read what `save` wrote; the scores are the same to the bit."""


class TrainingData(Protocol):
    """What a first-stage model may learn from: the base window of a `Dataset`."""

    def base_history(self) -> History:
        """History at the end of the base window of all who were customers in it."""

    def sample(self, rows: int, seed: int) -> tuple[Customers, NDArray[np.bool_]]:
        """Customer-months of the base window, and what was held in them."""

    def samples(
        self, rows: int, seed: int, at_once: int
    ) -> tuple[int, Iterator[tuple[Customers, NDArray[np.bool_]]]]:
        """How many such rows, and parts of about `at_once` of them, one after the other."""

    def factorize(
        self, shares: Iterable[pa.Table], items: int, settings: Section
    ) -> NDArray[np.float32]:
        """Factors of items, learnt where the tables are worked on; float32, (items, factors).

        See `Engine.factorize`: `shares` are tables of customer, item and share, `settings` those of
        ALS.
        """


@dataclass(frozen=True)
class FirstStage:
    """Everything there is to know about a first-stage model. `registry` collects the records.

    Attributes
    ----------
    name : str
        In metrics, lists, MLflow and ``blend.models``; its section of params.yaml and its stage
        are ``train_NAME``.
    turn : int
        Its place when interleaving takes turns, and in the service's fallback chain.
    model : type
    settings : type
        Pydantic model of its section.
    file : str
        Name of its file in a folder of models.
    offline_lists : str
        Name of the table of its lists.
    fit : function of (TrainingData, settings)
        The fitted model.
    looks_at : set of ``history`` and ``profile``
        A model of profiles alone can answer for customers whose holdings are not known.
    title : Phrase
        What it is for people, as the source of an offer.
    score_means : Phrase
        What its score is.
    fallback : str
        What its list is, in the ``why`` of an answer that had to fall back on it.
    phrase : Phrase
        What its score says of a product: ``{t}`` is the title, ``{p}`` the score as a percentage,
        ``{s}`` as a number.
    weak_phrase : Phrase, optional
        Said of scores that would be rounded to 0.
    metrics : function of (model, customers, scores, held), optional
        Its own metrics of holdings in the test month: name -> value.
    curve : Curve, optional
        What its training wrote down.
    """

    name: str
    turn: int
    model: type[Any]
    settings: type[Section]
    file: str
    offline_lists: str
    fit: Callable[[TrainingData, Any], Model]
    looks_at: frozenset[str]
    title: Phrase
    score_means: Phrase
    fallback: str
    phrase: Phrase
    weak_phrase: Phrase | None = None
    metrics: Callable[[Any, Customers, Scores, NDArray[np.bool_]], dict[str, float]] | None = None
    curve: Curve | None = None

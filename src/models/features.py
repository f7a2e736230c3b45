"""Features of a customer's history, each defined once.

A record is a feature's name, its computation and its phrases for people. To add a feature, add a
record: from then on it is in the second-stage ranker's matrix, among the importances and in the
reasons. (Attributes of the profile are features as they are: `encoding.Encoder`.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.models.contract import Phrase
from src.models.history import Bits, History, added, bit, dropped, with_predecessor

Block = NDArray[np.float32]


class Events:
    """A history up to now and what happened in it, months as bits, (customers, products)."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.held = history.held
        self.pairs = with_predecessor(history.present)[:, None]
        self.added = added(history.held, self.pairs)
        self.dropped = dropped(history.held, self.pairs)
        self._holdings: dict[int, Block] = {}

    def holdings(self, lag: int) -> Block:
        """1 where held `lag` months back, else 0; NaN where the customer was not in the data."""
        if lag not in self._holdings:
            holdings = self.history.holdings(lag).astype(np.float32)
            holdings[~self.history.known(lag)] = np.nan
            self._holdings[lag] = holdings
        return self._holdings[lag]

    def activity(self, lag: int) -> Block:
        """1 where active `lag` months back, else 0; NaN where the customer was not in the data."""
        active = bit(self.history.active, lag).astype(np.float32)
        active[~self.history.known(lag)] = np.nan
        return np.asarray(active)


@dataclass(frozen=True)
class Lagged:
    """A feature for each of some lags: ``name_lag1``, …, with ``:product`` behind it per product.

    Attributes
    ----------
    name : str
    compute : function of (Events, lag)
        float32, (customers,), or (customers, products) if there is one per product.
    yes, no : Phrase
        What is said of a value above 0 and of 0. ``{t}`` is the product's title, ``{w}`` says when
        (*now*, *2 months ago*), ``{i}`` is the value.
    by_product : bool
    """

    name: str
    compute: Callable[[Events, int], Block]
    yes: Phrase
    no: Phrase
    by_product: bool = False


@dataclass(frozen=True)
class Feature:
    """A feature of the whole history: ``name``, with ``:product`` behind it per product.

    Attributes
    ----------
    name : str
    compute : function of Events
        float32, (customers,), or (customers, products) if there is one per product. NaN where
        there is no value.
    says : Phrase
        ``{t}`` is the product's title; the value is ``{n}`` as months, ``{x}`` as a number of
        times, ``{i}`` as a number, ``{p}`` as a percentage.
    none : Phrase, optional
        Said if the value is missing or 0.
    just : Phrase, optional
        The value counts months up to the one to be predicted. People count up to the last known
        month; this is said if it happened in that month.
    by_product : bool
    """

    name: str
    compute: Callable[[Events], Block]
    says: Phrase
    none: Phrase | None = None
    just: Phrase | None = None
    by_product: bool = False


def _count(bits: Bits) -> Block:
    return np.bitwise_count(bits).astype(np.float32)


def _months_since(bits: Bits) -> Block:
    """Months from the lowest set bit to the month to be predicted (bit 0: 1); NaN without one."""
    lowest = np.bitwise_count((bits & -bits) - 1).astype(np.float32) + 1
    return np.where(bits == 0, np.float32(np.nan), lowest)


def _since_any(bits: Bits) -> Block:
    return _months_since(np.bitwise_or.reduce(bits, axis=1))


def _total(bits: Bits) -> Block:
    return np.asarray(np.bitwise_count(bits).sum(axis=1, dtype=np.float32))


def _active_share(events: Events) -> Block:
    months = np.maximum(_count(events.history.present), 1)
    return np.divide(_count(events.history.active), months, dtype=np.float32)


LAGGED = (
    Lagged(
        "held",
        lambda events, lag: events.holdings(lag),
        Phrase("{t}, held {w}", "{t}: {w} есть"),
        Phrase("{t}, not held {w}", "{t}: {w} нет"),
        by_product=True,
    ),
    Lagged(
        "portfolio",
        lambda events, lag: events.holdings(lag).sum(axis=1),
        Phrase("products held {w}: {i}", "продуктов {w}: {i}"),
        Phrase("products held {w}: {i}", "продуктов {w}: {i}"),
    ),
    Lagged(
        "active",
        lambda events, lag: events.activity(lag),
        Phrase("active {w}", "{w} активен"),
        Phrase("inactive {w}", "{w} неактивен"),
    ),
)
UNKNOWN_THEN = Phrase("not a customer {w}", "{w} ещё не клиент")  # no value at a lag

FEATURES = (
    Feature(
        "months_since_added",
        lambda events: _months_since(events.added),
        Phrase("{t}, added {n} ago", "{t}: подключено {n} назад"),
        Phrase("{t}, never added", "{t}: ни разу не подключено"),
        Phrase("{t}, just added", "{t}: только что подключено"),
        by_product=True,
    ),
    Feature(
        "months_since_dropped",
        lambda events: _months_since(events.dropped),
        Phrase("{t}, given up {n} ago", "{t}: отключено {n} назад"),
        Phrase("{t}, never given up", "{t}: ни разу не отключено"),
        Phrase("{t}, just given up", "{t}: только что отключено"),
        by_product=True,
    ),
    Feature(
        "times_added",
        lambda events: _count(events.added),
        Phrase("{t}, added {x}", "{t}: подключено {x}"),
        Phrase("{t}, never added", "{t}: ни разу не подключено"),
        by_product=True,
    ),
    Feature(
        "times_dropped",
        lambda events: _count(events.dropped),
        Phrase("{t}, given up {x}", "{t}: отключено {x}"),
        Phrase("{t}, never given up", "{t}: ни разу не отключено"),
        by_product=True,
    ),
    Feature(
        "months_kept",
        lambda events: _count(events.held & events.held >> 1 & events.pairs),
        Phrase("{t}, kept for {n}", "{t}: держит {n}"),
        by_product=True,
    ),
    Feature(
        "months_without",
        lambda events: _count(~events.held & ~(events.held >> 1) & events.pairs),
        Phrase("{n} without {t}", "{n} без продукта «{t}»"),
        by_product=True,
    ),
    Feature(
        "months_since_any_added",
        lambda events: _since_any(events.added),
        Phrase("last product added {n} ago", "последнее подключение {n} назад"),
        Phrase("no product added yet", "подключений ещё не было"),
        Phrase("a product just added", "продукт только что подключён"),
    ),
    Feature(
        "months_since_any_dropped",
        lambda events: _since_any(events.dropped),
        Phrase("last product given up {n} ago", "последнее отключение {n} назад"),
        Phrase("no product given up yet", "отключений ещё не было"),
        Phrase("a product just given up", "продукт только что отключён"),
    ),
    Feature(
        "additions_so_far",
        lambda events: _total(events.added),
        Phrase("products added so far: {i}", "подключений за всё время: {i}"),
    ),
    Feature(
        "drops_so_far",
        lambda events: _total(events.dropped),
        Phrase("products given up so far: {i}", "отключений за всё время: {i}"),
    ),
    Feature(
        "months_in_data",
        lambda events: _count(events.history.present),
        Phrase("a known customer for {n}", "данные о клиенте за {n}"),
    ),
    Feature(
        "active_share",
        _active_share,
        Phrase("active in {p} of months", "активность в {p} месяцев"),
    ),
)


def feature_names(products: Sequence[str], lags: Sequence[int]) -> list[str]:
    """Names of the columns that `feature_blocks` makes, side by side."""
    names = [
        (f"{record.name}_lag{lag}", record.by_product) for lag in lags for record in LAGGED
    ] + [(record.name, record.by_product) for record in FEATURES]
    return [
        column
        for name, by_product in names
        for column in ([f"{name}:{product}" for product in products] if by_product else [name])
    ]


def feature_blocks(history: History, lags: Sequence[int]) -> list[Block]:
    """Describe each customer's history up to now.

    Parameters
    ----------
    history : History
        As known before the month to be predicted.
    lags : sequence of int
        Months back at which holdings are given one by one; 1 is the last known month.

    Returns
    -------
    list of float32 arrays, shapes (customers, columns)
        Side by side, the columns that `feature_names` names.
    """
    events = Events(history)
    values = [record.compute(events, lag) for lag in lags for record in LAGGED]
    values += [record.compute(events) for record in FEATURES]
    return [block if block.ndim == 2 else block[:, None] for block in values]

"""Propensity: who adds what? The chance that a customer adds each product (CatBoost, Logloss).

One booster per product, learnt from all customers who do not hold it, not from adders alone.
"""

import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from catboost import CatBoost, CatBoostClassifier, Pool, sum_models
from numpy.typing import NDArray
from pydantic import Field

from src.models.boosting import (
    BoosterSettings,
    fit_booster,
    idle_booster,
    load_booster,
    new_booster,
    predict,
    save_booster,
)
from src.models.calibration import Floats, Platt, chance, log_odds
from src.models.contract import Scores
from src.models.customers import Customers
from src.models.encoding import Encoder
from src.models.features import feature_blocks, feature_names

Bools = NDArray[np.bool_]

# What every booster looks at for all products; of all else it sees what is about its own product.
# All other features made nothing better on real customers, and take as long again.
_ABOUT_ALL = {"held_lag1", "months_since_added"}

_PSEUDO_ADDITIONS = 10.0  # how many additions' worth a segment's rate is drawn to that of everybody


class PropensitySettings(BoosterSettings):
    """Hyperparameters of every product's booster, and the sample of customers that it learns from.

    `rows` bounds the adders of the sample, `others` the customers who add nothing, both over all
    blend months; weights restore their numbers. Each of the `bags`, whose mean is taken, learns
    from all adders and its own part of the others. Products added fewer than `min_additions` times
    in it have no booster, but the rate of the customer's `rate_by`, an attribute of the profile.
    `calibration_rows` bounds the customers of the last blend month that calibrate `anything`.
    `lags` are as in the ranker.
    """

    others: int = Field(ge=100)
    bags: int = Field(ge=1)
    calibration_rows: int = Field(ge=100)
    min_additions: int = Field(ge=1)
    rate_by: str
    lags: list[int] = Field(min_length=1)
    colsample_bylevel: float = Field(gt=0, le=1)


@dataclass(frozen=True)
class Rates:
    """Log-odds of an addition in each segment; what is known without any other feature.

    Attributes
    ----------
    column : str
        Attribute of the profile that tells segments apart.
    segments : tuple of str
    log_odds : float array, shape (segments + 1, items + 1)
        The last row is for all other customers; the last column is about adding anything.
    """

    column: str
    segments: tuple[str, ...]
    log_odds: Floats

    @classmethod
    def fit(
        cls,
        column: str,
        customers: Customers,
        additions: Bools,
        weights: Floats,
    ) -> "Rates":
        """Count additions per customer who does not hold the product, smoothed.

        ``(additions + 10) / (customers + 10 / rate of everybody)``: a segment in which nobody adds
        a product is drawn to the rate of all customers (shrinkage by pseudo-counts).
        """
        free = weights[:, None] * _and_anybody(~customers.history.holdings())
        added = weights[:, None] * np.column_stack([additions, additions.any(axis=1)])
        everybody = (added.sum(axis=0) + 0.5) / (free.sum(axis=0) + 1)
        segments: tuple[str, ...] = ()
        if column in customers.profile:
            segments = tuple(sorted(map(str, customers.profile[column].cat.categories)))
        rates = cls(column, segments, np.zeros((len(segments) + 1, added.shape[1])))
        row = rates._rows(customers)
        table = np.empty_like(rates.log_odds)
        for segment in range(len(segments)):
            here = row == segment
            table[segment] = (added[here].sum(axis=0) + _PSEUDO_ADDITIONS) / (
                free[here].sum(axis=0) + _PSEUDO_ADDITIONS / everybody
            )
        table[-1] = everybody
        return replace(rates, log_odds=log_odds(table))

    def of(self, customers: Customers) -> Floats:
        """Log-odds of each item, and of anything, by the segment; (customers, items + 1)."""
        return self.log_odds[self._rows(customers)]

    def _rows(self, customers: Customers) -> NDArray[np.intp]:
        if not self.segments:
            return np.zeros(len(customers), dtype=np.intp)
        values = customers.profile[self.column].array
        known = {segment: row for row, segment in enumerate(self.segments)}
        rows = [known.get(str(value), -1) for value in values.categories]
        return np.asarray(np.array([*rows, -1], dtype=np.intp)[values.codes])


@dataclass(frozen=True)
class Propensity:
    """P(customer adds the item next month), and P(they add anything).

    Attributes
    ----------
    booster : CatBoost
        The trees of all items that have some, one item after the other: one file, and one table of
        what each feature contributes.
    ends : tuple of int
        Up to which tree each of `classes` goes.
    encoder : Encoder
        Categories of the profile.
    products : tuple of str
        Names of the items.
    lags : tuple of int
        Months back at which holdings are features.
    classes : int array
        Items with a booster, ascending.
    rates : Rates
        Where the boosters start from, and all that is known of other items.
    any : Platt
        Calibration of `anything`.
    """

    booster: CatBoost
    ends: tuple[int, ...]
    encoder: Encoder
    products: tuple[str, ...]
    lags: tuple[int, ...]
    classes: NDArray[np.intp]
    rates: Rates
    any: Platt = Platt()  # noqa: RUF009 - it is frozen

    @classmethod
    def fit(
        cls,
        customers: Customers,
        additions: Bools,
        weights: Floats,
        products: list[str],
        settings: PropensitySettings,
    ) -> "Propensity":
        """Learn from customers, those who add nothing included; `anything` is not calibrated.

        Parameters
        ----------
        customers : Customers
            As known the month before.
        additions : bool array, shape (customers, items)
        weights : float array, shape (customers,)
            How many customers each one stands for.
        products : list of str
            Names of the items.
        settings : PropensitySettings
            Lags beyond the longest history are left out.

        Raises
        ------
        CannotFitError
            The booster of an item cannot learn.
        """
        longest = int(np.bitwise_or.reduce(customers.history.present)).bit_length()
        lags = tuple(lag for lag in settings.lags if lag <= longest)
        rates = Rates.fit(settings.rate_by, customers, additions, weights)
        asked = ~customers.history.holdings()
        enough = additions.sum(axis=0) >= settings.min_additions
        # An item that all who lacked it added has nothing to tell them apart.
        classes = np.flatnonzero(enough & (asked & ~additions).any(axis=0))
        untrained = cls(
            idle_booster(),
            (),
            Encoder.fit(customers.profile),
            tuple(products),
            lags,
            classes,
            rates,
        )
        names, matrix = untrained.features(customers)
        adds = np.asarray(additions.any(axis=1))
        bags = np.random.default_rng(settings.seed).permutation(len(adds)) % settings.bags
        with tempfile.TemporaryDirectory() as folder:
            borders = str(Path(folder) / "borders.tsv")
            whole = Pool(matrix, additions.any(axis=1).astype(np.int8), feature_names=names)
            whole.quantize(border_count=settings.border_count)
            whole.save_quantization_borders(borders)

            def fit_one(item: np.intp, bag: int) -> CatBoostClassifier:
                rows = np.flatnonzero(asked[:, item] & (adds | (bags == bag)))
                pool = Pool(
                    matrix[rows],
                    additions[rows, item].astype(np.int8),
                    weight=np.where(adds, weights, weights * settings.bags)[rows],
                    baseline=np.full(len(rows), rates.log_odds[-1, item]),
                    feature_names=names,
                )
                pool.quantize(input_borders=borders)
                one = new_booster(
                    "Logloss",
                    settings,
                    1,
                    rsm=settings.colsample_bylevel,
                    ignored_features=_ignored(names, products[item]),
                )
                fit_booster(one, pool)
                return one

            # Side by side, each on one thread: less time is lost than with threads inside a tree.
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                each = [(item, bag) for item in classes for bag in range(settings.bags)]
                boosters = list(threads.map(fit_one, *zip(*each, strict=True))) if each else []
        if not boosters:
            return untrained
        ends = np.cumsum([one.tree_count_ for one in boosters])[settings.bags - 1 :: settings.bags]
        mean = sum_models(boosters, weights=[1 / settings.bags] * len(boosters))
        return replace(untrained, booster=mean, ends=tuple(ends.tolist()))

    def calibrated(
        self, like: "Propensity", customers: Customers, additions: Bools
    ) -> "Propensity":
        """The same, with `anything` calibrated on a month that `like` has not learnt from.

        Items are not added independently of each other, and how they depend is the same in every
        month; how often each one is added is not. So the items of `like` are first brought to the
        level of that month, and what is kept is the line from independent additions to real ones.

        Parameters
        ----------
        like : Propensity
            The same model, learnt from earlier months.
        customers : Customers
            As known before the month.
        additions : bool array, shape (customers, items)
            In the month.
        """
        raw, free = like.log_odds(customers), ~customers.history.holdings()
        for item, rows in enumerate(free.T):
            line = Platt.fit(raw[rows, item], additions[rows, item])
            raw[rows, item] = line.of(raw[rows, item])
        together = _at_least_one(_chances(raw, free))
        return replace(self, any=Platt.fit(together, np.asarray(additions.any(axis=1))))

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        return [*feature_names(self.products, self.lags), *self.encoder.names]

    def features(self, customers: Customers) -> tuple[list[str], NDArray[np.float32]]:
        """Names, and values (customers, features), Fortran order: history and profile."""
        blocks = feature_blocks(customers.history, self.lags)
        blocks.append(self.encoder.transform(customers.profile))
        return self.names, np.concatenate([block.T for block in blocks]).T

    def log_odds(self, customers: Customers, matrix: NDArray[np.float32] | None = None) -> Floats:
        """ln(p / (1 - p)) of each item, held or not; (customers, items)."""
        values = self.features(customers)[1] if matrix is None else matrix
        raw = self.rates.of(customers)[:, :-1]
        raw[:, self.classes] = self.rates.log_odds[-1, self.classes]
        rows = Pool(values)  # made once: that takes CatBoost longer than to ask it for an item
        for item, trees in zip(self.classes, self.trees(), strict=True):
            raw[:, item] += predict(self.booster, rows, "RawFormulaVal", trees)
        return raw

    def trees(self) -> Iterable[range]:
        """The trees of each of `classes`."""
        return map(range, (0, *self.ends), self.ends)

    def score(self, customers: Customers) -> Scores:
        """P(adds item) next month; (customers, items), 0 for what they hold."""
        return self.score_features(customers, self.features(customers)[1])

    def score_features(self, customers: Customers, matrix: NDArray[np.float32]) -> Scores:
        """As `score`, from features already computed."""
        return _chances(self.log_odds(customers, matrix), ~customers.history.holdings())

    def anything(self, chances: Scores) -> Scores:
        """P(adds anything) next month from the chances of `score`; (customers,).

        ``1 - product of (1 - p)``, as if items were added independently, calibrated.
        """
        return chance(self.any.of(_at_least_one(chances))).astype(np.float32)

    def pull(self, chances: Scores) -> Scores:
        """How far the log-odds of `anything` follow those of each item; (customers, items).

        ``slope * p / q`` with ``q = 1 - product of (1 - p)``: the derivative. Log-odds x of an item
        move q by ``(1 - q) * p`` per unit, and q moves its own log-odds by ``1 / (q * (1 - q))``;
        the slope is that of the calibration.
        """
        together = chance(_at_least_one(chances))
        return (self.any.slope * chances / together[:, None]).astype(np.float32)

    def save(self, path: str | Path) -> None:
        """Write .cbm; our own fields go into its metadata."""
        save_booster(
            path,
            self.booster,
            {
                "ends": self.ends,
                "encoder": self.encoder.to_json(),
                "products": self.products,
                "lags": self.lags,
                "classes": self.classes.tolist(),
                "rates": {
                    "column": self.rates.column,
                    "segments": self.rates.segments,
                    "log_odds": self.rates.log_odds.tolist(),
                },
                "any": [self.any.slope, self.any.shift],
            },
        )

    @classmethod
    def load(cls, path: str | Path) -> "Propensity":
        """Read .cbm."""
        booster, ours = load_booster(path)
        rates = ours["rates"]
        return cls(
            booster,
            tuple(ours["ends"]),
            Encoder.from_json(ours["encoder"]),
            tuple(ours["products"]),
            tuple(ours["lags"]),
            np.array(ours["classes"], dtype=np.intp),
            Rates(rates["column"], tuple(rates["segments"]), np.array(rates["log_odds"])),
            Platt(*ours["any"]),
        )


def _and_anybody(free: Bools) -> Bools:
    return np.column_stack([free, np.ones(len(free), dtype=bool)])


def _ignored(names: list[str], product: str) -> list[int]:
    """Places of the features that are about another product, unless every booster looks at them."""
    return [
        place
        for place, (feature, _, about) in enumerate(name.partition(":") for name in names)
        if about and about != product and feature not in _ABOUT_ALL
    ]


def _chances(log_odds: Floats, free: Bools) -> Scores:
    return np.where(free, chance(log_odds), 0.0).astype(np.float32)


def _at_least_one(chances: Scores) -> Floats:
    """Log-odds of at least one of independent events; (customers,)."""
    none = np.log1p(-np.minimum(chances.astype(np.float64), 1 - 1e-12)).sum(axis=1)
    none = np.minimum(none, -1e-12)  # who holds everything
    return np.asarray(np.log(-np.expm1(none)) - none)

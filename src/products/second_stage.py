"""Fitting the second stage on the blend window: popularity, and the ranker of additions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.errors import InputError
from src.models.contract import CannotFitError, Model, Scores
from src.models.customers import Customers
from src.models.history import History
from src.models.pool import Pool
from src.models.popularity import Popularity
from src.models.propensity import Propensity
from src.models.ranker import Ranker, RankerSettings
from src.models.registry import FIRST_STAGE
from src.products.dataset import Dataset
from src.tables.months import month_of


@dataclass(frozen=True)
class Adders:
    """Adders of some months, each as known one month earlier; by month and customer.

    Attributes
    ----------
    customers : Customers
    additions : bool array, shape (adders, products)
        What they added.
    ages : int array, shape (adders,)
        Months from the one they added in to the last blend month.
    """

    customers: Customers
    additions: NDArray[np.bool_]
    ages: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.customers)

    def of(self, rows: NDArray[np.intp]) -> "Adders":
        """Select some of the adders."""
        return Adders(self.customers.of(rows), self.additions[rows], self.ages[rows])


def check_names(settings: RankerSettings, where: str = "params.yaml: blend.models") -> None:
    """Raise InputError if a named first-stage model does not exist."""
    if unknown := sorted(set(settings.models) - set(FIRST_STAGE)):
        raise InputError(f"{where} names {', '.join(unknown)}; known are {', '.join(FIRST_STAGE)}")


def fit_popularity(dataset: Dataset) -> Popularity:
    """Count the additions of all base and blend months."""
    dates = [*dataset.windows.base, *dataset.windows.blend]
    counts = [dataset.additions(month_of(date)).sum(axis=0) for date in dates[1:]]
    return Popularity.fit(np.sum(counts, axis=0))


def find_adders(dataset: Dataset, settings: RankerSettings | None = None) -> Adders:
    """Adders of the blend months; with settings, only those that `draw` draws."""
    months = [month_of(date) for date in dataset.windows.blend]
    additions = [dataset.additions(month) for month in months]
    adds = [np.asarray(added.any(axis=1)) for added in additions]
    history = History.stack(
        [dataset.known_before(month, rows) for month, rows in zip(months, adds, strict=True)]
    )
    added = np.concatenate([table[rows] for table, rows in zip(additions, adds, strict=True)])
    drawn = np.arange(len(added)) if settings is None else draw(len(added), settings)
    history = history.of(drawn)
    ages = (months[-1] - history.asked).astype(np.intp)
    return Adders(dataset.described(history), added[drawn], ages)


def draw(adders: int, settings: RankerSettings) -> NDArray[np.intp]:
    """Rows of at most `settings.rows` of so many adders, ascending."""
    generator = np.random.default_rng(settings.seed)
    return np.sort(generator.choice(adders, size=min(settings.rows, adders), replace=False))


def fit_ranker(
    adders: Adders, scores: dict[str, Scores], products: list[str], settings: RankerSettings
) -> Ranker:
    """Learn from adders.

    Parameters
    ----------
    adders : Adders
    scores : dict of first-stage model -> float32 array, shape (adders, products)
        At least those of `settings.models`.
    products : list of str
    settings : RankerSettings

    Raises
    ------
    InputError
        They do not let the ranker learn.
    """
    weights = settings.month_decay ** adders.ages.astype(np.float64)
    try:
        return Ranker.fit(adders.customers, scores, adders.additions, weights, products, settings)
    except CannotFitError as error:
        raise InputError(
            f"in the blend months {error}: lengthen split.blend in params.yaml"
        ) from None


def fit_pool(
    dataset: Dataset,
    first_stage: dict[str, Model],
    propensity: Propensity,
    settings: RankerSettings,
) -> Pool:
    """Weigh ranker and propensity by what adders of the last blend month added.

    Neither has learnt from it: a ranker of the months before is fitted for this, from a quarter of
    the rows. With more, the ranker weighs more, but the ranking hardly changes (docs/models.md). If
    these months have too few adders for one, the pool is the geometric mean.

    Parameters
    ----------
    dataset : Dataset
    first_stage : dict of first-stage model -> Model
        At least those of `settings.models`.
    propensity : Propensity
        Learnt without the last blend month.
    settings : RankerSettings
    """
    if len(dataset.windows.blend) < 2:
        return Pool()
    held_back = dataset.before_test()
    fewer = settings.model_copy(update={"rows": max(settings.rows // 4, 100)})
    earlier = find_adders(held_back, fewer)
    scores = {name: first_stage[name].score(earlier.customers) for name in settings.models}
    try:
        ranker = fit_ranker(earlier, scores, dataset.products, settings)
    except InputError:
        return Pool()
    month = month_of(held_back.windows.test[0])
    additions = held_back.additions(month)
    adds = np.asarray(additions.any(axis=1))
    customers = held_back.customers(month, adds)
    own = {name: first_stage[name].score(customers) for name in settings.models}
    return Pool.fit(ranker.score(customers, own), propensity.score(customers), additions[adds])

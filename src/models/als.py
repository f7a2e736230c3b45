"""ALS: implicit matrix factorisation of usage shares (Hu, Koren and Volinsky 2008)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from implicit.recommender_base import ModelFitError
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from src.evaluation.holdings import ndcg_by_customer
from src.models.contract import CannotFitError, FirstStage, Phrase, Scores, TrainingData
from src.models.customers import Customers
from src.models.factorization import AlsSettings, TrainAls, new_als
from src.models.history import History
from src.reporting import write_arrays

_CUSTOMERS_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Als:
    """Item factors; customers are folded in from their current holdings when scored.

    Attributes
    ----------
    item_factors : float32 array, shape (items, factors)
    months : int
        Months behind the usage shares of training; a customer is folded in from as many.
    """

    item_factors: NDArray[np.float32]
    months: int
    settings: AlsSettings

    @classmethod
    def learn(cls, data: TrainingData, settings: TrainAls) -> "Als":
        """Factorise usage shares where `trainer` says.

        Raises
        ------
        CannotFitError
            The factors grow beyond all bounds.
        """
        history = data.base_history()
        own = AlsSettings.model_validate(settings.model_dump(exclude={"trainer"}))
        if settings.trainer == "implicit":
            return cls.fit(history, own)
        item_factors = data.factorize(_shares(history), history.held.shape[1], own)
        if not np.isfinite(item_factors).all():
            raise _not_finite(own)
        return cls(item_factors, _months(history), own)

    @classmethod
    def fit(cls, history: History, settings: AlsSettings) -> "Als":
        """Factorise the usage shares of customers at the end of their histories, by implicit.

        Raises
        ------
        CannotFitError
            The factors grow beyond all bounds.
        """
        usage = history.usage_share()
        with _one_blas_thread():
            model = new_als(settings)
            try:
                model.fit(sp.csr_matrix(usage), show_progress=False)
            except ModelFitError:
                raise _not_finite(settings) from None
        return cls(np.asarray(model.item_factors), _months(history), settings)

    def score(self, customers: Customers) -> Scores:
        """Score every item for every customer; see `Model`."""
        usage = customers.history.recent(self.months).usage_share()
        with _one_blas_thread():
            model = new_als(self.settings)
            model.item_factors = self.item_factors
            folded = model.recalculate_user(np.arange(len(usage)), sp.csr_matrix(usage))
            return np.asarray(folded @ self.item_factors.T, dtype=np.float32)

    def save(self, path: str | Path) -> None:
        """Write .npz."""
        write_arrays(
            path,
            item_factors=self.item_factors,
            months=self.months,
            settings=self.settings.model_dump_json(),
        )

    @classmethod
    def load(cls, path: str | Path) -> "Als":
        """Read .npz."""
        with np.load(path, allow_pickle=False) as arrays:
            settings = AlsSettings.model_validate_json(str(arrays["settings"]))
            return cls(arrays["item_factors"], int(arrays["months"]), settings)


def _months(history: History) -> int:
    return int(np.bitwise_or.reduce(history.present)).bit_length()


def _shares(history: History) -> Iterator[pa.Table]:
    """Usage shares as rows of who, what and how much, by ranges of customers."""
    for start in range(0, len(history.customers), _CUSTOMERS_AT_ONCE):
        usage = history.of(slice(start, start + _CUSTOMERS_AT_ONCE)).usage_share()
        rows, items = np.nonzero(usage)
        yield pa.table(
            {
                "customer": (rows + start).astype(np.int32),
                "item": items.astype(np.int32),
                "share": usage[rows, items],
            }
        )


def _not_finite(settings: AlsSettings) -> CannotFitError:
    return CannotFitError(
        f"the factors are not finite with alpha {settings.alpha:g} and regularization "
        f"{settings.regularization:g}"
    )


@cache
def _libraries() -> ThreadpoolController:
    """Found once: to look for them takes ten times as long as to score a customer."""
    return ThreadpoolController()


def _one_blas_thread() -> AbstractContextManager[object]:
    """Threads of BLAS would only get in the way of each other: the products are small."""
    limit: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limit


FIRST_STAGE = FirstStage(
    name="als",
    turn=3,
    model=Als,
    settings=TrainAls,
    file="als.npz",
    offline_lists="personal_als.parquet",
    fit=Als.learn,
    looks_at=frozenset({"history"}),
    title=Phrase("similar holdings", "похожие наборы продуктов"),
    score_means=Phrase("fit", "соответствие"),
    fallback="what goes with the customer's holdings",
    phrase=Phrase(
        "holdings go with {t} ({s} of 1)", "к продуктам клиента подходит «{t}» ({s} из 1)"
    ),
    weak_phrase=Phrase(
        "holdings hardly go with {t}", "к продуктам клиента «{t}» почти не подходит"
    ),
    metrics=lambda _model, _customers, scores, held: ndcg_by_customer(scores, held),
)

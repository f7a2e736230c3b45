"""What a trial is worth: MAP@7 among the adders of the last blend month."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.errors import InputError
from src.metrics import average_precision
from src.models.customers import Customers, Scores
from src.products.dataset import Dataset
from src.products.offers import LIST_LENGTH
from src.ranking import top_k


@dataclass(frozen=True)
class Judge:
    """Customers who added something in one month, as known before it, and what they added.

    Attributes
    ----------
    month : str
    customers : Customers
    additions : bool array, shape (adders, products)
    """

    month: str
    customers: Customers
    additions: NDArray[np.bool_]

    @classmethod
    def of(cls, dataset: Dataset) -> "Judge":
        """Take the month that stands in the place of test, see `Dataset.before_test`.

        Raises
        ------
        InputError
            Nobody adds anything in it.
        """
        (ago,) = dataset.window("test")
        additions = dataset.additions(ago)
        adds = np.asarray(additions.any(axis=1))
        month = str(dataset.windows["test"][0])
        if not adds.any():
            raise InputError(f"nobody adds a product in {month}, by which trials are judged")
        return cls(month, dataset.customers(ago, adds), additions[adds])

    def __call__(self, scores: Scores) -> NDArray[np.float64]:
        """AP@7 of each adder, held products left out; `scores` is (adders, products)."""
        k = min(LIST_LENGTH, scores.shape[1])
        ranking = top_k(scores, k, self.customers.history.holdings())
        return average_precision(ranking, self.additions, LIST_LENGTH)

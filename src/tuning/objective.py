"""What a trial is worth: MAP@7 among the adders of the last blend month."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from src.errors import InputError
from src.evaluation.metrics import average_precision
from src.lists import LIST_LENGTH
from src.models.contract import Scores
from src.models.customers import Customers
from src.products.dataset import Dataset
from src.ranking import top_k
from src.tables.months import month_of
from src.tuning.study import Measure


@dataclass(frozen=True)
class Objective:
    """Customers who added something in one month, as known before it, and what they added.

    Attributes
    ----------
    month : str
    customers : Customers
    additions : bool array, shape (adders, products)
    """

    measure: ClassVar = Measure("map@7_adders", "MAP@7 among adders", "adders")
    decides: ClassVar[dict[str, object]] = {}  # the data say it all

    month: str
    customers: Customers
    additions: NDArray[np.bool_]

    @classmethod
    def of(cls, dataset: Dataset) -> "Objective":
        """Take the month that is used in place of test, see `Dataset.before_test`.

        Raises
        ------
        InputError
            Nobody adds anything in it.
        """
        (date,) = dataset.windows.test
        additions = dataset.additions(month_of(date))
        adds = np.asarray(additions.any(axis=1))
        if not adds.any():
            raise InputError(f"nobody adds a product in {date}, by which trials are compared")
        return cls(str(date), dataset.customers(month_of(date), adds), additions[adds])

    @property
    def facts(self) -> dict[str, object]:
        """What trials are judged on."""
        return {"month": self.month, "adders": len(self.customers)}

    @property
    def title(self) -> str:
        """The same, in words."""
        return f"{len(self.customers):,} adders of {self.month}"

    def __call__(self, scores: Scores) -> NDArray[np.float64]:
        """AP@7 of each adder, held products left out; `scores` is (adders, products)."""
        k = min(LIST_LENGTH, scores.shape[1])
        ranking = top_k(scores, k, self.customers.history.holdings())
        return average_precision(ranking, self.additions, LIST_LENGTH)

"""The test month as a campaign a month before would have known it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from src import params
from src.campaign.allocation import Allocation, allocate
from src.campaign.audience import Audience, audience, read_chances
from src.campaign.limits import problem_of, solve
from src.campaign.problem import Limits, Problem
from src.campaign.settings import PARAMS, Campaign
from src.errors import InputError
from src.models.history import Ids
from src.products import paths as products_paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.tables.months import Month, month_of

ANY = "any"  # the channel, where none matters


@dataclass(frozen=True)
class Tried:
    """Who could have been contacted, and what they added.

    Attributes
    ----------
    month : datetime64[M]
    settings : Campaign
    products : list of str
    chances : float32 array, shape (customers, products)
        Whatever the rules say.
    people : Audience
        As the rules say.
    additions : bool array, shape (customers, products)
    """

    month: Month
    settings: Campaign
    products: list[str]
    chances: NDArray[np.float32]
    people: Audience
    additions: NDArray[np.bool_]

    @classmethod
    def read(cls) -> Self:
        """Read what evaluate and split left."""
        settings = params.load("campaign", Campaign, PARAMS)
        schema = params.load("schema", Schema)
        dataset = Dataset.open(schema)
        month = month_of(dataset.windows.test[0])
        known = dataset.customers(month)
        customers, chances = read_chances(products_paths.TEST_CHANCES, dataset.products)
        check_ids(products_paths.TEST_CHANCES, customers, known.history.customers)
        people = audience(settings, schema, customers, chances, known.profile, month)
        additions = dataset.additions(month)[dataset.rows(known)]
        return cls(month, settings, dataset.products, chances, people, additions)

    def problems(self, share: float) -> dict[str, Problem]:
        """What is compared.

        Returns
        -------
        dict
            ``limited`` is the campaign as params.yaml says. ``plain`` has no rules, values and
            costs: one product each to a share of customers, after as many additions as possible.
        """
        limited = problem_of(self.settings, self.products, self.people.chances)
        customers, items = self.chances.shape
        none, nothing = np.full(items, customers), np.zeros(items, dtype=np.int64)
        limits = Limits(1, int(share * customers), none, nothing, none[:1], nothing[:1])
        plain = Problem(self.chances, np.ones(items), np.zeros((items, 1)), limits)
        return {"limited": limited, "plain": plain}

    def channels(self, kind: str) -> list[str]:
        """Names of the channels of a problem."""
        return list(self.settings.channels) if kind == "limited" else [ANY]

    def best(self, kind: str, problem: Problem) -> Allocation:
        """The campaign of a problem."""
        if kind == "limited":
            return solve(self.settings, self.products, problem)
        return allocate(problem, self.settings.exact_up_to)


def check_ids(path: str, customers: Ids, expected: Ids) -> None:
    """Raise InputError if a file is not about the customers of the test month."""
    if not np.array_equal(customers, expected):
        raise InputError(
            f"{path} has {len(customers):,} customers, but not the {len(expected):,} of the month "
            "before the test month, or not in the order of their ids: run 'dvc repro' first"
        )

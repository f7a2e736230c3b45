"""The campaign beside simpler ways to choose as many contacts within the same maxima."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from src.campaign.greedy import by_score
from src.campaign.problem import Contacts, Problem
from src.models.history import Ids

CAMPAIGN = "campaign"
HIGHEST_CHANCE = "highest chance"
BEST = "campaign on the true chances"


def simpler(
    problem: Problem,
    popularity: NDArray[np.float32],
    conditional: NDArray[np.float32],
    most: int,
    seed: int,
) -> dict[str, Contacts]:
    """Contacts of each simpler policy by its name.

    Parameters
    ----------
    problem : Problem
    popularity : float32 array, shape (products,)
        Share of each product among all additions.
    conditional : float32 array, shape (customers, products)
        Chance that it is this product, if the customer adds anything.
    most : int
        Contacts of the campaign.
    seed : int
        Of the order of equal scores.
    """
    generator = np.random.default_rng(seed)
    anybody = generator.random(len(problem.chances), dtype=np.float32)
    scores: dict[str, Callable[[], NDArray[np.float32]]] = {
        HIGHEST_CHANCE: lambda: problem.chances,
        "highest conditional score": lambda: conditional,
        "popularity": lambda: popularity,
        "random": lambda: anybody[:, None],
    }
    return {name: by_score(problem, own(), most, generator) for name, own in scores.items()}


def contacts_table(
    customers: Ids, contacts: Contacts, products: list[str], channels: list[str]
) -> dict[str, pa.Array]:
    """Columns customer, product and channel."""
    return {
        "customer": pa.array(customers[contacts.rows]),
        "product": pa.DictionaryArray.from_arrays(
            pa.array(contacts.products.astype(np.int16)), products
        ).cast(pa.string()),
        "channel": pa.DictionaryArray.from_arrays(
            pa.array(contacts.channels.astype(np.int16)), channels
        ).cast(pa.string()),
    }

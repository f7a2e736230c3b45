"""The models of new providers: each one's name, and how it learns from what is known."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from src.params import Section
from src.payments.providers import boosting, factors, machine, neighbours, popularity
from src.payments.providers.boosting import BoostingSettings
from src.payments.providers.factors import AlsSettings
from src.payments.providers.known import Ints, Known
from src.payments.providers.machine import MachineSettings
from src.payments.providers.neighbours import NeighbourSettings
from src.payments.providers.popularity import PopularitySettings


class Model(Protocol):
    """What every model of new providers can do."""

    def score(self, clients: Ints) -> NDArray[np.float32]:
        """Score every provider for some clients.

        Parameters
        ----------
        clients : int64 array, shape (clients,)
            Indices of a batch of clients.

        Returns
        -------
        float32 array, shape (clients, providers)
            Higher is better. It belongs to the caller, who may write to it.
        """


class ModelSettings(Section):
    """Hyperparameters of all models."""

    popularity: PopularitySettings
    neighbours: NeighbourSettings
    als: AlsSettings
    machine: MachineSettings
    boosting: BoostingSettings


@dataclass(frozen=True)
class Record:
    """How a model is fitted, and the attribute of payments without which there is no such model."""

    fit: Callable[[Known, ModelSettings], Model]
    needs: str | None = None


def _in_group(known: Known, settings: ModelSettings, attribute: str) -> Model:
    return popularity.group_popularity(known, attribute, settings.popularity)


MODELS: dict[str, Record] = {
    "popularity": Record(lambda known, _: popularity.popularity(known)),
    "recent": Record(lambda known, all_: popularity.recent_popularity(known, all_.popularity)),
    "first_payments": Record(
        lambda known, all_: popularity.first_payments_lately(known, all_.popularity)
    ),
    "region": Record(partial(_in_group, attribute="region"), "region"),
    "unit": Record(partial(_in_group, attribute="unit"), "unit"),
    "item_knn": Record(lambda known, _: neighbours.item_neighbours(known)),
    "user_knn": Record(lambda known, all_: neighbours.user_neighbours(known, all_.neighbours)),
    "ease": Record(lambda known, all_: neighbours.ease(known, all_.neighbours)),
    "co_occurrence": Record(lambda known, all_: neighbours.co_occurrence(known, all_.neighbours)),
    "als": Record(lambda known, all_: factors.als(known, all_.als)),
    "machine": Record(lambda known, all_: machine.machine(known, all_.machine)),
    "boosting": Record(lambda known, all_: boosting.boosting(known, all_.boosting, all_.als)),
}


def fit_models(known: Known, names: list[str], settings: ModelSettings) -> dict[str, Model]:
    """Fit some models, as far as the payments have what they need; in the order of `MODELS`."""
    there = known.payments.attributes
    return {
        name: record.fit(known, settings)
        for name, record in MODELS.items()
        if name in names and (record.needs is None or record.needs in there)
    }

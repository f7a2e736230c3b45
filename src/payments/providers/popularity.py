"""Popularity: the same providers for everybody, or for a region, or for a unit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from src.params import Section
from src.payments.providers.known import Ints, Known, Matrix


class PopularitySettings(Section):
    """Windows before the cut-off, in days.

    `recent_days` is that of recent popularity, `first_days` that of first payments, `group_days`
    that of popularity in a region or unit.
    """

    recent_days: int = Field(ge=1)
    first_days: int = Field(ge=1)
    group_days: int = Field(ge=1)


@dataclass(frozen=True)
class Popularity:
    """One score of each provider; float32, (providers,)."""

    scores: NDArray[np.float32]

    def score(self, clients: Ints) -> NDArray[np.float32]:
        """Score every provider for some clients; see `Model`."""
        return np.tile(self.scores, (len(clients), 1))


@dataclass(frozen=True)
class GroupPopularity:
    """Popularity among the clients of a group; what nobody there has paid follows by popularity.

    Attributes
    ----------
    groups : int64 array, shape (clients,)
        The number of groups where a client's is not known.
    scores : sparse float32 matrix, shape (groups + 1, providers)
        The last row is empty.
    everywhere : float32 array, shape (providers,)
        Of `below`.
    """

    groups: Ints
    scores: Matrix
    everywhere: NDArray[np.float32]

    def score(self, clients: Ints) -> NDArray[np.float32]:
        """Score every provider for some clients; see `Model`."""
        return filled(self.scores[self.groups[clients]], self.everywhere)


def popularity(known: Known) -> Popularity:
    """Clients who have ever paid a provider."""
    return Popularity(known.payers().astype(np.float32))


def recent_popularity(known: Known, settings: PopularitySettings) -> Popularity:
    """Clients who have paid a provider in the last days; the others follow by popularity."""
    return _in_window(known, known.pairs.last, settings.recent_days)


def first_payments_lately(known: Known, settings: PopularitySettings) -> Popularity:
    """Clients whose first payment to a provider was in the last days."""
    return _in_window(known, known.pairs.first, settings.first_days)


def group_popularity(known: Known, attribute: str, settings: PopularitySettings) -> GroupPopularity:
    """Clients of the same region or unit who have paid a provider in the last days."""
    pairs = known.pairs
    number = len(known.payments.attributes[attribute].labels)
    latest = known.payments.latest(attribute)
    groups = np.where(latest < 0, number, latest)
    group = groups[pairs.client]
    chosen = (group < number) & (pairs.last >= known.cut_off - settings.group_days)
    ones = np.ones(int(chosen.sum()), dtype=np.float32)
    places = (group[chosen], pairs.provider[chosen])
    scores = Matrix((ones, places), shape=(number + 1, known.shape[1]))
    return GroupPopularity(groups, scores, below(known))


def below(known: Known) -> NDArray[np.float32]:
    """Scores from -1 to 0 in the order of popularity, for providers that a model knows nothing of.

    float32, (providers,).
    """
    payers = known.payers()
    return np.asarray(payers / max(payers.max(initial=0), 1) - 1, dtype=np.float32)


def filled(scores: Matrix, everywhere: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores above 0 as they are, `everywhere` in place of the others; (clients, providers)."""
    dense = np.tile(everywhere, (scores.shape[0], 1))
    rows = np.repeat(np.arange(scores.shape[0]), np.diff(scores.indptr))
    some = scores.data > 0
    dense[rows[some], scores.indices[some]] = scores.data[some]
    return dense


def _in_window(known: Known, days: Ints, window: int) -> Popularity:
    chosen = days >= known.cut_off - window
    counts = np.bincount(known.pairs.provider[chosen], minlength=known.shape[1])
    scores = np.where(counts > 0, counts.astype(np.float32), below(known))
    return Popularity(scores)

"""Neighbours: providers that are paid by the same clients, and clients who are alike."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from src.params import Section
from src.payments.providers.known import Ints, Known, Matrix
from src.payments.providers.popularity import below, filled


class NeighbourSettings(Section):
    """Hyperparameters.

    `shrinkage` is added to the clients of a provider in conditional co-occurrence. User-kNN asks
    the `users` most similar clients. EASE knows the `ease_providers` most popular providers.
    """

    shrinkage: float = Field(ge=0)
    users: int = Field(ge=1)
    ease_providers: int = Field(ge=2, le=20_000)
    ease_regularization: float = Field(gt=0)


@dataclass(frozen=True)
class ProviderWeights:
    """Sum of the weights that the providers which a client has paid give to another.

    Attributes
    ----------
    history : sparse float32 matrix, shape (clients, providers)
        1 where a client has paid a provider.
    weights : sparse float32 matrix, shape (providers, providers)
    everywhere : float32 array, shape (providers,)
        For providers without any weight; of `below`.
    """

    history: Matrix
    weights: Matrix
    everywhere: NDArray[np.float32]

    def score(self, clients: Ints) -> NDArray[np.float32]:
        """Score every provider for some clients; see `Model`."""
        return filled(self.history[clients] @ self.weights, self.everywhere)


@dataclass(frozen=True)
class SimilarClients:
    """Sum of the cosines of the most similar clients who have paid a provider."""

    history: Matrix
    users: int
    everywhere: NDArray[np.float32]

    def score(self, clients: Ints) -> NDArray[np.float32]:
        """Score every provider for some clients; see `Model`."""
        sizes = np.sqrt(np.maximum(np.diff(self.history.indptr), 1)).astype(np.float32)
        both = self.history[clients] @ self.history.T
        rows = np.repeat(np.arange(len(clients)), np.diff(both.indptr))
        cosines = both.data / (sizes[clients][rows] * sizes[both.indices])
        cosines[both.indices == clients[rows]] = 0  # nobody is their own neighbour
        order = np.lexsort((both.indices, -cosines, rows))
        kept = order[np.arange(len(rows)) - np.searchsorted(rows, rows) < self.users]
        similar = Matrix((cosines[kept], (rows[kept], both.indices[kept])), shape=both.shape)
        return filled(similar @ self.history, self.everywhere)


@dataclass(frozen=True)
class Ease:
    """Weights among the most popular providers; see `ease`.

    Attributes
    ----------
    history : sparse float32 matrix, shape (clients, chosen)
    weights : float32 array, shape (chosen, chosen)
    chosen : int64 array, shape (chosen,)
        The popular providers, ascending.
    everywhere : float32 array, shape (providers,)
        For all others; of `below`.
    """

    history: Matrix
    weights: NDArray[np.float32]
    chosen: Ints
    everywhere: NDArray[np.float32]

    def score(self, clients: Ints) -> NDArray[np.float32]:
        """Score every provider for some clients; see `Model`."""
        scores = np.tile(self.everywhere, (len(clients), 1))
        with threadpool_limits(limits=1, user_api="blas"):
            popular = self.history[clients].toarray() @ self.weights
        scores[:, self.chosen] = np.where(popular > 0, popular, self.everywhere[self.chosen])
        return scores


def co_occurrence(known: Known, settings: NeighbourSettings) -> ProviderWeights:
    """Conditional co-occurrence: n(i, j) / (n(i) + shrinkage), summed over the client's i.

    n(i, j) is the number of clients who have paid both, n(i) of those who have paid i.
    """
    together, rows = _together(known)
    together.data /= (known.payers() + settings.shrinkage)[rows]
    return ProviderWeights(known.matrix(), together.astype(np.float32), below(known))


def item_neighbours(known: Known) -> ProviderWeights:
    """Item-kNN with all neighbours: n(i, j) / sqrt(n(i) n(j)), summed over the client's i."""
    together, rows = _together(known)
    sizes = np.sqrt(known.payers())
    together.data /= sizes[rows] * sizes[together.indices]
    return ProviderWeights(known.matrix(), together.astype(np.float32), below(known))


def user_neighbours(known: Known, settings: NeighbourSettings) -> SimilarClients:
    """User-kNN by the providers that two clients have both paid."""
    return SimilarClients(known.matrix(), settings.users, below(known))


def ease(known: Known, settings: NeighbourSettings) -> Ease:
    """EASE: a linear regression of each provider on all others (Steck 2019, closed form).

    With ``P = inverse(X'X + lambda I)`` the weights are ``-P[i, j] / P[j, j]``, and 0 on the
    diagonal.
    """
    payers = known.payers()
    order = np.argsort(-payers, kind="stable")
    chosen = np.sort(order[: settings.ease_providers])
    history = known.matrix()[:, chosen]
    gram = (history.T @ history).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += settings.ease_regularization
    with threadpool_limits(limits=1, user_api="blas"):
        inverse = np.linalg.inv(gram)
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return Ease(history, weights.astype(np.float32), chosen, below(known))


def _together(known: Known) -> tuple[Matrix, Ints]:
    """Clients who have paid two providers, float64 (providers, providers); rows of its entries."""
    history = known.matrix().astype(np.float64)
    together = Matrix(history.T @ history)
    together.sort_indices()
    rows = np.repeat(np.arange(known.shape[1]), np.diff(together.indptr))
    together.data[rows == together.indices] = 0
    return together, rows

"""ALS: implicit matrix factorisation of who pays whom (Hu, Koren and Volinsky 2008)."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from implicit.cpu.als import AlternatingLeastSquares
from implicit.recommender_base import ModelFitError
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from src.errors import InputError
from src.params import Section
from src.payments.providers.known import Ints, Known


class AlsSettings(Section):
    """Hyperparameters.

    A pair has the confidence ``alpha * (1 + log(payments))``. The logarithm of a provider's
    clients, times `bias`, is added to its scores.
    """

    factors: int = Field(default=64, ge=1, le=512)
    iterations: int = Field(default=15, ge=1)
    regularization: float = Field(default=10, ge=0)
    alpha: float = Field(default=40, gt=0, le=1e6)
    bias: float = Field(default=0, ge=0)
    seed: int = Field(default=7, ge=0)


@dataclass(frozen=True)
class Factors:
    """Products of the factors of clients and providers, and a bias of each provider.

    Attributes
    ----------
    clients : float32 array, shape (clients, factors)
    providers : float32 array, shape (providers, factors)
    bias : float32 array, shape (providers,)
    """

    clients: NDArray[np.float32]
    providers: NDArray[np.float32]
    bias: NDArray[np.float32]

    def score(self, clients: Ints) -> NDArray[np.float32]:
        """Score every provider for some clients; see `Model`."""
        with threadpool_limits(limits=1, user_api="blas"):
            scores = self.clients[clients] @ self.providers.T
        scores += self.bias
        return scores


def als(known: Known, settings: AlsSettings) -> Factors:
    """Factorise.

    Raises
    ------
    InputError
        The factors grow beyond all bounds.
    """
    with threadpool_limits(limits=1, user_api="blas"):
        model = new_als(settings)
        try:
            model.fit(confidence(known), show_progress=False)
        except ModelFitError:
            raise InputError(
                f"the factors of ALS are not finite with alpha {settings.alpha:g} and "
                f"regularization {settings.regularization:g}: choose others in params.yaml"
            ) from None
    bias = settings.bias * np.log1p(known.payers())
    return Factors(model.user_factors, model.item_factors, bias.astype(np.float32))


def confidence(known: Known) -> sp.csr_matrix:
    """1 + the logarithm of the payments of each pair; (clients, providers)."""
    values = 1 + np.log(known.pairs.count)
    return sp.csr_matrix(known.matrix(values.astype(np.float32)))


def new_als(settings: AlsSettings) -> AlternatingLeastSquares:
    """Make an untrained model of implicit; within a limit on the threads of BLAS."""
    return AlternatingLeastSquares(
        factors=settings.factors,
        iterations=settings.iterations,
        regularization=settings.regularization,
        alpha=settings.alpha,
        random_state=settings.seed,
        num_threads=1,  # more wait for each other: BLAS takes a lock for every client
    )

"""ALS: implicit matrix factorisation of who pays whom (Hu, Koren and Volinsky 2008)."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from implicit.recommender_base import ModelFitError
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from src.errors import InputError
from src.models import factorization
from src.models.factorization import new_als
from src.payments.providers.known import Ints, Known
from src.payments.schema import PARAMS


class AlsSettings(factorization.AlsSettings):
    """Hyperparameters.

    A pair has the confidence ``alpha * (1 + log(payments))``. The logarithm of a provider's
    clients, times `bias`, is added to its scores.
    """

    bias: float = Field(ge=0)


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
                f"regularization {settings.regularization:g}: choose others in {PARAMS}"
            ) from None
    bias = settings.bias * np.log1p(known.payers())
    return Factors(model.user_factors, model.item_factors, bias.astype(np.float32))


def confidence(known: Known) -> sp.csr_matrix:
    """1 + the logarithm of the payments of each pair; (clients, providers)."""
    values = 1 + np.log(known.pairs.count)
    return sp.csr_matrix(known.matrix(values.astype(np.float32)))

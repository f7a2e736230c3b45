"""A factorization machine of clients and providers with features (LightFM, WARP loss)."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import Field

from src.errors import InputError
from src.params import Section
from src.payments.providers.factors import Factors
from src.payments.providers.known import Ints, Known


class MachineSettings(Section):
    """Hyperparameters.

    `regularization` is on the embeddings. With `features` a client is described by region and unit,
    too, and a provider by the region of most of its clients.
    """

    factors: int = Field(ge=1, le=512)
    epochs: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    regularization: float = Field(ge=0)
    features: bool
    seed: int = Field(ge=0)


def machine(known: Known, settings: MachineSettings) -> Factors:
    """Learn to rank providers that a client has paid above others (Kula 2015; Weston et al. 2011).

    What is known of a client or provider has an embedding and a bias each; theirs is the mean of
    them. A score is the product of the embeddings of both, and the bias of the provider.
    """
    try:
        from lightfm import LightFM
    except ImportError:
        raise InputError(
            "examples.compared names machine, which needs the package rectools-lightfm: install it "
            "with 'pip install rectools-lightfm==1.17.3' (it is built from source, by a C "
            "compiler), or leave machine out"
        ) from None
    of_clients, of_providers = _described(known, settings.features)
    history = known.matrix().tocoo()
    pairs = sp.coo_matrix(
        (history.data, (history.row.astype(np.int32), history.col.astype(np.int32))),
        shape=history.shape,
    )
    model = LightFM(
        no_components=settings.factors,
        loss="warp",
        learning_rate=settings.learning_rate,
        item_alpha=settings.regularization,
        user_alpha=settings.regularization,
        random_state=settings.seed,
    )
    model.fit(
        pairs,
        user_features=of_clients,
        item_features=of_providers,
        epochs=settings.epochs,
        num_threads=1,  # with more, they would write over each other in no defined order
    )
    _, clients = model.get_user_representations(of_clients)
    bias, providers = model.get_item_representations(of_providers)
    return Factors(clients, providers, bias)


def _described(known: Known, features: bool) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Indicators of clients and of providers; the weights of each row sum to 1."""
    clients, providers = known.shape
    of_clients = [_indicators(np.arange(clients), clients)]
    of_providers = [_indicators(np.arange(providers), providers)]
    there = known.payments.attributes if features else {}
    for name in ("region", "unit"):
        if name in there:
            of_clients.append(_indicators(known.payments.latest(name), len(there[name].labels)))
    if "region" in there:
        labels = len(there["region"].labels)
        region = known.payments.latest("region")[known.pairs.client]
        keys = (known.pairs.provider * labels + region)[region >= 0]
        counts = np.bincount(keys, minlength=providers * labels).reshape(providers, labels)
        main = np.where(counts.any(axis=1), counts.argmax(axis=1), -1)
        of_providers.append(_indicators(main, labels))
    return _side_by_side(of_clients), _side_by_side(of_providers)


def _indicators(codes: Ints, size: int) -> sp.csr_matrix:
    """One row per code, with a 1 in its column; empty where it is -1."""
    rows = np.flatnonzero(codes >= 0)
    ones = np.ones(len(rows), dtype=np.float32)
    return sp.csr_matrix((ones, (rows, codes[rows])), shape=(len(codes), size))


def _side_by_side(parts: list[sp.csr_matrix]) -> sp.csr_matrix:
    table = sp.hstack(parts, format="csr", dtype=np.float32)
    number = np.diff(table.indptr)
    weights: NDArray[np.float32] = table.data / np.repeat(number, number).astype(np.float32)
    return sp.csr_matrix(
        (weights, table.indices.astype(np.int32), table.indptr.astype(np.int32)),
        shape=table.shape,
    )

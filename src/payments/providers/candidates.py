"""The first providers of every model, as candidates for the second stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.payments.providers.known import Ints, Matrix
from src.payments.providers.models import Model
from src.payments.providers.ranking import NEVER, Ranking, top_k

_CELLS_AT_ONCE = 2_000_000  # of one model's scores


@dataclass(frozen=True)
class Candidates:
    """Pairs of a client and a provider that at least one model ranks high; by client and provider.

    Attributes
    ----------
    clients : int64 array, shape (clients,)
        Whom they are for, ascending.
    models : tuple of str
    client, provider : int64 arrays, shape (pairs,)
    scores : float32 array, shape (pairs, models)
    ranks : int32 array, shape (pairs, models)
        From 1; 0 where the model ranks the provider below its candidates.
    """

    clients: Ints
    models: tuple[str, ...]
    client: Ints
    provider: Ints
    scores: NDArray[np.float32]
    ranks: NDArray[np.int32]

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.client)

    def of_models(self, models: Sequence[str]) -> "Candidates":
        """What there would be with some of the models only; the others of `models` are ignored."""
        places = [place for place, model in enumerate(self.models) if model in models]
        ranks = self.ranks[:, places]
        pairs = (ranks > 0).any(axis=1)
        return Candidates(
            self.clients,
            tuple(self.models[place] for place in places),
            self.client[pairs],
            self.provider[pairs],
            self.scores[pairs][:, places],
            ranks[pairs],
        )

    def by_model(self, model: str) -> NDArray[np.float32]:
        """Minus the rank that a model gives, `NEVER` below its candidates; (pairs,)."""
        ranks = self.ranks[:, self.models.index(model)]
        return np.where(ranks > 0, -ranks.astype(np.float32), NEVER)

    def ranking(
        self, scores: NDArray[np.float32], k: int, impossible: NDArray[np.bool_] | None = None
    ) -> Ranking:
        """Rank the k best candidates of each client; see `best`.

        Returns
        -------
        int32 array, shape (clients, k)
            Providers, best first; -1 where fewer than k are left.
        """
        rows, place = self.best(scores, k, impossible)
        ranking = np.full((len(self.clients), k), -1, dtype=np.int32)
        ranking[np.searchsorted(self.clients, self.client[rows]), place] = self.provider[rows]
        return ranking

    def best(
        self, scores: NDArray[np.float32], k: int, impossible: NDArray[np.bool_] | None = None
    ) -> tuple[Ints, Ints]:
        """Choose the k best candidates of each client; equal ones by the lower index.

        Parameters
        ----------
        scores : float32 array, shape (pairs,)
            Higher is better; `NEVER` is left out.
        k : int
            Length of a list.
        impossible : bool array, shape (pairs,), optional
            Pairs that are left out.

        Returns
        -------
        tuple of int64 array, shape (chosen,)
            Their rows by client and place, and their places from 0.
        """
        chosen = scores > NEVER
        if impossible is not None:
            chosen &= ~impossible
        rows = np.flatnonzero(chosen)
        rows = rows[np.lexsort((self.provider[rows], -scores[rows], self.client[rows]))]
        client = self.client[rows]
        place = np.arange(len(rows)) - np.searchsorted(client, client)
        kept = place < k
        return rows[kept], place[kept]


def candidates(
    models: Mapping[str, Model],
    history: Matrix,
    barred: NDArray[np.bool_],
    clients: Ints,
    per_model: int,
) -> Candidates:
    """Take the first providers of each model for some clients, known pairs left out.

    Parameters
    ----------
    models : mapping of name -> Model
    history : sparse matrix, shape (clients, providers)
        Known pairs: what the models have learnt from.
    barred : bool array, shape (providers,)
        Providers that are not recommended to anybody.
    clients : int64 array, shape (clients,)
        Ascending.
    per_model : int
        Candidates of each model.
    """
    providers = history.shape[1]
    length = min(per_model, providers)
    nobody = np.flatnonzero(barred)
    at_once = max(_CELLS_AT_ONCE // providers, 1)
    parts = []
    for start in range(0, max(len(clients), 1), at_once):
        batch = clients[start : start + at_once]
        own = history[batch]
        own_rows = np.repeat(np.arange(len(batch)), np.diff(own.indptr))
        scored, ranked = [], []
        for model in models.values():
            scores = model.score(batch)
            scores[:, nobody] = NEVER
            scores[own_rows, own.indices] = NEVER
            scored.append(scores)
            ranked.append(top_k(scores, length))
        found = [np.nonzero(ranking >= 0) for ranking in ranked]
        keys = [
            row * providers + ranking[row, place]
            for ranking, (row, place) in zip(ranked, found, strict=True)
        ]
        pairs = np.unique(np.concatenate(keys))
        row, provider = np.divmod(pairs, providers)
        ranks = np.zeros((len(pairs), len(models)), dtype=np.int32)
        for index, (key, (_, place)) in enumerate(zip(keys, found, strict=True)):
            ranks[np.searchsorted(pairs, key), index] = place + 1
        values = np.column_stack([scores[row, provider] for scores in scored])
        parts.append((batch[row], provider, values, ranks))
    client, provider, values, ranks = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Candidates(clients, tuple(models), client, provider, values, ranks)

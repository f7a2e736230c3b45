"""The best providers of each client, known pairs left out, without a matrix of all scores."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from src.payments.providers.known import Matrix

Ranking = NDArray[np.int32]

NEVER = np.float32(-np.inf)  # the score of what must not be recommended
_IN_A_GROUP = 16  # providers
_CELLS_AT_ONCE = 2_000_000  # scores that a thread holds: 8 MB, which stay in the cache


def top_k(scores: NDArray[np.float32], k: int) -> Ranking:
    """Rank the k best providers of each row; equal scores go to the lower index.

    The largest score is found of groups of providers, and of those the k-th largest. It is no more
    than the k-th largest of all scores: what is not in a group that reaches it is not looked at
    again. That reads every score once, where a partition would read and move it several times.

    Parameters
    ----------
    scores : float32 array, shape (clients, providers)
        Of a batch of clients. Higher is better; `NEVER` is left out.
    k : int
        Length of a list; at most the number of providers.

    Returns
    -------
    int32 array, shape (clients, k)
        Provider indices, best first; -1 where fewer than k are left.
    """
    clients, providers = scores.shape
    groups = max(k, providers // _IN_A_GROUP)
    depth = providers // groups
    rest = providers - depth * groups
    # provider p is in group p % groups, so that the largest are found along contiguous rows
    largest = scores[:, : depth * groups].reshape(clients, depth, groups).max(axis=1)
    np.maximum(largest[:, :rest], scores[:, depth * groups :], out=largest[:, :rest])
    least = np.partition(largest, groups - k, axis=1)[:, groups - k]
    rows, group = np.nonzero(largest >= least[:, None])
    columns = group[:, None] + np.arange(depth + (rest > 0)) * groups
    inside = np.minimum(columns, providers - 1)
    values = scores[rows[:, None], inside]
    there = (columns < providers) & (values >= least[rows][:, None]) & (values > NEVER)
    place, _ = np.nonzero(there)
    row, column, value = rows[place], columns[there], values[there]
    order = np.lexsort((column, -value, row))
    row, column = row[order], column[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row)
    kept = rank < k
    ranking = np.full((clients, k), -1, dtype=np.int32)
    ranking[row[kept], rank[kept]] = column[kept]
    return ranking


def top_k_of_factors(
    clients: NDArray[np.float32],
    providers: NDArray[np.float32],
    known: Matrix,
    k: int,
    barred: NDArray[np.bool_],
    threads: int = 0,
) -> Ranking:
    """Rank the k providers with the largest products of factors; equal ones by the lower index.

    Free of state: clients may be cut into parts that are ranked anywhere. Batches of clients are
    ranked side by side, so that memory does not grow with clients times providers.

    Parameters
    ----------
    clients : float32 array, shape (clients, factors)
    providers : float32 array, shape (providers, factors)
    known : sparse matrix, shape (clients, providers)
        Pairs that are left out, whatever their values.
    k : int
        Length of a list; at most the number of providers.
    barred : bool array, shape (providers,)
        Providers that are left out for all.
    threads : int
        0: one for each processor. The result does not depend on it.

    Returns
    -------
    int32 array, shape (clients, k)
        Provider indices, best first; -1 where fewer than k are left.
    """
    ranking = np.empty((len(clients), k), dtype=np.int32)
    transposed = np.ascontiguousarray(providers.T)
    nobody = np.flatnonzero(barred)
    at_once = max(_CELLS_AT_ONCE // len(providers), 1)
    starts = range(0, len(clients), at_once)
    workers = threads or os.cpu_count() or 1

    def rank(some: range) -> None:
        scores = np.empty((at_once, len(providers)), dtype=np.float32)
        for start in some:
            batch = clients[start : start + at_once]
            found = np.matmul(batch, transposed, out=scores[: len(batch)])
            found[:, nobody] = NEVER
            ends = known.indptr[start : start + len(batch) + 1]
            own = np.repeat(np.arange(len(batch)), np.diff(ends))
            found[own, known.indices[ends[0] : ends[-1]]] = NEVER
            ranking[start : start + len(batch)] = top_k(found, k)

    # Each product takes one thread of BLAS: those of batches side by side would only wait.
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(workers) as pool:
        list(pool.map(rank, [starts[worker::workers] for worker in range(workers)]))
    return ranking

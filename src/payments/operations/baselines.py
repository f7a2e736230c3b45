"""Rules that rank operations without learning, each defined once: what a model has to beat."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from src.payments.operations.factors import Basis
from src.payments.operations.recurring import recurring
from src.payments.operations.snapshot import Floats, Snapshot, divided

_TOP_HALF_LIFE = 30.0  # days

# TIFU-KNN as published for Ta-Feng, whose baskets are as small (Hu et al. 2020, SIGIR).
NEIGHBOURS, WITHIN, BETWEEN, OWN, GROUPS = 300, 0.9, 0.7, 0.7, 7
_CLIENTS_AT_ONCE = 1_000
_MOST_PEERS = 5_000
_TIE = 1e-12


@dataclass(frozen=True)
class Baseline:
    """A rule: its name, its title for people, and the score of every operation."""

    name: str
    en: str
    score: Callable[[Basis], Floats]


def recurring_score(snapshot: Snapshot) -> Floats:
    """How near the horizon is to the expected date, above 0 and up to 1; 0 unless regular."""
    found = recurring(snapshot)
    last = snapshot.horizon - 1
    away = np.where(found.expected < 0, -found.expected, np.maximum(found.expected - last, 0))
    return np.where(found.regular, 1 / (1 + away), 0.0)


def tifu_knn(snapshot: Snapshot) -> Floats:
    """Personal frequencies with decay, mixed with those of similar clients.

    A basket is what a client pays on a day. The baskets of a client are divided into groups of
    equal size, the latest last; a basket's weight falls by `WITHIN` for each later one of its
    group, a group's by `BETWEEN` for each later group. The score is ``OWN * own + (1 - OWN) * mean
    of the nearest clients``, nearest by Euclidean distance, each client the nearest to themselves
    (Hu et al. 2020, Modeling Personalized Item Frequency Information for Next-basket
    Recommendation). Of more than 5,000 clients, the neighbours are sought among those with the
    most operations.
    """
    if not len(snapshot):
        return np.zeros(0)
    own, clients = _frequencies(snapshot)
    row_of = np.full(len(snapshot.paid.clients), -1)
    row_of[clients] = np.arange(len(clients))
    operations = np.diff(own.indptr)
    peers = own[np.sort(np.argsort(-operations, kind="stable")[:_MOST_PEERS])]
    norms = np.asarray(peers.multiply(peers).sum(axis=1)).ravel()
    nearest = min(NEIGHBOURS, peers.shape[0])
    scores = np.empty(len(snapshot))
    rows = row_of[snapshot.client]
    for first in range(0, len(clients), _CLIENTS_AT_ONCE):
        some = own[first : first + _CLIENTS_AT_ONCE]
        distance = norms - 2 * (some @ peers.T).toarray()  # each client's own norm changes no order
        distance += np.arange(peers.shape[0]) * _TIE  # of equal ones the first: the same each time
        chosen = np.argpartition(distance, nearest - 1, axis=1)[:, :nearest]
        starts = np.arange(0, chosen.size + 1, nearest)
        mean = sparse.csr_array(
            (np.full(chosen.size, 1 / nearest), chosen.ravel(), starts),
            shape=(some.shape[0], peers.shape[0]),
        )
        mixed = (OWN * some + (1 - OWN) * (mean @ peers)).tocsr()
        mine = np.flatnonzero((rows >= first) & (rows < first + _CLIENTS_AT_ONCE))
        scores[mine] = mixed[rows[mine] - first, snapshot.provider[mine]]
    return scores


def _frequencies(snapshot: Snapshot) -> tuple[sparse.csr_array, NDArray[np.intp]]:
    """Decayed frequencies, (clients of the window, providers), and who the clients are."""
    visits = snapshot.visits
    client = snapshot.paid.client[visits].astype(np.intp)
    day = snapshot.paid.day[visits].astype(np.int64)
    provider = snapshot.paid.provider[visits]
    width = np.int64(2**20)
    baskets, place = np.unique(client * width + day, return_inverse=True)
    owner = baskets // width
    clients, first, number = np.unique(owner, return_index=True, return_counts=True)
    row = np.repeat(np.arange(len(clients)), number)
    before_last = number[row] - 1 - (np.arange(len(baskets)) - first[row])
    size = np.ceil(number / GROUPS)[row]
    group, within = np.divmod(before_last, size)
    groups = np.ceil(number[row] / size)
    in_group = np.where(group == groups - 1, number[row] - (groups - 1) * size, size)
    weight = WITHIN**within * BETWEEN**group / (in_group * groups)
    return sparse.csr_array(
        (weight[place], (row[place], provider)),
        shape=(len(clients), len(snapshot.paid.providers)),
    ), clients


BASELINES = (
    Baseline("frequency", "frequency", lambda k: k.count),
    Baseline("recency", "recency", lambda k: 1 / k.snapshot.elapsed),
    Baseline(
        "recency_frequency", "recency times frequency", lambda k: k.count / k.snapshot.elapsed
    ),
    Baseline("personal_top", "personal top", lambda k: divided(k.count, k.client_count)),
    Baseline(
        "personal_top_decayed",
        "personal top, decayed",
        lambda k: divided(k.decayed(_TOP_HALF_LIFE), k.client_decayed(_TOP_HALF_LIFE)),
    ),
    Baseline("tifu_knn", "TIFU-KNN", lambda k: tifu_knn(k.snapshot)),
    Baseline("recurring", "recurring payments", lambda k: recurring_score(k.snapshot)),
)


def baseline_columns(known: Basis) -> dict[str, NDArray[np.float32]]:
    """Score of every operation by every rule."""
    return {f"rule_{one.name}": one.score(known).astype(np.float32) for one in BASELINES}

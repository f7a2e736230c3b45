"""What is known on a cut-off day, and what came after it: first payments to providers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from src.payments.payments import Payments

Ints = NDArray[np.int64]
Matrix = sp.csr_array


@dataclass(frozen=True)
class Pairs:
    """Clients and the providers that they have paid, one array entry each; by client and provider.

    Attributes
    ----------
    client, provider : int64 arrays
    count : int64 array
        Payments.
    first, last : int64 arrays
        Days of the first and of the last payment.
    """

    client: Ints
    provider: Ints
    count: Ints
    first: Ints
    last: Ints

    @classmethod
    def of(cls, payments: Payments) -> "Pairs":
        """Count payments, sorted by client and day; those to unknown providers are left out."""
        rows = np.flatnonzero(payments.provider >= 0)
        keys = payments.client[rows].astype(np.int64) * len(payments.providers)
        keys += payments.provider[rows]
        order = np.argsort(keys, kind="stable")
        keys, days = keys[order], payments.day[rows][order].astype(np.int64)
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        ends = np.append(starts[1:], len(keys))[: len(starts)]
        client, provider = np.divmod(keys[starts], max(len(payments.providers), 1))
        return cls(client, provider, ends - starts, days[starts], days[ends - 1])

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.client)

    def of_rows(self, rows: NDArray[np.bool_]) -> "Pairs":
        """Take some of the pairs."""
        return Pairs(
            self.client[rows],
            self.provider[rows],
            self.count[rows],
            self.first[rows],
            self.last[rows],
        )


@dataclass(frozen=True)
class Known:
    """Everything that models may look at: payments before a day.

    Attributes
    ----------
    cut_off : int
        The day, in days since 1970-01-01; nothing of it or after it is in here.
    payments : Payments
        Before it. Its providers are those who have been paid; they have codes of their own.
    pairs : Pairs
        Clients and providers in `payments`.
    paid : int64 array, shape (providers,)
        Code that each provider has among all.
    never_offered : tuple of str
        Providers that are not recommended to anybody.
    """

    cut_off: int
    payments: Payments
    pairs: Pairs
    paid: Ints
    never_offered: tuple[str, ...]

    @classmethod
    def before(cls, payments: Payments, cut_off: int, never_offered: Sequence[str] = ()) -> "Known":
        """Forget the cut-off day and all after it."""
        return cls.of(payments.of(payments.day < cut_off), cut_off, never_offered)

    @classmethod
    def of(cls, payments: Payments, cut_off: int, never_offered: Sequence[str]) -> "Known":
        """Take all of some payments; they are sorted by client and day."""
        paid = np.unique(payments.provider[payments.provider >= 0]).astype(np.int64)
        provider = np.searchsorted(paid, payments.provider).astype(np.int32)
        known = replace(
            payments,
            provider=np.where(payments.provider >= 0, provider, np.int32(-1)),
            providers=[payments.providers[code] for code in paid],
        )
        return cls(cut_off, known, Pairs.of(known), paid, tuple(never_offered))

    @property
    def shape(self) -> tuple[int, int]:
        """Number of clients, of whom some may have no payment yet, and of providers."""
        return len(self.payments.clients), len(self.payments.providers)

    def matrix(self, values: NDArray[np.float32] | None = None) -> Matrix:
        """Values of pairs, by default 1, as a sparse float32 matrix (clients, providers)."""
        if values is None:
            values = np.ones(len(self.pairs), dtype=np.float32)
        rows = np.searchsorted(self.pairs.client, np.arange(self.shape[0] + 1))
        return Matrix((values, self.pairs.provider, rows), shape=self.shape)

    def payers(self) -> Ints:
        """How many clients have paid each provider; (providers,)."""
        return np.bincount(self.pairs.provider, minlength=self.shape[1])

    def barred(self) -> NDArray[np.bool_]:
        """Providers that are not recommended to anybody; (providers,)."""
        return np.isin(np.array(self.payments.providers, dtype=np.str_), list(self.never_offered))


@dataclass(frozen=True)
class Targets:
    """Pairs to be found, one array entry each; by client.

    Attributes
    ----------
    client, provider : int64 arrays
        Provider -1: nobody has paid it before, so that no model can name it.
    """

    client: Ints
    provider: Ints

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.client)

    def clients(self) -> Ints:
        """Clients with at least one pair, ascending."""
        return np.unique(self.client)


def first_payments(known: Known, payments: Payments, end: int) -> Targets:
    """Pairs first paid from the cut-off day on and before day `end`, of clients with a history.

    Pairs in `known` and providers that are never offered are left out. `payments` are all of them.
    """
    window = Pairs.of(payments.between(known.cut_off, end))
    everyone = len(payments.providers)
    old = known.pairs.client * everyone + known.paid[known.pairs.provider]
    barred = np.isin(np.array(payments.providers, dtype=np.str_), list(known.never_offered))
    chosen = (
        ~np.isin(window.client * everyone + window.provider, old)
        & np.isin(window.client, known.pairs.client)
        & ~barred[window.provider]
    )
    client, provider = window.client[chosen], window.provider[chosen]
    place = np.minimum(np.searchsorted(known.paid, provider), len(known.paid) - 1)
    return Targets(client, np.where(known.paid[place] == provider, place, -1))


def masked(known: Known, share: float, seed: int) -> tuple[Known, Targets]:
    """Hide a share of the pairs, drawn at random, with all of their payments.

    The pairs hidden are the targets, of clients who keep another; see `first_payments`. Providers
    whose every pair is hidden cannot be named.
    """
    hidden = np.random.default_rng(seed).random(len(known.pairs)) < share
    keys = known.pairs.client * known.shape[1] + known.pairs.provider
    own = known.payments.client.astype(np.int64) * known.shape[1] + known.payments.provider
    gone = (known.payments.provider >= 0) & np.isin(own, keys[hidden])
    rest = Known.of(known.payments.of(~gone), known.cut_off, known.never_offered)
    chosen = hidden & ~known.barred()[known.pairs.provider]
    chosen &= np.isin(known.pairs.client, rest.pairs.client)
    client, provider = known.pairs.client[chosen], known.pairs.provider[chosen]
    place = np.minimum(np.searchsorted(rest.paid, provider), len(rest.paid) - 1)
    return rest, Targets(client, np.where(rest.paid[place] == provider, place, -1))

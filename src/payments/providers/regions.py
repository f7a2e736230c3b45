"""Where providers are: regional ones are not offered to clients of other regions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from src.params import Section
from src.payments.providers.known import Ints, Known


class RegionSettings(Section):
    """When an offer is impossible.

    A provider with at least `least_clients` clients whose regions are known and a Herfindahl index
    of `regional` or more is regional. It is not offered in regions with less than `least_share` of
    its clients. Regions of clients are inferred in at most `rounds` rounds.
    """

    regional: float = Field(gt=0, le=1)
    least_clients: int = Field(ge=2)
    least_share: float = Field(ge=0, lt=1)
    rounds: int = Field(ge=1)


@dataclass(frozen=True)
class Regions:
    """Regions of clients, and of providers by their clients.

    Attributes
    ----------
    clients : int64 array, shape (clients,)
        Region of each; -1 where it is neither known nor inferred.
    inferred : bool array, shape (clients,)
        True where it is not known but follows from the providers.
    counts : int64 array, shape (providers, regions)
        Clients of each region who have paid a provider.
    rounds : int
        Rounds that the inference took.
    """

    clients: Ints
    inferred: NDArray[np.bool_]
    counts: Ints
    rounds: int

    def sizes(self) -> Ints:
        """Clients of each provider whose region is known or inferred; (providers,)."""
        return np.asarray(self.counts.sum(axis=1))

    def shares(self) -> NDArray[np.float64]:
        """Share of each region among the clients of a provider; (providers, regions)."""
        return np.asarray(self.counts / np.maximum(self.sizes(), 1)[:, None])

    def herfindahl(self) -> NDArray[np.float64]:
        """Concentration of each provider's clients on regions; see `herfindahl`."""
        return herfindahl(self.counts)

    def regional(self, settings: RegionSettings) -> NDArray[np.bool_]:
        """Providers that are concentrated on few regions; (providers,)."""
        return np.asarray(
            (self.sizes() >= settings.least_clients) & (self.herfindahl() >= settings.regional)
        )

    def impossible(self, settings: RegionSettings) -> NDArray[np.bool_]:
        """Where a provider must not be offered; (regions + 1, providers).

        The last row, which -1 points at, is that of clients without a region: all is possible.
        """
        elsewhere = self.shares() < settings.least_share
        barred = (elsewhere & self.regional(settings)[:, None]).T
        return np.vstack([barred, np.zeros(len(self.counts), dtype=bool)])


def regions_of(known: Known, settings: RegionSettings) -> Regions:
    """Find the regions of clients and providers.

    A client's region is the one of their most recent payment that has one. The others' is inferred:

    1. Count each provider's clients by region, as far as the clients' regions are known by now.
    2. Give each client without a known region the one with the largest sum of shares over the
       regional providers that they have paid; equal sums go to the region with the lower index.
       A client who has paid none keeps no region.
    3. Stop when no region has changed, or after `settings.rounds` rounds; else start again.

    What the payments say is never changed.
    """
    codes = known.payments.latest("region")
    unknown = codes < 0
    labels = len(known.payments.attributes["region"].labels)
    history = known.matrix()
    clients, counts = codes, _counts(known, codes, labels)
    for done in range(1, settings.rounds + 1):
        found = Regions(clients, unknown & (clients >= 0), counts, done)
        shares = np.where(found.regional(settings)[:, None], found.shares(), 0)
        votes = history[np.flatnonzero(unknown)] @ shares
        inferred = codes.copy()
        inferred[unknown] = np.where(votes.any(axis=1), votes.argmax(axis=1), -1)
        if np.array_equal(inferred, clients):
            break
        clients, counts = inferred, _counts(known, inferred, labels)
    return Regions(clients, unknown & (clients >= 0), counts, done)


def _counts(known: Known, regions: Ints, labels: int) -> Ints:
    """Clients of each region who have paid a provider; (providers, regions)."""
    region = regions[known.pairs.client]
    there = region >= 0
    keys = known.pairs.provider[there] * labels + region[there]
    return np.bincount(keys, minlength=known.shape[1] * labels).reshape(-1, labels)


def herfindahl(counts: Ints) -> NDArray[np.float64]:
    """Concentration of providers' clients on regions; NaN below two clients.

    ``H = sum over regions of share^2`` (Herfindahl 1950), corrected for the number n of clients:
    ``(n H - 1) / (n - 1)``, which is Simpson's (1949, Nature 163) unbiased estimate of the chance
    that two clients of a provider live in the same region. 1: all in one region.

    Parameters
    ----------
    counts : int64 array, shape (providers, regions)
        Clients of each region who have paid a provider.

    Returns
    -------
    float array, shape (providers,)
    """
    sizes = counts.sum(axis=1)
    raw = np.square(counts / np.maximum(sizes, 1)[:, None]).sum(axis=1)
    corrected = np.full(len(sizes), np.nan)
    enough = sizes > 1
    corrected[enough] = (sizes[enough] * raw[enough] - 1) / (sizes[enough] - 1)
    return corrected

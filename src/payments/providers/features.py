"""What the second stage looks at: a client and a candidate as a row of numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.payments.providers.activity import Columns, count, least, of_clients, of_providers
from src.payments.providers.candidates import Candidates
from src.payments.providers.known import Ints, Known
from src.payments.providers.regions import Regions

_BELOW = 200.0  # rank of what a model does not rank among its candidates
_GROUPS = ("region", "unit")
_LATELY = 90  # days, as names of features say


@dataclass(frozen=True)
class ByKey:
    """Columns of values; their keys ascend."""

    keys: Ints
    columns: Columns

    def of(self, name: str, asked: Ints, otherwise: float) -> NDArray[np.float64]:
        """Values of a column by key; `otherwise` where a key is not there."""
        if not len(self.keys):
            return np.full(len(asked), otherwise)
        place = np.minimum(np.searchsorted(self.keys, asked), len(self.keys) - 1)
        return np.where(self.keys[place] == asked, self.columns[name][place], otherwise)


@dataclass(frozen=True)
class Group:
    """What was paid in each region, or unit.

    Attributes
    ----------
    of_clients : int64 array, shape (clients,)
        Each client's latest region, or unit; -1 without one.
    sizes, members : float64 arrays, shape (groups,)
        Payments in it, and clients who made them.
    paid : ByKey
        Of ``group * providers + provider``: payments, those of the last 90 days, payers, days since
        the last payment and since the first.
    first : ByKey
        Of the same key: clients of the group who first paid the provider in the last 90 days.
    """

    of_clients: Ints
    sizes: NDArray[np.float64]
    members: NDArray[np.float64]
    paid: ByKey
    first: ByKey

    @classmethod
    def of(cls, known: Known, attribute: str) -> "Group":
        """Count."""
        payments, (clients, providers) = known.payments, known.shape
        codes = payments.attributes[attribute].codes.astype(np.int64)
        labels = len(payments.attributes[attribute].labels)
        rows = codes >= 0
        sizes = count(codes[rows], labels)
        members = np.unique(codes[rows] * clients + payments.client[rows]) // clients
        rows &= payments.provider >= 0
        keys, place = np.unique(
            codes[rows] * providers + payments.provider[rows], return_inverse=True
        )
        age = known.cut_off - payments.day[rows].astype(np.int64)
        payers = np.unique(place * clients + payments.client[rows]) // clients
        paid = {
            "payments": count(place, len(keys)),
            "lately": count(place[age <= _LATELY], len(keys)),
            "payers": count(payers, len(keys)),
            "since": least(place, age, len(keys)),
            "age": -least(place, -age, len(keys)),
        }
        latest = payments.latest(attribute)
        pairs = known.pairs
        fresh = pairs.first >= known.cut_off - _LATELY
        own = latest[pairs.client[fresh]]
        first = own[own >= 0] * providers + pairs.provider[fresh][own >= 0]
        firsts, number = np.unique(first, return_counts=True)
        return cls(
            latest,
            sizes,
            count(members, labels),
            ByKey(keys, paid),
            ByKey(firsts, {"clients": number.astype(np.float64)}),
        )

    def columns(
        self, attribute: str, candidates: Candidates, payments_of: NDArray[np.float64]
    ) -> Columns:
        """What the client's group has to do with the candidate; NaN without one."""
        group = self.of_clients[candidates.client]
        in_one = group >= 0
        asked = np.where(in_one, group * len(payments_of) + candidates.provider, -1)
        number = self.paid.of("payments", asked, 0)
        people = self.paid.of("payers", asked, 0)
        size = np.where(in_one, self.sizes[group], np.nan)
        members = np.where(in_one, self.members[group], np.nan)
        return {
            f"{attribute}_payments": number,
            f"{attribute}_payments_90": self.paid.of("lately", asked, 0),
            f"{attribute}_payers": people,
            f"{attribute}_first_90": self.first.of("clients", asked, 0),
            f"{attribute}_since": self.paid.of("since", asked, np.nan),
            f"{attribute}_age": self.paid.of("age", asked, np.nan),
            f"{attribute}_size": size,
            f"{attribute}_members": members,
            f"{attribute}_share": number / size,
            f"{attribute}_payer_share": people / members,
            f"share_of_{attribute}": number / np.maximum(payments_of[candidates.provider], 1),
        }


@dataclass(frozen=True)
class Category:
    """What clients have paid in each category.

    Attributes
    ----------
    of_providers : int64 array, shape (providers,)
        The one of most of a provider's payments; -1 without one.
    labels : int
        How many there are.
    totals : float64 array, shape (clients,)
        Payments with a category, to known providers.
    paid : ByKey
        Of ``client * labels + category``: payments.
    had : ByKey
        Of the same key: providers that the client has paid, by the category of the provider.
    """

    of_providers: Ints
    labels: int
    totals: NDArray[np.float64]
    paid: ByKey
    had: ByKey

    @classmethod
    def of(cls, known: Known) -> "Category":
        """Count."""
        payments, (clients, providers) = known.payments, known.shape
        codes = payments.attributes["category"].codes.astype(np.int64)
        labels = len(payments.attributes["category"].labels)
        rows = (codes >= 0) & (payments.provider >= 0)
        keys = payments.provider[rows].astype(np.int64) * labels + codes[rows]
        counts = np.bincount(keys, minlength=providers * labels).reshape(providers, labels)
        main = np.where(counts.any(axis=1), counts.argmax(axis=1), -1)
        client = payments.client[rows].astype(np.int64)
        paid, number = np.unique(client * labels + codes[rows], return_counts=True)
        of_pair = main[known.pairs.provider]
        pairs = known.pairs.client[of_pair >= 0] * labels + of_pair[of_pair >= 0]
        had, had_number = np.unique(pairs, return_counts=True)
        return cls(
            main,
            labels,
            count(client, clients),
            ByKey(paid, {"payments": number.astype(np.float64)}),
            ByKey(had, {"providers": had_number.astype(np.float64)}),
        )

    def columns(self, candidates: Candidates) -> Columns:
        """What the client has paid in the category of most of the candidate's payments."""
        category = self.of_providers[candidates.provider]
        asked = np.where(category >= 0, candidates.client * self.labels + category, -1)
        inside = self.paid.of("payments", asked, 0)
        return {
            "category": category.astype(np.float64),
            "category_payments": inside,
            "category_share": inside / np.maximum(self.totals[candidates.client], 1),
            "category_providers": self.had.of("providers", asked, 0),
        }


@dataclass(frozen=True)
class Located:
    """Where clients are, and how those of a provider are spread; see `Regions`.

    Attributes
    ----------
    of_clients : int64 array, shape (clients,)
        Region that is known or inferred; -1 without one.
    shares : float64 array, shape (providers, regions)
    herfindahl : float64 array, shape (providers,)
    """

    of_clients: Ints
    shares: NDArray[np.float64]
    herfindahl: NDArray[np.float64]

    @classmethod
    def of(cls, regions: Regions) -> "Located":
        """Compute shares and concentration."""
        return cls(regions.clients, regions.shares(), regions.herfindahl())

    def columns(self, candidates: Candidates) -> Columns:
        """How much at home the candidate is where the client is; NaN without a region."""
        region = self.of_clients[candidates.client]
        share = self.shares[candidates.provider, region]
        return {
            "herfindahl": self.herfindahl[candidates.provider],
            "share_in_region": np.where(region < 0, np.nan, share),
        }


@dataclass(frozen=True)
class Description:
    """What was known of all clients and providers on the cut-off day, counted once.

    Attributes
    ----------
    of_providers, of_clients : dict of name -> float64 array
        See `activity`.
    groups : dict of name -> Group
        Regions and units, as far as the payments have them.
    category : Category, optional
    located : Located, optional
        None if payments have no regions.
    """

    of_providers: Columns
    of_clients: Columns
    groups: dict[str, Group]
    category: Category | None
    located: Located | None

    @classmethod
    def of(cls, known: Known, regions: Regions | None) -> "Description":
        """Count all payments before the cut-off day."""
        there = known.payments.attributes
        return cls(
            of_providers(known),
            of_clients(known),
            {name: Group.of(known, name) for name in _GROUPS if name in there},
            Category.of(known) if "category" in there else None,
            None if regions is None else Located.of(regions),
        )

    def features(self, candidates: Candidates) -> tuple[list[str], NDArray[np.float32]]:
        """Describe candidates, which were found in the same payments.

        Returns
        -------
        names : list of str
            They depend only on the models and on the attributes that the payments have.
        float32 array, shape (pairs, features)
            NaN where there is no value.
        """
        client, provider = candidates.client, candidates.provider
        columns = _of_models(candidates)
        columns |= {name: values[provider] for name, values in self.of_providers.items()}
        columns |= {name: values[client] for name, values in self.of_clients.items()}
        columns["amount_gap"] = columns["provider_amount"] - columns["client_amount"]
        for attribute, group in self.groups.items():
            payments_of = self.of_providers["provider_payments"]
            columns |= group.columns(attribute, candidates, payments_of)
        if self.category is not None:
            columns |= self.category.columns(candidates)
        if self.located is not None:
            columns |= self.located.columns(candidates)
        matrix = np.empty((len(candidates), len(columns)), dtype=np.float32)
        for index, values in enumerate(columns.values()):
            matrix[:, index] = values
        return list(columns), matrix


def _of_models(candidates: Candidates) -> Columns:
    """Each model's score and rank, and how far the models agree."""
    ranks = np.where(candidates.ranks > 0, candidates.ranks, _BELOW)
    columns: Columns = {}
    for index, model in enumerate(candidates.models):
        columns[f"score:{model}"] = candidates.scores[:, index].astype(np.float64)
        columns[f"rank:{model}"] = ranks[:, index]
    columns["models"] = (candidates.ranks > 0).sum(axis=1).astype(np.float64)
    columns["best_rank"] = ranks.min(axis=1)
    columns["reciprocal_ranks"] = (1 / ranks).sum(axis=1)
    return columns

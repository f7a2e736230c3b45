"""What the second stage looks at: a client and a candidate as a row of numbers."""

import numpy as np
from numpy.typing import NDArray

from src.payments.providers.activity import Columns, count, least, of_clients, of_providers
from src.payments.providers.candidates import Candidates
from src.payments.providers.known import Ints, Known
from src.payments.providers.regions import Regions

_BELOW = 200.0  # rank of what a model does not rank among its candidates
_GROUPS = ("region", "unit")


def features(
    known: Known, regions: Regions | None, candidates: Candidates
) -> tuple[list[str], NDArray[np.float32]]:
    """Describe candidates by what was known on the cut-off day.

    Parameters
    ----------
    known : Known
        What the candidates were found in.
    regions : Regions, optional
        None if payments have no regions.
    candidates : Candidates

    Returns
    -------
    names : list of str
        They depend only on the models and on the attributes that the payments have.
    float32 array, shape (pairs, features)
        NaN where there is no value.
    """
    client, provider = candidates.client, candidates.provider
    columns = _of_models(candidates)
    columns |= {name: values[provider] for name, values in of_providers(known).items()}
    columns |= {name: values[client] for name, values in of_clients(known).items()}
    columns["amount_gap"] = columns["provider_amount"] - columns["client_amount"]
    for attribute in _GROUPS:
        if attribute in known.payments.attributes:
            columns |= _of_group(known, attribute, candidates)
    if "category" in known.payments.attributes:
        columns |= _of_category(known, candidates)
    if regions is not None:
        columns["herfindahl"] = regions.herfindahl()[provider]
        here = np.append(regions.shares(), np.full((1, regions.counts.shape[1]), np.nan), axis=0)
        nowhere = regions.clients[client] < 0
        place = np.where(nowhere, len(here) - 1, provider)
        columns["share_in_region"] = here[place, regions.clients[client]]
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


def _of_group(known: Known, attribute: str, candidates: Candidates) -> Columns:
    """What the client's region or unit has to do with the candidate; NaN without one."""
    payments, providers = known.payments, known.shape[1]
    codes = payments.attributes[attribute].codes.astype(np.int64)
    labels = len(payments.attributes[attribute].labels)
    clients = known.shape[0]
    rows = codes >= 0
    size = count(codes[rows], labels)
    members = count(np.unique(codes[rows] * clients + payments.client[rows]) // clients, labels)

    rows &= payments.provider >= 0
    key = codes[rows] * providers + payments.provider[rows]
    asked = np.full(len(candidates), -1, dtype=np.int64)
    group = known.payments.latest(attribute)[candidates.client]
    in_one = group >= 0
    asked[in_one] = group[in_one] * providers + candidates.provider[in_one]

    found, place = np.unique(key, return_inverse=True)
    age = known.cut_off - payments.day[rows].astype(np.int64)
    payers = np.unique(place * clients + payments.client[rows]) // clients
    pairs = known.pairs
    fresh = pairs.first >= known.cut_off - 90
    own = known.payments.latest(attribute)[pairs.client[fresh]]
    first = own[own >= 0] * providers + pairs.provider[fresh][own >= 0]
    firsts, first_count = np.unique(first, return_counts=True)

    number = _look_up(found, count(place, len(found)), asked, 0)
    lately = _look_up(found, count(place[age <= 90], len(found)), asked, 0)
    people = _look_up(found, count(payers, len(found)), asked, 0)
    payments_of = count(payments.provider[payments.provider >= 0].astype(np.int64), providers)
    known_size = np.where(in_one, size[group], np.nan)
    known_members = np.where(in_one, members[group], np.nan)
    return {
        f"{attribute}_payments": number,
        f"{attribute}_payments_90": lately,
        f"{attribute}_payers": people,
        f"{attribute}_first_90": _look_up(firsts, first_count.astype(np.float64), asked, 0),
        f"{attribute}_since": _look_up(found, least(place, age, len(found)), asked, np.nan),
        f"{attribute}_age": _look_up(found, -least(place, -age, len(found)), asked, np.nan),
        f"{attribute}_size": known_size,
        f"{attribute}_members": known_members,
        f"{attribute}_share": number / known_size,
        f"{attribute}_payer_share": people / known_members,
        f"share_of_{attribute}": number / np.maximum(payments_of[candidates.provider], 1),
    }


def _of_category(known: Known, candidates: Candidates) -> Columns:
    """What the client has paid in the category of most of the candidate's payments."""
    payments, (clients, providers) = known.payments, known.shape
    codes = payments.attributes["category"].codes.astype(np.int64)
    labels = len(payments.attributes["category"].labels)
    rows = (codes >= 0) & (payments.provider >= 0)
    keys = payments.provider[rows] * labels + codes[rows]
    counts = np.bincount(keys, minlength=providers * labels).reshape(providers, labels)
    main = np.where(counts.any(axis=1), counts.argmax(axis=1), -1)
    category = main[candidates.provider]
    asked = np.where(category >= 0, candidates.client * labels + category, -1)

    paid, number = np.unique(payments.client[rows] * labels + codes[rows], return_counts=True)
    of_pair = main[known.pairs.provider]
    pairs = known.pairs.client[of_pair >= 0] * labels + of_pair[of_pair >= 0]
    had, had_number = np.unique(pairs, return_counts=True)
    total = count(payments.client[rows].astype(np.int64), clients)[candidates.client]
    inside = _look_up(paid, number.astype(np.float64), asked, 0)
    return {
        "category": category.astype(np.float64),
        "category_payments": inside,
        "category_share": inside / np.maximum(total, 1),
        "category_providers": _look_up(had, had_number.astype(np.float64), asked, 0),
    }


def _look_up(
    found: Ints, values: NDArray[np.float64], asked: Ints, otherwise: float
) -> NDArray[np.float64]:
    """Values of keys, which are sorted in `found`; `otherwise` where a key is not there."""
    if not len(found):
        return np.full(len(asked), otherwise)
    place = np.minimum(np.searchsorted(found, asked), len(found) - 1)
    return np.where(found[place] == asked, values[place], otherwise)

"""How active clients and providers were up to the cut-off day."""

import numpy as np
from numpy.typing import NDArray

from src.payments.providers.known import Ints, Known

_WINDOWS = (14, 30, 90, 365)  # days

Columns = dict[str, NDArray[np.float64]]


def of_clients(known: Known) -> Columns:
    """Activity, and appetite for new providers, of each client; (clients,)."""
    pairs, payments, clients = known.pairs, known.payments, known.shape[0]
    client = payments.client.astype(np.int64)
    age = (known.cut_off - payments.day).astype(np.int64)
    columns = {
        "client_payments": count(client, clients),
        "client_providers": count(pairs.client, clients),
    }
    for days in _WINDOWS[:3]:
        first = pairs.client[pairs.first >= known.cut_off - days]
        columns[f"client_payments_{days}"] = count(client[age <= days], clients)
        columns[f"client_first_{days}"] = count(first, clients)
    columns["client_since"] = least(client, age, clients)
    columns["client_age"] = -least(client, -age, clients)
    columns["client_amount"] = _mean(client, _size(payments.amount), clients)
    return columns


def of_providers(known: Known) -> Columns:
    """Popularity, its trend, age, habit and amounts of each provider; (providers,)."""
    pairs, payments, providers = known.pairs, known.payments, known.shape[1]
    rows = payments.provider >= 0
    provider = payments.provider[rows].astype(np.int64)
    age = known.cut_off - payments.day[rows]
    total = count(provider, providers)
    payers = known.payers().astype(np.float64)
    columns = {"provider_payers": payers, "provider_payments": total}
    for days in _WINDOWS:
        since = known.cut_off - days
        lately = pairs.provider[pairs.last >= since]
        first = pairs.provider[pairs.first >= since]
        columns[f"provider_payers_{days}"] = count(lately, providers)
        columns[f"provider_first_{days}"] = count(first, providers)
        columns[f"provider_payments_{days}"] = count(provider[age <= days], providers)
    again = count(pairs.provider[pairs.count > 1], providers)
    columns["provider_repeats"] = again / np.maximum(payers, 1)
    columns["provider_age"] = known.cut_off - least(pairs.provider, pairs.first, providers)
    columns["provider_since"] = known.cut_off + least(pairs.provider, -pairs.last, providers)
    columns["provider_amount"] = _mean(provider, _size(payments.amount[rows]), providers)
    return columns


def count(codes: Ints, size: int) -> NDArray[np.float64]:
    """Number of entries by code; (size,)."""
    return np.bincount(codes, minlength=size).astype(np.float64)


def _mean(codes: Ints, values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Mean of the values that are there, by code; NaN without any."""
    there = ~np.isnan(values)
    number = np.bincount(codes[there], minlength=size)
    sums = np.bincount(codes[there], weights=values[there], minlength=size)
    means = np.full(size, np.nan)
    np.divide(sums, number, out=means, where=number > 0)
    return means


def least(codes: Ints, values: Ints, size: int) -> NDArray[np.float64]:
    """Least value by code; NaN without any."""
    lowest = np.full(size, np.inf)
    np.minimum.at(lowest, codes, values)
    lowest[np.isinf(lowest)] = np.nan
    return lowest


def _size(amounts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Amounts by their order of magnitude."""
    return np.log1p(np.abs(amounts))

"""What drift is measured against: the customers that the models were trained on, in bins."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_QUANTILES = np.arange(1, 10) / 10
_RAREST = 0.02  # categories with a smaller share have a bin together

BinCodes = NDArray[np.uint8]


@dataclass(frozen=True)
class Bins:
    """Bins of the features of a profile: deciles of numbers, frequent categories and the rest."""

    edges: dict[str, list[float]]
    places: dict[str, dict[str, int]]

    @classmethod
    def fit(cls, profiles: pd.DataFrame) -> "Bins":
        """Cut bins from clean profiles: numbers as float64, categories as categoricals."""
        edges, places = {}, {}
        for name, column in profiles.items():
            if isinstance(column.dtype, pd.CategoricalDtype):
                shares = column.value_counts(normalize=True, sort=False)
                frequent = sorted(str(category) for category in shares.index[shares >= _RAREST])
                places[str(name)] = {category: place for place, category in enumerate(frequent)}
            else:
                edges[str(name)] = np.unique(np.quantile(column, _QUANTILES)).tolist()
        return cls(edges, places)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Number of bins of each feature; the last bin of a category holds the rest."""
        categories = {name: len(places) + 1 for name, places in self.places.items()}
        return {name: len(edges) + 1 for name, edges in self.edges.items()} | categories

    def codes(self, profiles: pd.DataFrame) -> BinCodes:
        """Bin of every feature of every profile; uint8, (customers, features) as in `sizes`."""
        codes = np.empty((len(profiles), len(self.sizes)), dtype=np.uint8)
        for feature, (name, edges) in enumerate(self.edges.items()):
            codes[:, feature] = np.searchsorted(edges, profiles[name].to_numpy(), side="right")
        for feature, (name, places) in enumerate(self.places.items(), len(self.edges)):
            column = profiles[name].array
            assert isinstance(column, pd.Categorical)  # noqa: S101
            bins = [places.get(str(category), len(places)) for category in column.categories]
            codes[:, feature] = np.array(bins, dtype=np.uint8)[column.codes]
        return codes

    def codes_of(self, profile: Mapping[str, Any]) -> BinCodes:
        """Bins of one clean profile: what `codes` says of a table of one row, in a hundredth."""
        numbers = [bisect_right(edges, profile[name]) for name, edges in self.edges.items()]
        categories = [
            places.get(profile[name], len(places)) for name, places in self.places.items()
        ]
        return np.array(numbers + categories, dtype=np.uint8)


@dataclass(frozen=True)
class Reference:
    """What the models were trained on, and what they would offer those customers first.

    Attributes
    ----------
    bins : Bins
    codes : uint8 array, shape (customers, features)
        Of the known customers, in the order of their profiles.
    profiles : list of float64 arrays, shapes (bins,)
        Counts of each feature.
    offers : float64 array, shape (products,)
        How many customers would be offered each product first.
    """

    bins: Bins
    codes: BinCodes
    profiles: list[NDArray[np.float64]]
    offers: NDArray[np.float64]

    @classmethod
    def of(cls, profiles: pd.DataFrame, first: NDArray[np.int16], products: int) -> "Reference":
        """Count clean profiles and first offers (items, -1 for none)."""
        bins = Bins.fit(profiles)
        codes = bins.codes(profiles)
        counts = [
            np.bincount(codes[:, feature], minlength=size).astype(np.float64)
            for feature, size in enumerate(bins.sizes.values())
        ]
        offers = np.bincount(first[first >= 0], minlength=products).astype(np.float64)
        return cls(bins, codes, counts, offers)


def first_offers(
    items: NDArray[np.int16],
    applying: NDArray[np.int64],
    forbidden: Callable[[int], dict[int, str]],
) -> NDArray[np.int16]:
    """First item of each list that no rule forbids; -1 if there is none.

    Parameters
    ----------
    items : int16 array, shape (customers, k)
        Best first, -1 behind the last.
    applying : int64 array, shape (customers,)
        Rules of each customer, as bits.
    forbidden : function from bits to forbidden items
    """
    first = np.full(len(items), -1, dtype=np.int16)
    for bits in np.unique(applying):
        rows = np.flatnonzero(applying == bits)
        allowed = ~np.isin(items[rows], [-1, *forbidden(int(bits))])
        some = allowed.any(axis=1)
        first[rows[some]] = items[rows[some], allowed[some].argmax(axis=1)]
    return first

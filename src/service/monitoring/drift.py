"""Drift: the population stability index of the last requests against what was learnt from.

The index of a feature is that of its bins (`evaluation.stability`). Without any drift it is about
(bins - 1) / requests (B. Yurdakul, Statistical Properties of Population Stability Index, 2018), so
it is reported only when there are enough requests.
"""

import itertools
from collections.abc import Iterator, Sequence
from time import monotonic

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from src.evaluation.stability import psi
from src.service.monitoring.drift_reference import BinCodes, Reference


class RecentRequests:
    """The last requests: at most so many, and at a measurement none older than so many seconds.

    To add costs one row of a table that is there already; counting waits for the measurement.

    Parameters
    ----------
    expected : list of float64 arrays, shapes (bins,)
        Counts of each feature in the reference.
    requests : int
    seconds : float
    """

    def __init__(
        self, expected: Sequence[NDArray[np.float64]], requests: int, seconds: float
    ) -> None:
        self._expected = expected
        self._seconds = seconds
        self._times = np.full(requests, -np.inf)
        self._codes = np.zeros((requests, len(expected)), dtype=np.int16)
        self._numbers = itertools.count()  # requests come in more than one thread

    def add(self, bins: BinCodes | list[int], now: float) -> None:
        """Remember a request by the bin of each feature, in the place of the oldest one."""
        place = next(self._numbers) % len(self._times)
        self._codes[place] = bins
        self._times[place] = now

    def measure(self, now: float) -> tuple[int, list[float]]:
        """Number of requests in the window, and the index of each feature; none without any."""
        codes = self._codes[self._times >= now - self._seconds]
        if not len(codes):
            return 0, []
        return len(codes), [
            psi(counts, np.bincount(codes[:, feature], minlength=len(counts)))
            for feature, counts in enumerate(self._expected)
        ]


class Drift(Collector):
    """Gauges of drift, computed when they are scraped.

    Parameters
    ----------
    registry : CollectorRegistry
    requests, seconds : int, float
        Longest window.
    least : int
        With fewer requests than this, the index means nothing and is left out.
    """

    def __init__(
        self, registry: CollectorRegistry, requests: int, seconds: float, least: int
    ) -> None:
        self._requests, self._seconds, self._least = requests, seconds, least
        self._watched: tuple[Reference, RecentRequests, RecentRequests] | None = None
        registry.register(self)

    def use(self, reference: Reference) -> None:
        """Measure against another reference, and begin anew."""
        profiles = RecentRequests(reference.profiles, self._requests, self._seconds)
        offers = RecentRequests([reference.offers], self._requests, self._seconds)
        self._watched = reference, profiles, offers

    def count(self, reference: Reference, profile: BinCodes | None, items: list[int]) -> None:
        """Count an answer: the bins of the profile, as far as there is one, and the items.

        An answer that was begun before the reference changed is left out.
        """
        if self._watched is None or self._watched[0] is not reference:
            return
        _, profiles, offers = self._watched
        now = monotonic()
        if profile is not None:
            profiles.add(profile, now)
        if items:
            offers.add(items[:1], now)

    def collect(self) -> Iterator[Metric]:
        """Report to Prometheus."""
        features = GaugeMetricFamily(
            "nextbest_feature_psi",
            "Population stability index of a request feature against training",
            labels=["feature"],
        )
        first = GaugeMetricFamily(
            "nextbest_offer_psi",
            "Population stability index of the product offered first against the offline lists",
        )
        window = GaugeMetricFamily(
            "nextbest_drift_window", "Requests that the indices are computed from", labels=["of"]
        )
        if self._watched is not None:
            reference, profiles, offers = self._watched
            now = monotonic()
            requests, indices = profiles.measure(now)
            window.add_metric(["features"], requests)
            if requests >= self._least:
                for name, value in zip(reference.bins.sizes, indices, strict=True):
                    features.add_metric([name], value)
            answers, indices = offers.measure(now)
            window.add_metric(["offers"], answers)
            if answers >= self._least:
                first.add_metric([], indices[0])
        yield from (features, first, window)

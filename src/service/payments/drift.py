"""Drift of chances: the population stability index of what is answered against recommend's."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from src.evaluation.stability import counts_between, decile_edges
from src.service.monitoring.drift import RecentRequests


@dataclass(frozen=True)
class Reference:
    """Chances of every client's likeliest operation, as recommend wrote them, in deciles.

    Attributes
    ----------
    edges : float array, shape (bins - 1,)
    counts : float array, shape (bins,)
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.float64]

    @classmethod
    def of(cls, chances: NDArray[np.float32]) -> "Reference":
        """Count chances."""
        edges = decile_edges(chances.astype(np.float64))
        return cls(edges, counts_between(edges, chances).astype(np.float64))


class ChanceDrift(Collector):
    """Gauges of drift, computed when they are scraped; parameters as of `monitoring.drift.Drift`.

    Of each answer the chance of the likeliest operation is counted.
    """

    def __init__(
        self, registry: CollectorRegistry, requests: int, seconds: float, least: int
    ) -> None:
        self._requests, self._seconds, self._least = requests, seconds, least
        self._watched: tuple[Reference, RecentRequests] | None = None
        registry.register(self)

    def use(self, reference: Reference) -> None:
        """Measure against another reference, and begin anew."""
        self._watched = (
            reference,
            RecentRequests([reference.counts], self._requests, self._seconds),
        )

    def count(self, reference: Reference, chance: float) -> None:
        """Count an answer, unless it was begun before the reference changed."""
        if self._watched is not None and self._watched[0] is reference:
            place = int(np.searchsorted(reference.edges, chance, side="right"))
            self._watched[1].add([place], monotonic())

    def collect(self) -> Iterator[Metric]:
        """Report to Prometheus."""
        chance = GaugeMetricFamily(
            "nextbest_payments_chance_psi",
            "Population stability index of the likeliest operation's chance against recommend's",
        )
        window = GaugeMetricFamily(
            "nextbest_payments_drift_window", "Answers that the index is computed from"
        )
        if self._watched is not None:
            answers, indices = self._watched[1].measure(monotonic())
            window.add_metric([], answers)
            if answers >= self._least:
                chance.add_metric([], indices[0])
        yield from (chance, window)

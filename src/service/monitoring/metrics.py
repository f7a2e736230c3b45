"""Prometheus metrics, on a registry of its own for every app."""

import contextlib
import ctypes
import datetime
import gc
import math
from pathlib import Path
from typing import Any

import pyarrow as pa
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

_M_ARENA_MAX = -8  # malloc.h
_LATENCIES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)


class Monitoring:
    """What is counted, and how to count an answer."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "nextbest_requests",
            "Requests by route and status",
            ["route", "status"],
            registry=self.registry,
        )
        self.latency = Histogram(
            "nextbest_request_seconds",
            "Time to answer",
            ["route"],
            buckets=_LATENCIES,
            registry=self.registry,
        )
        self.errors = Counter(
            "nextbest_errors", "Requests that ended in a server error", registry=self.registry
        )
        self.connections = Gauge("nextbest_connections", "Open connections", registry=self.registry)
        self.connections_refused = Counter(
            "nextbest_connections_refused",
            "Connections that were closed before a request was made of them, by status or cause",
            ["cause"],
            registry=self.registry,
        )
        self.answers = Counter(
            "nextbest_answers", "Answers by source", ["source"], registry=self.registry
        )
        self.fallbacks = Counter(
            "nextbest_fallbacks",
            "Answers that do not begin with personal scores",
            registry=self.registry,
        )
        self.recommended = Tally("nextbest_recommended", "Recommended products", "product")
        self.registry.register(self.recommended)
        self.removed = Counter(
            "nextbest_removed", "Products taken out last, by rule", ["rule"], registry=self.registry
        )
        self.feedback = Counter(
            "nextbest_feedback", "Feedback by action", ["action"], registry=self.registry
        )
        self.feedback_available = Gauge(
            "nextbest_feedback_available",
            "1 while the database of feedback answers",
            registry=self.registry,
        )
        self.history_dropped = Gauge(
            "nextbest_history_dropped",
            "Answers that could not be recorded",
            registry=self.registry,
        )
        self.models = Gauge(
            "nextbest_models",
            "1 for the models that are loaded",
            ["revision", "digest", "month"],
            registry=self.registry,
        )
        self.titles = Gauge(
            "nextbest_product",
            "1 for each product: its title",
            ["product", "title"],
            registry=self.registry,
        )
        self.customers = Gauge(
            "nextbest_known_customers", "Known customers", registry=self.registry
        )
        self.data_age = Gauge(
            "nextbest_data_age_days",
            "Days since the last month of the data",
            registry=self.registry,
        )
        self.payments_answers = Counter(
            "nextbest_payments_answers",
            "Answers about payments by list and source",
            ["list", "source"],
            registry=self.registry,
        )
        self.payments_models = Gauge(
            "nextbest_payments_models",
            "1 for the models of payments that are loaded",
            ["revision", "digest", "last_day"],
            registry=self.registry,
        )
        self.payments_clients = Gauge(
            "nextbest_payments_known_clients",
            "Clients whose payments are known; 0 if payments are not served",
            registry=self.registry,
        )
        self.payments_age = Gauge(
            "nextbest_payments_data_age_days",
            "Days since the last day of the payments; NaN if they are not served",
            registry=self.registry,
        )
        self.payments_age.set(math.nan)
        memory = Gauge("nextbest_resident_memory_bytes", "Resident memory", registry=self.registry)
        memory.set_function(resident_bytes)
        self._cells: dict[tuple[Any, ...], Any] = {}

    def loaded(self, revision: str, digest: str, month: datetime.date, customers: int) -> None:
        """Report which models are served from now on."""
        self.models.clear()
        self.models.labels(revision, digest, str(month)).set(1)
        self.customers.set(customers)
        self.data_age.set_function(lambda: (datetime.date.today() - month).days)

    def payments_loaded(
        self, revision: str, digest: str, last: datetime.date, clients: int
    ) -> None:
        """Report which models of payments are served from now on."""
        self.payments_models.clear()
        self.payments_models.labels(revision, digest, str(last)).set(1)
        self.payments_clients.set(clients)
        self.payments_age.set_function(lambda: (datetime.date.today() - last).days)

    def sold(self, titles: dict[str, str]) -> None:
        """Report the title of each product."""
        self.titles.clear()
        for product, title in titles.items():
            self.titles.labels(product, title).set(1)

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._cell(self.requests, route, str(status)).inc()
        self._cell(self.latency, route).observe(seconds)
        if status >= 500:
            self.errors.inc()

    def count_answer(
        self, source: str, fallback: bool, products: list[str], removed: dict[str, int]
    ) -> None:
        """Count an answer and what it offers."""
        self._cell(self.answers, source).inc()
        if fallback:
            self.fallbacks.inc()
        self.recommended.count(products)
        for rule, count in removed.items():
            self._cell(self.removed, rule).inc(count)

    def _cell(self, metric: Any, *labels: str) -> Any:
        """The metric with these labels; looked up once, which is what makes it slow."""
        key = (metric, *labels)
        if key not in self._cells:
            self._cells[key] = metric.labels(*labels)
        return self._cells[key]


class Tally(Collector):
    """A counter that is raised for many labels at a time, by one thread: several per answer."""

    def __init__(self, name: str, documentation: str, label: str) -> None:
        self._said = name, documentation
        self._label = label
        self._counts: dict[str, int] = {}

    def count(self, names: list[str]) -> None:
        """Raise the counter of each name by 1."""
        counts = self._counts
        for name in names:
            counts[name] = counts.get(name, 0) + 1

    def collect(self) -> list[Metric]:
        """Report to Prometheus."""
        family = CounterMetricFamily(*self._said, labels=[self._label])
        for name, count in list(self._counts.items()):
            family.add_metric([name], count)
        return [family]


def resident_bytes(process: int | str = "self") -> int:
    """Resident memory of a process; 0 if the system does not say."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0
    return pages * 4096


def share_arena() -> None:
    """Let all threads take memory from the same places, if the system's C library is glibc.

    Otherwise every reload leaves some behind in another: half of what is loaded, after twenty.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 2)


def release_memory() -> None:
    """Give back to the system what reading has left behind, half a gigabyte with many customers."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()  # what stays need not be looked through again and again
    pa.default_memory_pool().release_unused()

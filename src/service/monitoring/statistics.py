"""Counts since the start, read from the metrics: there is one set of counters."""

import math
from typing import Any

from src.service.monitoring.metrics import Monitoring


def statistics(monitoring: Monitoring) -> dict[str, Any]:
    """What was asked, answered, recommended and taken out."""
    return {
        "requests": _counts(monitoring.requests, "route", "status"),
        "answers": _counts(monitoring.answers, "source"),
        "payments": _counts(monitoring.payments_answers, "list", "source"),
        "fallbacks": _total(monitoring.fallbacks),
        "latency": _latency(monitoring.latency, "/recommendations"),
        "recommended": _counts(monitoring.recommended, "product"),
        "removed": _counts(monitoring.removed, "rule"),
        "feedback": _counts(monitoring.feedback, "action"),
        "errors": _total(monitoring.errors),
    }


def _counts(metric: Any, *labels: str) -> dict[str, int]:
    return {
        " ".join(sample.labels[label] for label in labels): int(sample.value)
        for family in metric.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def _latency(metric: Any, route: str) -> list[tuple[float | None, int]]:
    """Answers of one route by time: upper bound in seconds (None: longer), and how many."""
    below = 0
    found: list[tuple[float | None, int]] = []
    for family in metric.collect():
        for sample in family.samples:
            if sample.name.endswith("_bucket") and sample.labels["route"] == route:
                bound = float(sample.labels["le"])
                found.append((bound if math.isfinite(bound) else None, int(sample.value) - below))
                below = int(sample.value)
    return found


def _total(metric: Any) -> int:
    return sum(
        int(sample.value)
        for family in metric.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    )

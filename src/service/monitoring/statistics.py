"""Counts since the start, read from the metrics: there is one set of counters."""

import math
from typing import Any

from src.service.products.answering import Answers


def statistics(answers: Answers) -> dict[str, Any]:
    """What was asked, answered, recommended and taken out."""
    monitoring = answers.monitoring
    return {
        "requests": _counts(monitoring.requests, "route", "status"),
        "answers": _counts(monitoring.answers, "source"),
        "fallbacks": _total(monitoring.fallbacks),
        "latency": _latency(monitoring.latency, "/recommendations"),
        "recommended": _counts(monitoring.recommended, "product"),
        "products": dict(zip(answers.catalogue.products, answers.catalogue.titles, strict=True)),
        "removed": _counts(monitoring.removed, "rule"),
        "feedback": _counts(monitoring.feedback, "action"),
        "errors": _total(monitoring.errors),
        "models": {
            "revision": answers.catalogue.revision,
            "digest": answers.catalogue.digest,
            "month": answers.catalogue.month,
            "loaded_at": answers.loaded_at,
        },
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

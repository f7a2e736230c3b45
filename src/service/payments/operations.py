"""The operations that a client is likely to repeat: cards, and the top of the search page."""

from typing import Any

import numpy as np

from src.payments.calendar import date_of
from src.payments.operations.recurring import recurring
from src.service.payments.catalogue import Catalogue
from src.service.payments.scoring import Scored


def operations(catalogue: Catalogue, scored: Scored, k: int) -> dict[str, Any]:
    """Cards and the k likeliest operations, each with the reasons for its chance."""
    threshold = catalogue.asking.threshold
    count = sum(scored.chance[row] >= threshold for row in scored.order)  # cards come first
    rows = scored.order[: max(count, k)]
    told = described(catalogue, scored, rows)
    return {"cards": told[:count], "top": told[:k]}


def described(catalogue: Catalogue, scored: Scored, rows: list[int]) -> list[dict[str, Any]]:
    """Operations, the likeliest first, as answers give them."""
    if not rows:
        return []
    snapshot = scored.snapshot
    ends = snapshot.ends
    providers = [snapshot.paid.providers[snapshot.provider[row]] for row in rows]
    return [
        {
            "provider": provider,
            "name": catalogue.names.get(provider),
            "chance": np.float32(scored.chance[row]),
            "place": place,
            "last_paid": str(date_of(snapshot.paid.day[ends[row]])),
            "last_amount": _amount(snapshot.last_amount[row : row + 1]),
            "usual_amount": _amount(snapshot.paid.amount[snapshot.starts[row] : ends[row] + 1]),
            "expected": expected,
            "reasons": reasons,
        }
        for place, (row, provider, expected, reasons) in enumerate(
            zip(
                rows,
                providers,
                _expected(scored, rows),
                catalogue.explainer.reasons(scored, rows),
                strict=True,
            ),
            1,
        )
    ]


def _expected(scored: Scored, rows: list[int]) -> list[dict[str, Any] | None]:
    """When the next payment of each operation is expected; None if it does not recur."""
    found = recurring(scored.snapshot)
    return [
        {
            "day": str(date_of(scored.snapshot.cutoff + int(np.round(found.expected[row])))),
            "within_days": int(np.ceil(found.spread[row])),
            "gap_days": int(np.round(found.gap[row])),
        }
        if found.regular[row]
        else None
        for row in rows
    ]


def _amount(amounts: Any) -> float | None:
    """Median of the amounts that are given."""
    given = amounts[~np.isnan(amounts)]
    return round(float(np.median(given)), 2) if len(given) else None

"""A log as the service writes it, drawn by `draw`, and the feedback that belongs to it."""

import json
from pathlib import Path
from typing import Any

from src.feedback.exposure import draw, first_chance, order_chance


def line(answer: str, customer: int, share: float = 0.5, **change: Any) -> dict[str, Any]:
    """An answer of three offers: card, fund and loan in that order, unless they change places."""
    ranked = ["card", "fund", "loan"]
    order = draw(answer, share, 3)
    shown = order if order is not None else [0, 1, 2]
    exposure = {
        "share": share,
        "ranked": ranked,
        "barred": ["junior"],
        "random": order is not None,
        "first_chance": first_chance(shown[0], share, 3),
        "order_chance": order_chance(shown, share, 3),
    }
    given = {
        "at": 1_790_000_000.0,
        "answer": answer,
        "customer": customer,
        "path": "offline",
        "exposure": exposure,
        "experiment": None,
        "arm": None,
        "revision": "abc1234",
        "products": [ranked[place] for place in shown],
    }
    return given | change


def said(answer: str | None, product: str, action: str, number: int = 1, customer: int = 1) -> Any:
    """A line of /feedback/export."""
    return {
        "id": number,
        "received_at": "2026-11-02T10:00:00.000+00:00",
        "customer": str(customer),
        "product": product,
        "action": action,
        "answer": answer,
        "key": "page",
    }


def write(path: Path, rows: list[Any]) -> Path:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path

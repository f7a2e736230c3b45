"""What is known of a customer, as the page shows it."""

from typing import Any

from src.models.history import MAX_MONTHS
from src.service.products.catalogue import Catalogue

_EXAMPLE = 10_000  # customers


def describe(catalogue: Catalogue, customer: int | str) -> dict[str, Any] | None:
    """Profile and holdings over time, the latest month first; None for a stranger."""
    known = catalogue.known
    row = known.row(customer)
    if row is None:
        return None
    history = known.history
    present, active = int(history.present[row]), int(history.active[row])
    held = history.held[row].tolist()
    months = []
    for ago, date in enumerate(catalogue.months[:MAX_MONTHS]):
        month = date.isoformat()
        if present >> ago & 1:
            owned = [
                product
                for product, bits in zip(catalogue.products, held, strict=True)
                if bits >> ago & 1
            ]
            months.append({"month": month, "active": bool(active >> ago & 1), "holdings": owned})
        else:
            months.append({"month": month, "active": None, "holdings": None})
    one = known.customer(row)
    profile = None
    if one is not None:
        profile = {name: _plain(one.profile[name].iloc[0]) for name in one.profile.columns}
    return {
        "customer": customer,
        "profile": profile,
        "months": months,
        "products": dict(zip(catalogue.products, catalogue.titles, strict=True)),
    }


def example_request(catalogue: Catalogue) -> dict[str, Any]:
    """A request for the OpenAPI document: frequent attributes, the most held product."""
    profiles = catalogue.known.profiles.head(_EXAMPLE)
    schema = catalogue.schema
    profile: dict[str, Any] = {}
    for name in schema.numeric:
        profile[name] = float(profiles[name].median())
    for name in schema.categorical:
        profile[name] = str(profiles[name].mode().iloc[0])
    held = (catalogue.known.history.held & 1).sum(axis=0)
    favourite = catalogue.products[int(held.argmax())]
    return {
        "profile": profile,
        "holdings": [favourite],
        "history": [{"holdings": [favourite], "active": True}],
    }


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value

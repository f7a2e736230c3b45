"""What is known of a customer, as the page shows it."""

from typing import Any

import numpy as np

from src.models.history import MAX_MONTHS, bit
from src.service.products.catalogue import Catalogue
from src.tables.months import month_of, months_from

_EXAMPLE = 10_000  # customers


def describe(catalogue: Catalogue, customer: int | str) -> dict[str, Any] | None:
    """Profile and holdings over time, the latest month first; None for an unknown one."""
    known = catalogue.known
    row = known.row(customer)
    if row is None:
        return None
    history = known.history
    months = []
    for date in catalogue.dates:
        lag = months_from(month_of(date), month_of(catalogue.dates[0])) + 1
        if lag > MAX_MONTHS:
            break
        month: dict[str, Any] = {"month": date.isoformat(), "active": None, "holdings": None}
        if bit(history.present[row], lag):
            held = np.flatnonzero(bit(history.held[row], lag))
            month["active"] = bool(bit(history.active[row], lag))
            month["holdings"] = [catalogue.products[item] for item in held]
        months.append(month)
    one = known.customer(row)
    profile = None
    if one is not None:
        profile = {name: _plain(one.profile[name].iloc[0]) for name in one.profile.columns}
    return {
        "customer": customer,
        "customer_id": str(customer),
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

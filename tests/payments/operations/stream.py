"""Payments told by how many days before the cut-off they were made: 1 is the day before."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from src.payments.calendar import Calendar, day_of
from src.payments.operations.factors import Basis
from src.payments.operations.population import Population
from src.payments.operations.snapshot import Snapshot, by_operation
from src.payments.payments import Payments, coded

CUTOFF = day_of("2025-03-31")  # a Monday
NAN = float("nan")

Row = tuple[str, int, str | None, float]  # client, days before the cut-off, provider, amount


def payments(rows: Sequence[Row], **attributes: Sequence[str | None]) -> Payments:
    """Payments in the order given, each attribute with a label per payment."""
    client = coded(texts([row[0] for row in rows]))
    provider = coded(texts([row[2] for row in rows]))
    return Payments(
        client=client.codes,
        provider=provider.codes,
        day=np.array([CUTOFF - row[1] for row in rows], dtype=np.int32),
        amount=np.array([row[3] for row in rows], dtype=np.float64),
        clients=np.array(client.labels),
        providers=provider.labels,
        attributes={name: coded(texts(labels)) for name, labels in attributes.items()},
    )


def texts(values: Sequence[str | None]) -> Any:
    """A column of text."""
    return pa.chunked_array([pa.array(values, pa.string())])


def snapshot(paid: Payments, lookback_days: int = 60, horizon: int = 1) -> Snapshot:
    """The snapshot at the cut-off."""
    return Snapshot(by_operation(paid), CUTOFF, lookback_days, horizon)


def known(paid: Payments, calendar: Calendar, lookback_days: int = 60, horizon: int = 1) -> Basis:
    """What is known at the cut-off."""
    stream = by_operation(paid)
    everybody = Population.of(stream, CUTOFF, lookback_days)
    return Basis(Snapshot(stream, CUTOFF, lookback_days, horizon), everybody, calendar)


def visits(client: str, provider: str, *ages: int) -> list[Row]:
    """One operation: a payment of 100 on each of some days."""
    return [(client, age, provider, 100.0) for age in ages]


# ann pays gas every Monday, and tea twice on one day; somebody unknown the day before. Neither what
# is older than 60 days nor what is not before the cut-off may be seen.
ROWS: list[Row] = [
    ("ann", 61, "gas", 1e6),
    ("ann", 28, "gas", 100.0),
    ("ann", 21, "gas", 100.0),
    ("ann", 14, "gas", 100.0),
    ("ann", 9, "tea", 10.0),
    ("ann", 9, "tea", NAN),
    ("ann", 7, "gas", 100.0),
    ("ann", 3, "tea", 30.0),
    ("ann", 1, None, 5.0),
    ("ann", 0, "gas", 1e6),
    ("bob", 50, "gas", 200.0),
    ("bob", 20, "gas", 200.0),
    ("bob", 2, "gas", 400.0),
    ("bob", -1, "net", 1e6),
    ("cid", 40, "gas", NAN),
    ("cid", -2, "gas", 1e6),
]
UNITS = ["u0", "u0", *["u1"] * 7, "u0", "u0", "u1", None, "u0", None, "u1"]
REGIONS = [*["north"] * 10, *["south"] * 4, *["north"] * 2]


TOY = payments(ROWS, region=REGIONS, unit=UNITS)


def toy() -> Snapshot:
    """The snapshot of `TOY`: the operations ann–gas, ann–tea, bob–gas and cid–gas."""
    return snapshot(TOY)

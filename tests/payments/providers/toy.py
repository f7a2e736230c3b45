from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from src import params
from src.params import Section
from src.payments.payments import Codes, Payments
from src.payments.providers.known import Known, Targets
from src.payments.providers.windows import ExampleSettings
from src.payments.schema import PARAMS

ROOT = Path(__file__).parents[3]
DEFAULTS = params.load("examples", ExampleSettings, str(ROOT / PARAMS))
Row = tuple[str, int, str | None]


AnySection = TypeVar("AnySection", bound=Section)


def changed(settings: AnySection, **values: object) -> AnySection:
    """The same settings but for some values."""
    return type(settings).model_validate(dict(settings) | values)


def payments(rows: Sequence[Row], **attributes: Sequence[str | None]) -> Payments:
    """Payments of 10 by client, day and provider; attributes as labels, one per row."""
    order = sorted(range(len(rows)), key=lambda row: rows[row][:2])
    client = _codes([rows[row][0] for row in order])
    provider = _codes([rows[row][2] for row in order])
    return Payments(
        client=client.codes,
        provider=provider.codes,
        day=np.array([rows[row][1] for row in order], dtype=np.int32),
        amount=np.full(len(rows), 10.0),
        clients=np.array(client.labels),
        providers=provider.labels,
        attributes={
            name: _codes([labels[row] for row in order]) for name, labels in attributes.items()
        },
    )


def visits(text: str, day: int = 1) -> Payments:
    """One payment each, all on one day: ``a:XY b:Z`` are a's to X and Y and b's to Z."""
    words = [word.split(":") for word in text.split()]
    return payments([(client, day, one) for client, providers in words for one in providers])


def known(text: str) -> Known:
    """What `visits` say, known on day 10."""
    return Known.before(visits(text), 10)


def targets(*pairs: tuple[int, int]) -> Targets:
    """Client and provider of each."""
    client, provider = zip(*pairs, strict=True)
    return Targets(np.array(client, dtype=np.int64), np.array(provider, dtype=np.int64))


def groups(days: int) -> Payments:
    """Sixty clients of three tastes, who try the next provider of theirs every fifth day.

    Taste decides which ten providers of thirty a client pays, and the region they live in; where
    they begin among them depends on the client.
    """
    rows: list[Row] = []
    regions = []
    for number in range(60):
        taste = number % 3
        for day in range(number % 5, days, 5):
            provider = taste * 10 + (number // 3 + day // 5 // 4) % 10
            rows.append((f"c{number:02}", day, f"p{provider:02}"))
            regions.append(f"r{taste}")
    return payments(rows, region=regions)


def _codes(labels: Sequence[str | None]) -> Codes:
    known_labels = sorted({label for label in labels if label is not None})
    codes = [-1 if label is None else known_labels.index(label) for label in labels]
    return Codes(np.array(codes, dtype=np.int32), known_labels)


STREAM = groups(240)
SETTINGS = changed(
    DEFAULTS,
    horizon_days=20,
    origins=2,
    resamples=100,
    models=changed(
        DEFAULTS.models,
        als=changed(DEFAULTS.models.als, factors=4, iterations=5),
        machine=changed(DEFAULTS.models.machine, factors=4, epochs=5),
        boosting=changed(DEFAULTS.models.boosting, days=20, iterations=10),
    ),
    second_stage=changed(
        DEFAULTS.second_stage, windows=2, per_model=10, iterations=40, learning_rate=0.2
    ),
)

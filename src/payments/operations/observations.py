"""Observations: every operation at many cut-offs, its factors, and whether it was repeated.

The cut-off moves through the days; at each, every operation of the look-back window is observed
with what was known the day before, and was repeated or not within the horizon.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field
from tqdm import tqdm

from src.errors import InputError
from src.params import Section
from src.payments.calendar import Calendar, date_of
from src.payments.operations.baselines import baseline_columns
from src.payments.operations.factors import Basis, factor_columns
from src.payments.operations.population import Population
from src.payments.operations.snapshot import Snapshot, by_operation
from src.payments.payments import Payments
from src.payments.schema import PARAMS
from src.payments.windows import Windows

PARTS = ("train", "valid", "test")


class Observe(Section):
    """Parameters.

    Attributes
    ----------
    lookback_days : int
        Operations of the last so many days are observed.
    horizon_days : int
        Within how many days, the cut-off's the first of them, a repetition counts.
    train_days : int
        How far before the validation the cut-offs to learn from reach back.
    train_step, test_step : int
        Days from one cut-off to the next, for learning, and for validation and test.
    negatives : float
        Share of the operations without a repetition that are learnt from, drawn.
    clients : int
        At most so many clients are observed, drawn; factors know the payments of all.
    seed : int
    """

    lookback_days: int = Field(ge=7, le=1000)
    horizon_days: int = Field(ge=1, le=92)
    train_days: int = Field(ge=1, le=3660)
    train_step: int = Field(ge=1, le=92)
    test_step: int = Field(ge=1, le=92)
    negatives: float = Field(gt=0, le=1)
    clients: int = Field(ge=10)
    seed: int = Field(ge=0)


def cutoffs(
    windows: Windows, settings: Observe, parts: Sequence[str] = PARTS
) -> dict[str, list[int]]:
    """Days of the cut-offs of some parts; no part's horizon reaches into the next.

    Every cut-off has a whole look-back window behind it.

    Raises
    ------
    InputError
        A part has none.
    """
    earliest = windows.first + settings.lookback_days
    spans = {
        "train": (max(earliest, windows.valid - settings.train_days), windows.valid),
        "valid": (max(earliest, windows.valid), windows.test),
        "test": (max(earliest, windows.test), windows.end),
    }
    found = {}
    for part in parts:
        first, end = spans[part]
        step = settings.train_step if part == "train" else settings.test_step
        found[part] = list(range(first, end - settings.horizon_days + 1, step))
        if not found[part]:
            raise InputError(
                f"no cut-off for {part}: it would have to be on {date_of(first)} or later "
                f"(payments begin on {date_of(windows.first)}, observe.lookback_days is "
                f"{settings.lookback_days}) and on {date_of(end - settings.horizon_days)} or "
                f"earlier (observe.horizon_days is {settings.horizon_days}, {part} ends before "
                f"{date_of(end)}); shorten them, or change split, in {PARAMS}, or add earlier "
                "payments"
            )
    return found


def repeated(payments: Payments, snapshot: Snapshot) -> NDArray[np.bool_]:
    """Whether each operation of a snapshot is paid again within its horizon."""
    later = payments.between(snapshot.cutoff, snapshot.cutoff + snapshot.horizon)
    later = later.of(later.provider >= 0)
    size = np.int64(len(payments.providers))
    return np.isin(snapshot.client * size + snapshot.provider, later.client * size + later.provider)


def observe(
    payments: Payments,
    windows: Windows,
    settings: Observe,
    calendar: Calendar,
    parts: Sequence[str] = PARTS,
) -> pa.Table:
    """Observe the operations at every cut-off of some parts.

    Parameters
    ----------
    payments : Payments
    windows : Windows
    settings : Observe
    calendar : Calendar
    parts : sequence of str
        Of `PARTS`.

    Returns
    -------
    pa.Table
        part, cutoff (date), client and provider as in `payments`, repeated (bool), one float32
        column per factor and one per baseline (null but in the test); by part, cut-off, client and
        provider. Of the operations to learn from, all that were repeated and a share `negatives` of
        the others.

    Raises
    ------
    InputError
        A part has no cut-off, or no repetition.
    """
    everyone = np.random.default_rng(settings.seed).permutation(len(payments.clients))
    used = by_operation(payments.between(windows.first, windows.end))
    own = used.of((everyone < settings.clients)[used.client])
    plan = [(part, day) for part, days in cutoffs(windows, settings, parts).items() for day in days]

    def observed(cutoff: tuple[str, int]) -> pa.Table:
        part, day = cutoff
        population = Population.of(used, day, settings.lookback_days)
        snapshot = Snapshot(own, day, settings.lookback_days, settings.horizon_days)
        again = repeated(own, snapshot)
        table = _table(part, Basis(snapshot, population, calendar), again)
        if part != "train":
            return table
        # Each cut-off draws from its own seed: they are worked on side by side.
        drawn = np.random.default_rng([settings.seed, day]).random(len(again))
        return table.filter(pa.array(again | (drawn < settings.negatives)))

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        found = threads.map(observed, plan)
        tables = list(tqdm(found, "observations", len(plan), unit="cut-off", disable=None))
    for part in parts:
        of_part = [
            table for (own_part, _), table in zip(plan, tables, strict=True) if own_part == part
        ]
        if not any(pc.any(table["repeated"]).as_py() for table in of_part):
            raise InputError(
                f"no operation of {part} is repeated within observe.horizon_days "
                f"{settings.horizon_days}: lengthen it in {PARAMS}, or split"
            )
    return pa.concat_tables(tables, promote_options="default")


def _table(part: str, known: Basis, again: NDArray[np.bool_]) -> pa.Table:
    snapshot = known.snapshot
    columns: dict[str, Any] = {
        "part": pa.DictionaryArray.from_arrays(
            pa.array(np.full(len(snapshot), PARTS.index(part)), pa.int8()), list(PARTS)
        ),
        "cutoff": pa.array(np.full(len(snapshot), snapshot.cutoff), pa.int32()).cast(pa.date32()),
        **named(snapshot),
        "repeated": again,
    }
    columns |= factor_columns(known)
    if part == "test":
        columns |= baseline_columns(known)
    return pa.table(columns)


def named(snapshot: Snapshot) -> dict[str, pa.Array]:
    """Client and provider of each operation by their own names; only those that occur."""
    clients, client = np.unique(snapshot.client, return_inverse=True)
    providers, provider = np.unique(snapshot.provider, return_inverse=True)
    names = [snapshot.paid.providers[code] for code in providers]
    return {
        "client": pa.array(snapshot.paid.clients[clients]).take(pa.array(client)),
        "provider": pa.array(names, pa.string()).take(pa.array(provider)),
    }

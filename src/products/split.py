"""split: months into the windows base, blend and test; each customer's months as bits."""

import datetime
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import ibis
import ibis.expr.types as ir
import numpy as np
from pydantic import Field

from src import params
from src.engine import connect
from src.errors import InputError, run
from src.models.history import MAX_MONTHS, History, added, bit, dropped, with_predecessor
from src.products import paths
from src.products.schema import Schema
from src.products.windows import LEAST_MONTHS, Windows, divided
from src.reporting import atomic
from src.tables.months import month_of, months_from

_RENAMED = 0.9  # share of the owners who change over
_FEWEST = 5  # owners; fewer may well change over by themselves

WindowSetting = Literal["auto"] | tuple[datetime.date, datetime.date]


class Split(params.Section):
    """Parameters of the stage: windows of months, inclusive; months that describe a customer."""

    base: WindowSetting
    blend: WindowSetting
    test: WindowSetting
    blend_months: int = Field(ge=1)
    lookback_months: int = Field(ge=1, le=MAX_MONTHS)


def windows(months: list[datetime.date], settings: Split) -> dict[str, list[datetime.date]]:
    """Divide the months (sorted) into base, blend and test.

    Raises
    ------
    InputError
        Fewer than 4 months, a window without months, an overlap, a gap, a wrong order, or a test
        window of more than one month.
    """
    if len(months) < LEAST_MONTHS:
        raise InputError(
            f"{paths.CLEAN} has {len(months)} months, but base, blend and test need at least 4: "
            "one for base, two for blend (an addition lies between two) and one for test"
        )
    chosen = {}
    for name, automatic_months in divided(months, settings.blend_months).items():
        window = getattr(settings, name)
        if window == "auto":
            chosen[name] = automatic_months
            continue
        first, last = window
        chosen[name] = [month for month in months if first <= month <= last]
        if not chosen[name]:
            raise InputError(
                f"params.yaml: split.{name} ({first} … {last}) holds none of the months of the "
                f"data ({months[0]} … {months[-1]})"
            )
    if len(chosen["test"]) != 1:
        raise InputError(
            f"params.yaml: split.test holds {len(chosen['test'])} months, but must be one month"
        )
    for earlier, later in (("base", "blend"), ("blend", "test")):
        end, start = chosen[earlier][-1], chosen[later][0]
        if start <= end:
            raise InputError(
                f"params.yaml: split.{later} begins {start}, but split.{earlier} ends {end}: the "
                "windows overlap or are in the wrong order"
            )
        between = [month for month in months if end < month < start]
        if between:
            raise InputError(
                f"params.yaml: months {', '.join(map(str, between))} lie between split.{earlier} "
                f"and split.{later}: windows must follow each other without a gap"
            )
    return chosen


@ibis.udf.agg.builtin  # type: ignore[untyped-decorator]
def bit_or(bits: int, where: bool = True) -> int:  # type: ignore[empty-body]
    """SQL's own aggregate, which Ibis does not know on every engine."""


def month_bits(rows: ir.Table, dates: list[datetime.date], schema: Schema) -> ir.Table:
    """One row per customer: the months in which a condition held, as bits of an int64.

    Bit 0 is the last month, bit 1 the calendar month before it, and so on: see `History`.

    Parameters
    ----------
    rows : Table
        Clean snapshots.
    dates : list of date
        Of the snapshots that the bits describe, oldest first.

    Returns
    -------
    Table
        customer, ``present``, ``was_active`` (if the schema has active) and one column per
        product, ordered by customer.
    """
    last = month_of(dates[-1])
    lags = {date: months_from(month_of(date), last) for date in dates}
    weights = [(date, 1 << lag) for date, lag in lags.items() if lag < MAX_MONTHS]
    weighted = rows.filter(rows.month.isin([date for date, _ in weights])).mutate(
        bit=rows.month.cases(*weights, else_=0).cast("int64")
    )
    bits = {"present": bit_or(weighted.bit)}
    if "active" in schema.categorical:
        active = weighted.active == "1"
        bits["was_active"] = bit_or(weighted.bit, where=active).fill_null(0)
    for product in schema.products:
        bits[product] = bit_or(weighted.bit, where=weighted[product]).fill_null(0)
    # Said, so that every engine knows it: a file of it has other bytes.
    never_null = weighted.customer.type().copy(nullable=False)
    customers = weighted.group_by(customer=weighted.customer.cast(never_null))
    return customers.aggregate(**bits).order_by("customer")


def renamed_products(history: History, products: list[str]) -> list[str]:
    """Months in which nearly all owners of a product changed over to another one, a sentence each.

    What looks like a product that all gave up, and one that they all added, is one product under
    another name: the models would learn it as both.
    """
    pairs = with_predecessor(history.present)[:, None]
    gains, losses = added(history.held, pairs), dropped(history.held, pairs)
    found = []
    months = int(np.bitwise_or.reduce(history.present)).bit_length()
    for lag in range(months - 1, 0, -1):
        lost, gained = bit(losses, lag).astype(bool), bit(gains, lag).astype(bool)
        owners = (bit(history.held, lag + 1).astype(bool) & bit(pairs, lag).astype(bool)).sum(
            axis=0
        )
        for product in np.flatnonzero(lost.sum(axis=0) >= _RENAMED * np.maximum(owners, _FEWEST)):
            changed = (gained & lost[:, [product]]).sum(axis=0)
            successor = int(changed.argmax())
            if changed[successor] >= _RENAMED * owners[product]:
                month = history.last[0] - (lag - 1)
                found.append(
                    f"in {month}, {lost[:, product].sum():,} of {owners[product]:,} owners gave up "
                    f"{products[product]} and {changed[successor]:,} of them added "
                    f"{products[successor]}: was the product renamed?"
                )
    return found


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("split", Split)
    schema = params.load("schema", Schema)
    engine = connect()
    rows = engine.table(paths.CLEAN)
    months = engine.collect(rows.select("month").distinct().order_by("month"))["month"].to_pylist()
    quality = json.loads(Path(paths.QUALITY).read_text(encoding="utf-8"))
    chosen = Windows.of(windows(months, settings), settings.lookback_months, quality["warnings"])
    with atomic(paths.HISTORY) as target:
        engine.write(month_bits(rows, chosen.dates, schema), target)
        history = History.read(target, list(schema.products), chosen.last)
        if not history.additions().any():
            raise InputError(
                f"{paths.CLEAN}: no customer adds a product in the test month {chosen.test[0]}, so "
                "nothing can be measured; choose another split.test in params.yaml"
            )
    renamed = renamed_products(history, list(schema.products))
    for line in renamed:
        print(f"note: {line}", file=sys.stderr)
    replace(chosen, warnings=(*chosen.warnings, *renamed)).write()


if __name__ == "__main__":
    run(main)

"""What makes ingest refuse a file: damage, unfit columns, repeated keys; each in one sentence."""

from itertools import pairwise
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pyarrow.parquet as pq

from src.engine import Engine, UnreadableError
from src.errors import InputError
from src.tables.cells import reason, rejects, unfit
from src.tables.columns import Column, Columns, identity, of_kind


def check_values(
    engine: Engine, rows: ir.Table, columns: Columns, source: str, max_rejected_share: float
) -> None:
    """Refuse a file that is damaged, has unfit columns or too many rows to reject.

    `rows` are the raw columns as text; `source` is what the user calls the file.
    """
    faults = unfit(rows, columns)
    sums = {f"unfit {number}": bad.sum() for number, bad in enumerate(faults.values())}
    # The engine looks at the bytes of a column only where it is used.
    sums |= {f"read {one.raw}": rows[one.raw].count() for one in of_kind(columns, "category")}
    totals = rows.aggregate(rows=rows.count(), rejected=reason(rows, columns).count(), **sums)
    try:
        (counts,) = engine.collect(totals).to_pylist()
    except UnreadableError as error:
        raise InputError(f"{error.where or source} {error.fault}") from None
    own = identity(columns).raw
    for number, (column, bad) in enumerate(faults.items()):
        count = counts[f"unfit {number}"]
        if not count:
            continue
        want = "a date such as 2016-05-28" if column.kind == "date" else "0 or 1"
        names = ["customer", "value"]
        cells = [rows[name].cast("string").fill_null("") for name in (own, column.raw)]
        bad_rows = rows.filter(bad).select(**dict(zip(names, cells, strict=True)))
        (example,) = engine.collect(bad_rows.order_by(names).limit(1)).to_pylist()
        raise InputError(
            f"{source}: column {column.raw} is not {want} in {_rows(count)} (for example "
            f"'{example['value']}' of {own} {example['customer']}); correct the file"
        )
    if counts["rejected"] > max_rejected_share * counts["rows"]:
        (first,) = engine.collect(rejects(rows, columns).limit(1)).to_pylist()
        raise InputError(
            f"{source}: {counts['rejected']:,} of {_rows(counts['rows'])} cannot be read (for "
            f"example {first['reason']}), more than ingest.max_rejected_share "
            f"({max_rejected_share}) allows; correct the file"
        )


def check_keys(path: Path, owner: Column, date: Column, source: str) -> dict[str, object]:
    """Check the keys of a table that is sorted by them: one row per customer and month.

    Returns
    -------
    dict
        customers, months, first_month, last_month.

    Raises
    ------
    InputError
        No row, a customer twice in a month, a single month, or two dates in one month.
    """
    customers, twice, example = 0, 0, ""
    months: set[np.datetime64] = set()
    last = None  # the last row of the batch before
    for batch in pq.ParquetFile(path).iter_batches(columns=[owner.name, date.name]):
        customer = batch[owner.name].to_numpy(zero_copy_only=False)
        month = batch[date.name].to_numpy(zero_copy_only=False)
        months.update(np.unique(month))
        if last is not None:
            customer = np.concatenate([last[0], customer])
            month = np.concatenate([last[1], month])
        same = customer[1:] == customer[:-1]
        customers += int(np.count_nonzero(~same)) + (last is None)
        repeats = np.flatnonzero(same & (month[1:] == month[:-1]))
        if len(repeats) and not twice:
            example = f"{customer[repeats[0]]}, {month[repeats[0]]}"
        twice += len(repeats)
        last = customer[-1:], month[-1:]
    if last is None:
        raise InputError(f"{source} has no readable row below its header; get the file again")
    if twice:
        raise InputError(
            f"{source}: {_rows(twice)} repeat the {owner.raw} and {date.raw} of another (for "
            f"example {example}); keep one row per customer and month"
        )
    ordered = sorted(months)
    if len(ordered) == 1:
        raise InputError(
            f"{source}: column {date.raw} is {ordered[0]} in every row, but an addition can "
            "only be seen between two months; add the snapshots of other months"
        )
    for earlier, later in pairwise(ordered):
        if earlier.astype("datetime64[M]") == later.astype("datetime64[M]"):
            raise InputError(
                f"{source}: column {date.raw} has two dates in one month, {earlier} and "
                f"{later}; give all rows of a monthly snapshot the same date"
            )
    return {
        "customers": customers,
        "months": len(ordered),
        "first_month": str(ordered[0]),
        "last_month": str(ordered[-1]),
    }


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"

"""What makes ingest refuse a file: damage, unfit columns, repeated keys; each in one sentence."""

import re
from itertools import pairwise
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pyarrow.parquet as pq

from src.engine import EngineError
from src.errors import InputError
from src.products.cells import reason, rejects, unfit
from src.products.schema import Schema


def check_values(rows: ir.Table, schema: Schema, source: str, max_rejected_share: float) -> None:
    """Refuse a file that is damaged, has unfit columns or too many rows to reject.

    `rows` are the raw columns as text; `source` is what the user calls the file.
    """
    faults = unfit(rows, schema)
    sums = {f"unfit {number}": bad.sum() for number, bad in enumerate(faults.values())}
    # The engine looks at the bytes of a column only where it is used.
    sums |= {f"read {name}": rows[name].count() for name in schema.categorical.values()}
    try:
        counts = (
            rows.aggregate(rows=rows.count(), rejected=reason(rows, schema).count(), **sums)
            .to_pyarrow()
            .to_pylist()[0]
        )
    except EngineError as error:
        raise InputError(_damage(str(error), source)) from None
    for number, (column, bad) in enumerate(faults.items()):
        count = counts[f"unfit {number}"]
        if not count:
            continue
        want = "a date such as 2016-05-28" if column == schema.month else "0 or 1"
        names = ["customer", "value"]
        cells = [rows[name].cast("string").fill_null("") for name in (schema.id, column)]
        bad_rows = rows.filter(bad).select(**dict(zip(names, cells, strict=True)))
        example = bad_rows.order_by(names).limit(1).to_pyarrow().to_pylist()[0]
        raise InputError(
            f"{source}: column {column} is not {want} in {_rows(count)} (for example "
            f"'{example['value']}' of {schema.id} {example['customer']}); correct the file"
        )
    if counts["rejected"] > max_rejected_share * counts["rows"]:
        first = rejects(rows, schema).limit(1).to_pyarrow().to_pylist()[0]["reason"]
        raise InputError(
            f"{source}: {counts['rejected']:,} of {_rows(counts['rows'])} cannot be read (for "
            f"example {first}), more than ingest.max_rejected_share ({max_rejected_share}) allows; "
            "correct the file"
        )


def check_keys(path: Path, schema: Schema, source: str) -> dict[str, object]:
    """Check customers and months of the sorted table; count them.

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
    for batch in pq.ParquetFile(path).iter_batches(columns=["customer", "month"]):
        customer = batch["customer"].to_numpy(zero_copy_only=False)
        month = batch["month"].to_numpy(zero_copy_only=False)
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
            f"{source}: {_rows(twice)} repeat the {schema.id} and {schema.month} of another (for "
            f"example {example}); keep one row per customer and month"
        )
    ordered = sorted(months)
    if len(ordered) == 1:
        raise InputError(
            f"{source}: column {schema.month} is {ordered[0]} in every row, but an addition can "
            "only be seen between two months; add the snapshots of other months"
        )
    for earlier, later in pairwise(ordered):
        if earlier.astype("datetime64[M]") == later.astype("datetime64[M]"):
            raise InputError(
                f"{source}: column {schema.month} has two dates in one month, {earlier} and "
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


def _damage(report: str, source: str) -> str:
    """Say in one sentence what the engine's long report says about a file."""
    file = re.search(r"^\s*file = (.+)$", report, re.MULTILINE)
    line = re.search(r"Line: (\d+)\s+Original Line: (.*)", report)
    width = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", report)
    where = file[1] if file else source
    if line:
        where += f", line {line[1]}"
    if width:
        where += f" ({width[2]} columns instead of {width[1]})"
    text = f": '{line[2][:60]}…'" if line else f": {report.splitlines()[0]}"
    if "not utf-8" in report:
        return f"{where} is not UTF-8{text}; save the file as UTF-8"
    return f"{where} is cut short or damaged{text}; get the file again"

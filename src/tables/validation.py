"""What makes ingest refuse a file: damage, unfit columns, repeated keys; each in one sentence."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pyarrow.parquet as pq

from src import parts
from src.engine import Engine, UnreadableError
from src.errors import InputError
from src.tables.cells import FIRST_YEAR, misspelt, reason, rejects, unfit
from src.tables.columns import Column, Columns, identity, of_kind
from src.tables.continuity import check_continuity
from src.tables.spelling import HELD, NOT_HELD


def check_values(
    engine: Engine,
    rows: ir.Table,
    columns: Columns,
    source: str,
    max_rejected_share: float,
    params_file: str = "params.yaml",
) -> None:
    """Refuse a table that is damaged, has unfit columns or too many rows to reject.

    `rows` are the raw columns as text; `source` is what the user calls the file.
    """
    own = identity(columns)
    faults = [(column, bad, _wanted(column)) for column, bad in unfit(rows, columns).items()]
    faults.append((own, misspelt(rows, own), ""))
    sums = {f"unfit {number}": rows.count(where=bad) for number, (_, bad, _) in enumerate(faults)}
    # The engine looks at the bytes of a column only where it is used.
    sums |= {f"read {one.raw}": rows[one.raw].count() for one in of_kind(columns, "category")}
    totals = rows.aggregate(rows=rows.count(), rejected=reason(rows, columns).count(), **sums)
    try:
        (counts,) = engine.collect(totals).to_pylist()
    except UnreadableError as error:
        raise InputError(f"{error.where or source} {error.fault}") from None
    for number, (column, bad, wanted) in enumerate(faults):
        count = counts[f"unfit {number}"]
        if not count:
            continue
        names = ["customer", "value"]
        cells = [rows[name].cast("string").fill_null("") for name in (own.raw, column.raw)]
        bad_rows = rows.filter(bad).select(**dict(zip(names, cells, strict=True)))
        (example,) = engine.collect(bad_rows.order_by(names).limit(1)).to_pylist()
        if column == own:
            raise InputError(
                f"{source}: column {own.raw} holds ids in {_rows(count)} that are not spelt as the "
                f"number they are, or have lost digits (for example '{example['value']}'); set "
                f"schema.id_type: string in {params_file}, and export ids as text"
            )
        raise InputError(
            f"{source}: column {column.raw} is not {wanted} in {_rows(count)} (for example "
            f"'{example['value']}' of {own.raw} {example['customer']}); correct the file"
        )
    if counts["rejected"] > max_rejected_share * counts["rows"]:
        (first,) = engine.collect(rejects(rows, columns).limit(1)).to_pylist()
        raise InputError(
            f"{source}: {counts['rejected']:,} of {_rows(counts['rows'])} cannot be read (for "
            f"example {first['reason']}), more than ingest.max_rejected_share "
            f"({max_rejected_share}) allows; {_cure(first['reason'])}"
        )


def _wanted(column: Column) -> str:
    if column.kind == "date":
        return "a date such as 2016-05-28"
    words = [f"{yes}/{no}" for yes, no in zip(HELD, NOT_HELD, strict=True)]
    return f"a flag ({', '.join(words)})"


def _cure(example: str) -> str:
    """Advice about unreadable rows, based on one of them."""
    value = example.rpartition(": ")[2]
    if "is not a date" in example:
        return "export dates as 2016-05-28, or 2016-05-28 12:33:10"
    if "is in no possible year" in example:
        if re.fullmatch(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{1,2}", value):
            return "years are written with two digits: export dates as 2016-05-28"
        return f"correct the dates (years from {FIRST_YEAR} on)"
    if re.fullmatch(r"[+-]?[\d.]*\d,\d+", value):
        return "numbers have a decimal comma: export them with a decimal point"
    return "correct the file"


def check_keys(
    path: Path, owner: Column, date: Column, source: str, min_stay_share: float
) -> dict[str, object]:
    """Check the keys of a table that is sorted by them: one row per customer and month.

    Returns
    -------
    dict
        customers, months, first_month, last_month, and the warnings of `check_continuity`.

    Raises
    ------
    InputError
        No row, a customer twice in a month, a single month, several dates in one month, or months
        that do not follow each other.
    """
    customers, twice, example = 0, 0, ""
    rows: Counter[np.datetime64] = Counter()  # by date
    stayed: Counter[np.datetime64] = Counter()  # by month
    last = None  # the last row of the batch before
    batches = (
        batch
        for file in parts.files(path)
        for batch in pq.ParquetFile(file).iter_batches(columns=[owner.name, date.name])
    )
    for batch in batches:
        customer = batch[owner.name].to_numpy(zero_copy_only=False)
        month = batch[date.name].to_numpy(zero_copy_only=False)
        rows.update(dict(zip(*np.unique(month, return_counts=True), strict=True)))
        if last is not None:
            customer = np.concatenate([last[0], customer])
            month = np.concatenate([last[1], month])
        same = customer[1:] == customer[:-1]
        customers += int(np.count_nonzero(~same)) + (last is None)
        repeats = np.flatnonzero(same & (month[1:] == month[:-1]))
        if len(repeats) and not twice:
            example = f"{customer[repeats[0]]}, {month[repeats[0]]}"
        twice += len(repeats)
        calendar = month.astype("datetime64[M]")
        follows = same & (calendar[1:] == calendar[:-1] + 1)
        stayed.update(dict(zip(*np.unique(calendar[1:][follows], return_counts=True), strict=True)))
        last = customer[-1:], month[-1:]
    if last is None:
        raise InputError(f"{source} has no readable row below its header; get the file again")
    if twice:
        raise InputError(
            f"{source}: {_rows(twice)} repeat the {owner.raw} and {date.raw} of another (for "
            f"example {example}); keep one row per customer and month"
        )
    ordered = sorted(rows)
    if len(ordered) == 1:
        raise InputError(
            f"{source}: column {date.raw} is {ordered[0]} in every row, but an addition can "
            "only be seen between two months; add the snapshots of other months"
        )
    for earlier, later in pairwise(ordered):
        if earlier.astype("datetime64[M]") == later.astype("datetime64[M]"):
            raise InputError(
                f"{source}: column {date.raw} has {_dates(ordered, earlier)}; keep one snapshot a "
                "month, and give all its rows one date in that month"
            )
    by_month = {date.astype("datetime64[M]"): count for date, count in sorted(rows.items())}
    return {
        "customers": customers,
        "months": len(ordered),
        "first_month": str(ordered[0]),
        "last_month": str(ordered[-1]),
        "warnings": check_continuity(by_month, stayed, min_stay_share, source),
    }


def _dates(ordered: list[np.datetime64], example: np.datetime64) -> str:
    month = example.astype("datetime64[M]")
    own = [str(date) for date in ordered if date.astype("datetime64[M]") == month]
    shown = ", ".join(own[:3]) + (", …" if len(own) > 3 else "")
    count = len({date.astype("datetime64[M]") for date in ordered})
    months = f"{count} month{'s' if count > 1 else ''}"
    return f"{len(ordered)} dates in {months} ({len(own)} of them in {month}: {shown})"


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"

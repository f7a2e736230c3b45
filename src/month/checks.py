"""Does a new month look like the months before it? Checked before anything is changed."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import pandas as pd

from src.engine import Engine
from src.errors import InputError
from src.month.settings import Month
from src.products import paths
from src.products.schema import Schema
from src.tables import raw
from src.tables.months import month_of

_UNREADABLE = 0.01  # share of a month's rows; the pipeline's own limit is ingest.max_rejected_share
_NEW_SPELLINGS = (0.001, 0.05)  # shares of rows from which on they are a warning, an error

# The spread of a share is at least this, and this part of its largest value: months that are all
# alike would otherwise allow nothing.
_Slack = tuple[float, float]
_OF_MISSING: _Slack = (0.02, 0.2)
_OF_OWNERS: _Slack = (0.002, 0.1)
_OF_CHANGES: _Slack = (0.001, 0.5)
_OF_CUSTOMERS: _Slack = (0.03, 0.0)


@dataclass(frozen=True)
class Finding:
    """Something about a month, as a sentence; an error refuses it."""

    severity: Literal["error", "warning"]
    sentence: str


@dataclass(frozen=True)
class Checked:
    """A month that passed.

    Attributes
    ----------
    month : str
        ``2016-06``.
    customers : int
    warnings : list of str
    """

    month: str
    customers: int
    warnings: list[str]


def check(engine: Engine, file: str, schema: Schema, settings: Month) -> Checked:
    """Read a new month's raw file, and compare it with the months that ingest has read.

    Raises
    ------
    InputError
        The file cannot be read, does not hold exactly the month that follows, or does not look
        like the months before it; the message names everything that was found.
    """
    if not Path(paths.SNAPSHOTS).exists():
        raise InputError(
            f"{paths.SNAPSHOTS} is missing: run 'dvc repro' or 'dvc pull' first, so that there are "
            "months to compare with"
        )
    known = engine.table(paths.SNAPSHOTS)
    columns = schema.columns
    with tempfile.TemporaryDirectory(prefix=".month-", dir=Path(paths.SNAPSHOTS).parent) as folder:
        table, rejected = Path(folder) / "table.parquet", Path(folder) / "rejected.parquet"
        advice = "name the new month's raw file: make month FILE=…"
        order = [column.name for column in columns[:2]]
        loaded = raw.load(engine, file, columns, order, _UNREADABLE, table, rejected, advice)
        new = engine.table(table)
        dates = _dates(engine, known)
        date = _only_month(engine, new, dates, file)
        recent = dates[-settings.lookback :]
        before = known.filter(known.month.isin(recent))
        findings = [
            *_once_each(engine, new, schema, file),
            *_levels(engine, before, new, schema, settings),
            *_movements(engine, before, new, recent, schema, settings),
            *_spellings(engine, before, new, schema),
        ]
    errors = [one.sentence for one in findings if one.severity == "error"]
    warnings = [one.sentence for one in findings if one.severity == "warning"]
    if errors:
        shown = "".join(f"\n- {sentence}" for sentence in [*errors, *warnings])
        raise InputError(
            f"{file} does not look like the months before it, and nothing was changed:{shown}\n"
            f"If it is right nevertheless, raise month.refuse_beyond in pipelines/month/params.yaml"
        )
    if loaded.rejected:
        warnings.append(f"{loaded.rejected:,} rows of {file} cannot be read and are set aside")
    return Checked(str(month_of(date)), loaded.rows, warnings)


def judged(
    said: str,
    share: float,
    earlier: Iterable[float],
    customers: int,
    slack: _Slack,
    settings: Month,
    shown: str,
) -> list[Finding]:
    """Compare a share of the customers with what it was in earlier months; none or one finding.

    Parameters
    ----------
    said : str
        What it is the share of.
    earlier : iterable of float
    customers : int
        Of the new month: of few customers, a share varies by chance.
    slack : tuple of float
    settings : Month
    shown : str
        Format of a share, such as ``.1%``.
    """
    values = list(earlier)
    low, high = min(values), max(values)
    least, part = slack
    by_chance = 2 * (max(high * (1 - high), 1 / customers) / customers) ** 0.5  # standard errors
    spread = max(high - low, least, part * high, by_chance)
    beyond = max(low - share, share - high) / spread
    if beyond <= settings.warn_beyond:
        return []
    severity: Literal["error", "warning"] = (
        "error" if beyond > settings.refuse_beyond else "warning"
    )
    count = f"{len(values)} months before" if len(values) > 1 else "month before"
    between = f"{low:{shown}} … {high:{shown}}" if low != high else f"{low:{shown}}"
    return [Finding(severity, f"{said}: {share:{shown}}; in the {count} {between}")]


def _dates(engine: Engine, rows: ir.Table) -> list[Any]:
    found = engine.collect(rows.select("month").distinct().order_by("month"))
    return [date for date in found["month"].to_pylist() if date is not None]


def _only_month(engine: Engine, new: ir.Table, known: list[Any], file: str) -> Any:
    """The date of the file's only month, the one that follows those known."""
    dates = _dates(engine, new)
    wanted = month_of(known[-1]) + 1
    if len(dates) != 1:
        found = ", ".join(map(str, dates[:3])) + (", …" if len(dates) > 3 else "")
        raise InputError(
            f"{file} holds {len(dates)} months ({found}): give the snapshot of {wanted} alone"
        )
    month = month_of(dates[0])
    if month < wanted:
        raise InputError(f"{file} holds {month}, which is there already; {wanted} is next")
    if month > wanted:
        raise InputError(f"{file} holds {month}, but {wanted} is missing: take that month in first")
    return dates[0]


def _once_each(engine: Engine, new: ir.Table, schema: Schema, file: str) -> list[Finding]:
    twice = new.group_by("customer").aggregate(rows=new.count()).filter(ibis._.rows > 1)
    found = engine.collect(twice.order_by("customer").limit(1))
    if not found.num_rows:
        return []
    count = engine.collect(twice.aggregate(count=twice.count()))["count"][0].as_py()
    return [
        Finding(
            "error",
            f"{file}, column {schema.id}: {count:,} customers are there more than once, for "
            f"example {found['customer'][0].as_py()}",
        )
    ]


def _levels(
    engine: Engine, before: ir.Table, new: ir.Table, schema: Schema, settings: Month
) -> list[Finding]:
    """Missing values by column, and owners by product, as shares of the customers."""
    raw_names = {**schema.numeric, **schema.categorical}

    def measure(rows: ir.Table) -> pd.DataFrame:
        missing = {f"missing {name}": 1 - rows[name].count() / rows.count() for name in raw_names}
        owners = {
            f"owners {name}": rows[name].fill_null(False).cast("int8").mean()
            for name in schema.products
        }
        grouped = (
            rows.group_by("month")
            .aggregate(customers=rows.count(), **missing, **owners)
            .order_by("month")
        )
        return pd.DataFrame(engine.collect(grouped).to_pandas())

    earlier, now = measure(before), measure(new).iloc[0]
    size = int(now["customers"])
    findings = []
    for name, column in raw_names.items():
        key = f"missing {name}"
        said = f"column {column} has no value"
        findings += judged(said, now[key], earlier[key], size, _OF_MISSING, settings, ".1%")
    for name, title in schema.products.items():
        key, said = f"owners {name}", f"column {name}, owners of {title.en}"
        findings += judged(said, now[key], earlier[key], size, _OF_OWNERS, settings, ".2%")
    return findings


def _movements(
    engine: Engine,
    before: ir.Table,
    new: ir.Table,
    dates: list[Any],
    schema: Schema,
    settings: Month,
) -> list[Finding]:
    """Customers who come and stay, and products added and dropped, from month to month."""
    names = list(schema.products)
    months = [before.filter(before.month == date).select("customer", *names) for date in dates]
    rows = [_moved(engine, *pair, names) for pair in pairwise([*months, new])]
    earlier, now = pd.DataFrame(rows[:-1]), rows[-1]
    if earlier.empty:
        return []
    size = int(now["customers"])
    findings = []
    for key, said in (
        ("size", "customers, compared with the month before"),
        ("stay", "customers of the month before who are still there"),
    ):
        findings += judged(said, now[key], earlier[key], size, _OF_CUSTOMERS, settings, ".1%")
    for name, title in schema.products.items():
        for key, verb in (("add", "who add"), ("drop", "who drop")):
            said = f"column {name}, customers {verb} {title.en}"
            own = earlier[f"{key} {name}"]
            share = now[f"{key} {name}"]
            findings += judged(said, share, own, size, _OF_CHANGES, settings, ".2%")
    return findings


def _moved(engine: Engine, before: ir.Table, after: ir.Table, names: list[str]) -> dict[str, float]:
    """Sizes of two months, and shares of the customers of both who add or drop each product."""
    then = before.select("customer", **{f"then {name}": before[name] for name in names})
    both = then.join(after.select("customer", *names), "customer")
    had = {name: both[f"then {name}"].fill_null(False) for name in names}
    has = {name: both[name].fill_null(False) for name in names}
    sums = both.aggregate(
        stayed=both.count(),
        **{f"add {name}": (has[name] & ~had[name]).sum() for name in names},
        **{f"drop {name}": (had[name] & ~has[name]).sum() for name in names},
    )
    found = engine.collect(sums).to_pylist()[0]
    sizes = [
        engine.collect(rows.aggregate(size=rows.count()))["size"][0].as_py()
        for rows in (before, after)
    ]
    stayed = found.pop("stayed")
    changes = {name: (count or 0) / max(stayed, 1) for name, count in found.items()}
    return {
        "customers": sizes[1],
        "size": sizes[1] / max(sizes[0], 1),
        "stay": stayed / max(sizes[0], 1),
        **changes,
    }


def _spellings(engine: Engine, before: ir.Table, new: ir.Table, schema: Schema) -> list[Finding]:
    """Values of categories that no earlier month has."""
    findings = []
    total = engine.collect(new.aggregate(rows=new.count()))["rows"][0].as_py()
    for name, column in schema.categorical.items():
        known = engine.collect(before.select(value=before[name].cast("string")).distinct())
        counted = new.select(value=new[name].cast("string")).group_by("value")
        table = engine.collect(counted.aggregate(rows=ibis._.count())).to_pandas().dropna()
        unseen = table[~table["value"].isin(known["value"].to_pylist())]
        share = unseen["rows"].sum() / max(total, 1)
        if share > _NEW_SPELLINGS[0]:
            example = unseen.sort_values(["rows", "value"], ascending=[False, True])["value"].iloc[
                0
            ]
            findings.append(
                Finding(
                    "error" if share > _NEW_SPELLINGS[1] else "warning",
                    f"column {column}: {int(unseen['rows'].sum()):,} customers have a value that "
                    f"no earlier month has, for example '{example}'",
                )
            )
    return findings

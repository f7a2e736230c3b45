"""clean: from what the bank has recorded to the payments that clients have made.

Rows are taken out in this order, each for the first reason that applies:

1. Equal rows: every mapped column says the same. One of them stays (`Clean.drop_equal_rows`).
2. Rows after the last day. ``auto`` is the latest day that has at least a twentieth of the rows of
   a usual day, which is the median over all days that have any. It depends on the file alone, not
   on the day of the run.
3. Payments of nothing: the amount is zero.
4. Refunds, and the payments that they cancel. A refund cancels the latest payment before it of the
   same client, provider and amount that no other refund has cancelled; on the same day or time,
   payments come first. Providers are compared as the file names them, all missing ones as one. A
   refund without such a payment is dropped alone.

What stays keeps its client, day and amount; the provider of an unknown one, or of one that stands
in for others, becomes null, for the client was active but it is not known whom they paid.

For 4, let the rows of one client, provider and amount stand in their order, and S(i) be the number
of payments less that of refunds among the first i of them. As with brackets, a payment i is
cancelled if a later j has S(j) < S(i), and a refund i finds a payment if S(i) >= 0 or an earlier j
has S(j) <= S(i).
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis import _
from pydantic import field_validator

from src import params
from src.engine import Engine, connect
from src.errors import InputError, run
from src.payments import paths
from src.payments.schema import PARAMS, Schema
from src.reporting import atomic, write_json

Found = tuple[str, str | None]  # a kind of count and a value
_USUAL = 0.05  # of the rows of a usual day
FATES = ("after_last_day", "zero", "refunded", "refund", "refund_alone")  # why a row is taken out
_PAIR = ["client", "paid_to", "size"]  # what a refund has in common with its payment


class Clean(params.Section):
    """Parameters of the stage."""

    drop_equal_rows: bool
    last_day: str
    unknown: list[str]
    aggregators: list[str]

    @field_validator("last_day")
    @classmethod
    def _auto_or_a_date(cls, text: str) -> str:
        try:
            return text if text == "auto" else str(datetime.date.fromisoformat(text))
        except ValueError:
            raise ValueError('should be auto, or a date in quotes such as "2025-08-31"') from None

    @property
    def no_payees(self) -> list[str]:
        """Providers who are not those who were paid."""
        return [*self.unknown, *self.aggregators]


def last_day(daily: pa.Table) -> datetime.date:
    """Find the last day of the stream itself, see above.

    Parameters
    ----------
    daily : Table
        day and rows of each day that has any, by day.
    """
    rows = daily["rows"].to_numpy()
    days: list[datetime.date] = daily["day"].to_pylist()
    return days[int(np.flatnonzero(rows >= _USUAL * np.median(rows))[-1])]


def judged(rows: ir.Table, schema: Schema, last: datetime.date) -> ir.Table:
    """Say of each row why it is no payment that was made.

    Parameters
    ----------
    rows : Table
        As ingest writes them: all rows of some clients.

    Returns
    -------
    Table
        The same rows, the amounts of payments positive; ``fate`` is null for a payment that was
        made, and one of ``after_last_day``, ``zero``, ``refunded``, ``refund`` (with its payment)
        and ``refund_alone`` for the others.
    """
    amount = -rows.amount if schema.paid == "negative" else rows.amount
    signed = rows.mutate(amount=amount, paid_to=rows.provider.fill_null(""), size=amount.abs())
    out = ibis.cases((signed.date.date() > last, "after_last_day"), (signed.amount == 0, "zero"))
    signed = signed.mutate(fate=out)
    taken, left = signed.filter(out.notnull()), signed.filter(out.isnull())
    # Few clients have refunds of few payments: only these have to be put in an order.
    with_refunds = left.filter(left.amount < 0).select(_PAIR).distinct()
    others = left.anti_join(with_refunds, _PAIR)
    matched = _matched(left.semi_join(with_refunds, _PAIR), rows.columns)
    return ibis.union(taken, others, matched.select(taken.columns)).drop("paid_to", "size")


def _matched(rows: ir.Table, columns: Sequence[str]) -> ir.Table:
    """Give refunds and payments of the same pairs and amounts their fates."""
    is_refund = rows.amount < 0
    others = [name for name in columns if name not in {"client", "date", "amount"}]
    in_order = {"group_by": _PAIR, "order_by": ["date", is_refund, *others]}
    steps = ibis.ifelse(is_refund, -1, 1)
    rows = rows.mutate(balance=steps.sum().over(ibis.window(rows=(None, 0), **in_order)))
    later = rows.balance.min().over(ibis.window(rows=(1, None), **in_order))
    earlier = rows.balance.min().over(ibis.window(rows=(None, -1), **in_order)).coalesce(0)
    fate = ibis.cases(
        (is_refund & (rows.balance >= ibis.least(earlier, 0)), "refund"),
        (is_refund, "refund_alone"),
        (later < rows.balance, "refunded"),
    )
    return rows.mutate(fate=fate)


def made(fates: ir.Table, settings: Clean) -> ir.Table:
    """Keep the payments that were made, by day; see `clean`."""
    rows = fates.filter(fates.fate.isnull()).drop("fate")
    is_payee = rows.provider.notnull() & rows.provider.notin(settings.no_payees)
    columns = {name: rows[name] for name in rows.columns}
    for name in ("provider", "name"):
        if name in columns:
            columns[name] = ibis.ifelse(is_payee, rows[name], ibis.null("string"))
    return rows.select(**columns | {"date": rows.date.date()})


def count(engine: Engine, different: ir.Table, fates: ir.Table, settings: Clean) -> Counter[Found]:
    """Count what was found in a table that `judged` has been through.

    Parameters
    ----------
    different : Table
        The rows that are different, and how many times each was there: ``times``.
    """
    stay = fates.filter(fates.fate.isnull())
    no_payee = stay.filter(stay.provider.isnull() | stay.provider.isin(settings.no_payees))
    sizes = different.aggregate(rows=different.times.sum(), different=different.count())
    (told,) = engine.collect(sizes).to_pylist()
    counts: Counter[Found] = Counter({(kind, None): size or 0 for kind, size in told.items()})
    for kind, column in ("fate", fates.fate), ("no payee", no_payee.provider):
        for value in engine.collect(column.value_counts(name="rows")).to_pylist():
            counts[kind, value[column.get_name()]] = value["rows"]
    return counts


def cleaned(
    engine: Engine,
    runs: Iterable[ir.Table],
    schema: Schema,
    settings: Clean,
    last: datetime.date,
    counts: Counter[Found],
) -> Iterator[ir.Table]:
    """Clean a table in chunks that never split a client.

    Parameters
    ----------
    counts : Counter
        What `count` finds is added to it.
    """
    for rows in runs:
        with engine.cached(rows.group_by(*rows.columns).aggregate(times=_.count())) as different:
            kept = different.drop("times") if settings.drop_equal_rows else rows
            with engine.cached(judged(kept, schema, last)) as fates:
                counts.update(count(engine, different, fates, settings))
                yield made(fates, settings)


def clean(schema: Schema, settings: Clean) -> dict[str, object]:
    """Write the payments that were made, sorted by client and day, then by all other columns.

    Writes `paths.CLEAN` (client, date as a day, provider and attributes as text, amount as float64,
    positive): provider and name are null where it is not known who was paid, amount and attributes
    where nothing is given.

    Returns
    -------
    dict
        rows; equal_rows found and dropped; the last day; rows taken out by fate, see `judged`;
        payments that were made; how many of these are without a provider, by the one they had.

    Raises
    ------
    InputError
        No payment is left.
    """
    engine = connect()
    rows = engine.table(paths.PAYMENTS)
    if settings.last_day == "auto":
        daily = rows.group_by(day=rows.date.date()).aggregate(rows=rows.count()).order_by("day")
        last = last_day(engine.collect(daily))
    else:
        last = datetime.date.fromisoformat(settings.last_day)
    counts: Counter[Found] = Counter()
    with atomic(paths.CLEAN) as target:
        runs = cleaned(
            engine, engine.runs(paths.PAYMENTS, "client"), schema, settings, last, counts
        )
        engine.write_runs(runs, target, order=rows.columns)
        found = repairs(counts, settings, last)
        if not found["payments"]:
            raise InputError(
                f"{paths.PAYMENTS}: of {found['rows']:,} rows none is a payment until {last}; see "
                f"clean.last_day in {PARAMS}"
            )
    return found


def repairs(counts: Counter[Found], settings: Clean, last: datetime.date) -> dict[str, object]:
    """Bring the counts into the form that `clean` returns."""
    repeats = counts["rows", None] - counts["different", None]
    return {
        "rows": counts["rows", None],
        "equal_rows": {"found": repeats, "dropped": repeats if settings.drop_equal_rows else 0},
        "last_day": str(last),
        **{fate: counts["fate", fate] for fate in FATES},
        "payments": counts["fate", None],
        "without_provider": {
            "missing": counts["no payee", None],
            "unknown": {name: counts["no payee", name] for name in settings.unknown},
            "aggregators": {name: counts["no payee", name] for name in settings.aggregators},
        },
    }


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("clean", Clean, PARAMS)
    schema = params.load("schema", Schema, PARAMS)
    write_json(paths.REPAIRS, clean(schema, settings))


if __name__ == "__main__":
    run(main)

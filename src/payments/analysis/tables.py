"""The tables behind the analysis: the engine counts payments, pandas arranges the counts.

Payments of one client to one provider on one day are one *visit*. Gaps, and what is new, are
counted in visits; all else in payments.
"""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from src.engine import Engine, connect
from src.payments.providers.regions import herfindahl
from src.payments.schema import Schema

INTERRUPTION = 7  # days without any payment: the stream is interrupted, it is not a holiday
MEMORY = 183  # days before a month that must be known to tell what is new in it
EARLY = 90  # days; pairs begun in the last ones have had little time to be paid again
LEAST_CLIENTS = 10  # of a provider whose clients are told apart by region
REGIONAL, FEDERAL = 0.8, 0.3  # Herfindahl index: from the one on, below the other
KINDS = ("regional", "between", "federal")
BIN = 0.05  # of the Herfindahl index

_PRESENCE = ["provider", "region", "clients", "payments"]


@dataclass(frozen=True)
class Stream:
    """Clean payments, and what most tables begin with.

    Attributes
    ----------
    payments : Table
        As clean writes them.
    visits : Table
        client, provider, date, payments; without payments whose provider is not known.
    pairs : Table
        client, provider, payments, visits, first (date).
    """

    engine: Engine
    schema: Schema
    payments: ir.Table
    visits: ir.Table
    pairs: ir.Table

    @classmethod
    @contextmanager
    def open(cls, path: str | Path, schema: Schema) -> Iterator["Stream"]:
        """Open the table that clean wrote; visits and pairs are counted once, in the engine."""
        engine = connect()
        payments = engine.table(path)
        known = payments.drop_null("provider")
        by_day = known.group_by("client", "provider", "date").aggregate(payments=_.count())
        with engine.cached(by_day) as visits:
            by_pair = visits.group_by("client", "provider").aggregate(
                payments=_.payments.sum(), visits=_.count(), first=_.date.min()
            )
            with engine.cached(by_pair) as pairs:
                yield cls(engine, schema, payments, visits, pairs)

    def collect(self, rows: ir.Table) -> pd.DataFrame:
        """Bring a small result into memory."""
        table: pd.DataFrame = self.engine.collect(rows).to_pandas()
        return table


def days(stream: Stream) -> pd.DataFrame:
    """Payments of each day.

    Returns
    -------
    DataFrame
        date (every one from the first to the last), payments, without_provider (those of them
        whose provider is not known), interrupted (the day is one of `INTERRUPTION` or more in
        succession without payments).
    """
    by_day = stream.payments.group_by("date").aggregate(
        payments=_.count(), without_provider=_.count() - _.provider.count()
    )
    table = stream.collect(by_day).set_index("date")
    calendar = pd.date_range(table.index.min(), table.index.max()).date
    table = table.reindex(calendar, fill_value=0).rename_axis("date").reset_index()
    empty = table["payments"] == 0
    run = (empty != empty.shift()).cumsum()
    table["interrupted"] = empty & (empty.groupby(run).transform("size") >= INTERRUPTION)
    return table


def popularity(stream: Stream) -> pd.DataFrame:
    """How many providers have received how many payments.

    Returns
    -------
    DataFrame
        payments, providers that have received so many each; most payments first.
    """
    by_provider = stream.pairs.group_by("provider").aggregate(payments=_.payments.sum())
    return _sizes(stream, by_provider, "payments", "providers").iloc[::-1].reset_index(drop=True)


def gaps(stream: Stream) -> pd.DataFrame:
    """Days from one visit of a pair to its next.

    Returns
    -------
    DataFrame
        days, gaps (so many of this length).
    """
    visits = stream.visits
    before = visits.date.lag(1).over(ibis.window(group_by=["client", "provider"], order_by="date"))
    between = visits.select(days=visits.date.delta(before, unit="day").cast("int64"))
    return _sizes(stream, between.drop_null("days"), "days", "gaps")


def pairs(stream: Stream, by_day: pd.DataFrame) -> pd.DataFrame:
    """How often pairs of a client and a provider are paid.

    Parameters
    ----------
    by_day : DataFrame
        As `days` makes it.

    Returns
    -------
    DataFrame
        visits, pairs (that have so many), early (those of them whose first visit was `EARLY` days
        or more before the last day).
    """
    latest = by_day["date"].iloc[-1] - datetime.timedelta(days=EARLY)
    table = stream.pairs.group_by("visits").aggregate(
        pairs=_.count(), early=(_.first <= latest).sum()
    )
    return stream.collect(table.order_by("visits"))


def months(stream: Stream, by_day: pd.DataFrame) -> pd.DataFrame:
    """What is new in each month.

    Parameters
    ----------
    by_day : DataFrame
        As `days` makes it.

    Returns
    -------
    DataFrame
        month (its first day), visits, new (those of them to a provider that the client had not
        paid before), nobody (those of the new to a provider whom nobody had paid before), judged
        (all of the `MEMORY` days before the month are known, so that new is new).
    """
    seen = stream.pairs.group_by("provider").aggregate(known=_.first.min())
    first = stream.pairs.select("client", "provider", "first").join(seen, "provider")
    visits = stream.visits.select("client", "provider", "date")
    joined = visits.join(first, ["client", "provider"])
    table = joined.group_by(month=joined.date.truncate("M")).aggregate(
        visits=_.count(),
        new=(_.date == _.first).sum(),
        nobody=(_.date == _.known).sum(),
        last=_.date.max(),
    )
    found = stream.collect(table.order_by("month"))
    ends = zip(found["month"], found.pop("last"), strict=True)
    found["judged"] = [_is_judged(month, last, by_day) for month, last in ends]
    return found


def _is_judged(month: datetime.date, last: datetime.date, by_day: pd.DataFrame) -> bool:
    """Whether the days before a month, and those in it up to the last visit, are all known."""
    begin = month - datetime.timedelta(days=MEMORY)
    window = (by_day["date"] >= begin) & (by_day["date"] <= last)
    return bool(by_day["date"].iloc[0] <= begin and not by_day["interrupted"][window].any())


def clients(stream: Stream) -> pd.DataFrame:
    """How many payments and providers clients have.

    Returns
    -------
    DataFrame
        of ("payments" or "providers"), size (so many), clients.
    """
    paying = stream.payments.group_by("client").aggregate(payments=_.count())
    paid = stream.pairs.group_by("client").aggregate(providers=_.count())
    payments = _sizes(stream, paying, "payments", "clients")
    providers = _sizes(stream, paid, "providers", "clients")
    none = payments["clients"].sum() - providers["clients"].sum()
    if none:
        nobody = pd.DataFrame({"providers": [0], "clients": [none]})  # no provider is known
        providers = pd.concat([nobody, providers], ignore_index=True)
    parts = [
        table.rename(columns={name: "size"}).assign(of=name)[["of", "size", "clients"]]
        for name, table in (("payments", payments), ("providers", providers))
    ]
    return pd.concat(parts, ignore_index=True)


def presence(stream: Stream) -> pd.DataFrame:
    """Clients and payments of each provider by the client's region.

    A client's region is that of the last day on which their payments name one; where they name
    several on that day, the last in the alphabet.

    Returns
    -------
    DataFrame
        provider, region, clients, payments; by provider and region, of the providers who have at
        least `LEAST_CLIENTS` clients whose region is known. Empty if the schema has no region.
    """
    if "region" not in stream.schema.attributes:
        return pd.DataFrame(columns=_PRESENCE)
    named = stream.payments.drop_null("region")
    last = named.group_by("client").aggregate(date=_.date.max())
    on_last = named.select("client", "date", "region").semi_join(last, ["client", "date"])
    home = on_last.group_by("client").aggregate(region=_.region.max())
    joined = stream.pairs.select("client", "provider", "payments").join(home, "client")
    by_region = joined.group_by("provider", "region").aggregate(
        clients=_.count(), payments=_.payments.sum()
    )
    sizes = by_region.group_by("provider").aggregate(all=_.clients.sum())
    large = by_region.semi_join(sizes.filter(sizes["all"] >= LEAST_CLIENTS), "provider")
    return stream.collect(large.order_by("provider", "region"))[_PRESENCE]


def located(presence: pd.DataFrame) -> pd.DataFrame:
    """Where providers are, by their clients.

    Parameters
    ----------
    presence : DataFrame
        As `presence` makes it.

    Returns
    -------
    DataFrame
        provider, payments, herfindahl (see `Regions.herfindahl`), kind (one of `KINDS`), home (the
        region of most of its clients, the first in the alphabet of several).
    """
    counts = presence.pivot_table(
        index="provider", columns="region", values="clients", aggfunc="sum", fill_value=0
    )
    index = herfindahl(counts.to_numpy(dtype=np.int64)).round(
        9
    )  # 0.8 is 0.8, whatever it was computed from
    table = presence.groupby("provider")["payments"].sum().reset_index()
    table["herfindahl"] = index
    table["kind"] = np.select([index >= REGIONAL, index >= FEDERAL], KINDS[:2], KINDS[2])
    most = presence.sort_values(["provider", "clients", "region"], ascending=[True, False, True])
    table["home"] = most.drop_duplicates("provider")["region"].to_numpy()
    return table


def concentration(providers: pd.DataFrame) -> pd.DataFrame:
    """How many providers are concentrated on few regions.

    Parameters
    ----------
    providers : DataFrame
        As `located` makes it.

    Returns
    -------
    DataFrame
        kind, herfindahl (the lower end of a `BIN`; 1 is in the last one), providers, payments, mean
        (index of these providers).
    """
    lower = np.minimum(np.floor(providers["herfindahl"] / BIN + 1e-9), round(1 / BIN) - 1) * BIN
    grouped = providers.assign(lower=lower.round(2)).groupby(["kind", "lower"])
    table = grouped.agg(
        providers=("provider", "size"), payments=("payments", "sum"), mean=("herfindahl", "mean")
    ).reset_index(names=["kind", "herfindahl"])
    return table.sort_values("herfindahl", ignore_index=True, kind="stable")


def places(presence: pd.DataFrame, providers: pd.DataFrame) -> pd.DataFrame:
    """Who pays where.

    Parameters
    ----------
    presence, providers : DataFrame
        As `presence` and `located` make them.

    Returns
    -------
    DataFrame
        region (of the clients), home (of the providers; missing for federal ones, which have
        none), payments.
    """
    homes = providers["home"].where(providers["kind"] != "federal").set_axis(providers["provider"])
    table = presence.assign(home=presence["provider"].map(homes))
    sums = table.groupby(["region", "home"], dropna=False)["payments"].sum()
    return sums.reset_index()


def _sizes(stream: Stream, rows: ir.Table, size: str, counted: str) -> pd.DataFrame:
    """How many rows have each size; by size."""
    table = rows.group_by(size).aggregate(**{counted: _.count()})
    return stream.collect(table.order_by(size))

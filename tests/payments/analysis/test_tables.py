"""Tables of the analysis, from payments that can be counted by hand."""

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from src.payments.analysis import tables
from src.payments.analysis.tables import Stream
from src.payments.schema import Schema
from src.reporting import write_parquet

pytestmark = pytest.mark.usefixtures("workspace")

Payment = tuple[int, str, str | None]  # client, date, provider
DAY = datetime.timedelta(days=1)


def bank(*attributes: str) -> Schema:
    content = {name: name for name in ("id", "date", "amount", "provider")}
    kinds = {"id_type": "integer", "paid": "positive"}
    return Schema.model_validate(content | kinds | {"attributes": {one: one for one in attributes}})


@contextmanager
def opened(payments: list[Payment], regions: list[str | None] | None = None) -> Iterator[Stream]:
    """The stream of some payments, each of 10."""
    client, dates, provider = zip(*payments, strict=True)
    columns: dict[str, pa.Array] = {
        "client": pa.array(client, pa.int64()),
        "date": pa.array([datetime.date.fromisoformat(date) for date in dates]),
        "provider": pa.array(provider, pa.string()),
        "amount": pa.array([10.0] * len(payments)),
    }
    if regions is not None:
        columns["region"] = pa.array(regions, pa.string())
    write_parquet(Path("clean.parquet"), pa.table(columns))
    with Stream.open("clean.parquet", bank(*(["region"] if regions else []))) as stream:
        yield stream


def rows(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in table.itertuples(index=False)]


def of_calendar(first: str, payments: list[int]) -> pd.DataFrame:
    """A table of days with so many payments each; those of 0 are no interruption."""
    start = datetime.date.fromisoformat(first)
    dates = [start + place * DAY for place in range(len(payments))]
    return pd.DataFrame({"date": dates, "payments": payments, "interrupted": False})


def test_days_without_payments_are_an_interruption_from_seven_on() -> None:
    payments: list[Payment] = [
        (1, "2025-01-01", "a"),
        (2, "2025-01-01", None),
        (1, "2025-01-02", None),
        (1, "2025-01-10", "a"),  # 7 empty days before
        (1, "2025-01-17", "b"),  # 6
    ]
    with opened(payments) as stream:
        table = tables.days(stream)
    assert list(table) == ["date", "payments", "without_provider", "interrupted"]
    assert rows(table) == [
        (datetime.date(2025, 1, 1), 2, 1, False),
        (datetime.date(2025, 1, 2), 1, 1, False),
        *((datetime.date(2025, 1, day), 0, 0, True) for day in range(3, 10)),
        (datetime.date(2025, 1, 10), 1, 0, False),
        *((datetime.date(2025, 1, day), 0, 0, False) for day in range(11, 17)),
        (datetime.date(2025, 1, 17), 1, 0, False),
    ]


VISITS: list[Payment] = [
    (1, "2025-01-01", "a"),
    (1, "2025-01-01", "a"),  # one visit with the one before
    (1, "2025-01-08", "a"),
    (1, "2025-01-15", "a"),
    (1, "2025-03-01", "b"),
    (1, "2025-04-01", None),
    (2, "2025-01-31", "b"),
    (2, "2025-03-02", "b"),
    (3, "2025-02-05", None),
]


def test_popularity_counts_payments_of_known_providers() -> None:
    with opened(VISITS) as stream:
        table = tables.popularity(stream)
    assert list(table) == ["payments", "providers"]
    assert rows(table) == [(4, 1), (3, 1)]


def test_gaps_are_between_days_of_a_pair() -> None:
    with opened(VISITS) as stream:
        table = tables.gaps(stream)
    assert list(table) == ["days", "gaps"]
    assert rows(table) == [(7, 2), (30, 1)]


def test_pairs_are_early_if_begun_ninety_days_before_the_last_day() -> None:
    with opened(VISITS) as stream:
        table = tables.pairs(stream, tables.days(stream))  # until 1 April
    assert list(table) == ["visits", "pairs", "early"]
    # 1 January is 90 days before 1 April, 31 January is not
    assert rows(table) == [(1, 1, 0), (2, 1, 0), (3, 1, 1)]


def test_clients_who_paid_nobody_known_have_no_provider() -> None:
    with opened(VISITS) as stream:
        table = tables.clients(stream)
    assert list(table) == ["of", "size", "clients"]
    assert rows(table) == [
        ("payments", 1, 1),
        ("payments", 2, 1),
        ("payments", 6, 1),
        ("providers", 0, 1),
        ("providers", 1, 1),
        ("providers", 2, 1),
    ]


def test_what_is_new_to_a_client_and_to_everybody() -> None:
    with opened(VISITS) as stream:
        table = tables.months(stream, tables.days(stream))
    assert list(table) == ["month", "visits", "new", "nobody", "judged"]
    assert rows(table) == [
        (datetime.date(2025, 1, 1), 4, 2, 2, False),  # a by 1, then b by 2
        (datetime.date(2025, 3, 1), 2, 1, 0, False),  # b by 1; 2 has paid it before
    ]


def test_two_clients_on_the_first_day_of_a_provider_are_both_the_first() -> None:
    with opened([(1, "2025-01-01", "a"), (2, "2025-01-01", "a"), (3, "2025-01-02", "a")]) as stream:
        table = tables.months(stream, tables.days(stream))
    assert rows(table) == [(datetime.date(2025, 1, 1), 3, 3, 2, False)]


# July 2024 begins 183 days after 31 December 2023
@pytest.mark.parametrize(
    ("first", "empty", "judged"),
    [
        ("2023-12-31", None, True),
        ("2024-01-01", None, False),  # a day is missing
        ("2023-12-01", "2023-12-30", True),  # an interruption, long ago
        ("2023-12-01", "2023-12-31", False),
        ("2023-12-01", "2024-07-10", False),  # before the last visit
        ("2023-12-01", "2024-07-11", True),  # after it
    ],
)
def test_a_month_is_judged_if_the_half_year_before_it_is_known(
    first: str, empty: str | None, judged: bool
) -> None:
    days = of_calendar(first, [1] * 300)
    days["interrupted"] = [str(date) == empty for date in days["date"]]
    with opened([(1, "2024-07-10", "a")]) as stream:
        table = tables.months(stream, days)
    assert rows(table) == [(datetime.date(2024, 7, 1), 1, 1, 1, judged)]


def test_no_provider_is_known() -> None:
    with opened([(1, "2025-01-01", None), (2, "2025-01-03", None)]) as stream:
        days = tables.days(stream)
        assert rows(tables.popularity(stream)) == []
        assert rows(tables.gaps(stream)) == []
        assert rows(tables.pairs(stream, days)) == []
        assert rows(tables.months(stream, days)) == []
        assert rows(tables.clients(stream)) == [("payments", 1, 2), ("providers", 0, 2)]
        assert rows(tables.presence(stream)) == []


def test_regions_are_those_of_the_last_day_that_names_one() -> None:
    payments: list[Payment] = []
    regions: list[str | None] = []
    for client in range(10):  # the least number of clients of a provider
        payments += [(client, "2025-01-01", "a"), (client, "2025-01-02", "a")]
        regions += ["west", "east" if client < 4 else "south"]
    payments += [(0, "2025-01-03", "a"), (0, "2025-01-02", "b"), (10, "2025-01-02", "a")]
    regions += [None, "west", None]  # 0: east and west on 2 January; 10: none
    with opened(payments, regions) as stream:
        table = tables.presence(stream)
    assert list(table) == ["provider", "region", "clients", "payments"]
    assert rows(table) == [("a", "east", 3, 6), ("a", "south", 6, 12), ("a", "west", 1, 3)]


def test_a_schema_without_regions_leaves_the_tables_empty() -> None:
    with opened(VISITS) as stream:
        presence = tables.presence(stream)
    providers = tables.located(presence)
    assert rows(presence) == []
    assert rows(tables.concentration(providers)) == []
    assert list(tables.places(presence, providers)) == ["region", "home", "payments"]
    assert rows(tables.places(presence, providers)) == []


PRESENCE = pd.DataFrame(
    [
        ("local", "east", 10, 40),
        ("mixed", "east", 5, 10),
        ("mixed", "west", 5, 7),
        ("spread", "east", 3, 8),
        ("spread", "north", 3, 4),
        ("spread", "south", 3, 3),
        ("spread", "west", 3, 2),
    ],
    columns=["provider", "region", "clients", "payments"],
)


def test_providers_are_told_apart_by_their_clients_regions() -> None:
    table = tables.located(PRESENCE)
    # (n H - 1) / (n - 1): (10 * 1 - 1) / 9, (10 * 1 / 2 - 1) / 9, (12 * 1 / 4 - 1) / 11
    assert rows(table.drop(columns="herfindahl")) == [
        ("local", 40, "regional", "east"),
        ("mixed", 17, "between", "east"),  # east and west have five each: the first
        ("spread", 17, "federal", "east"),
    ]
    assert table["herfindahl"].tolist() == pytest.approx([1, 4 / 9, 2 / 11], abs=1e-9)


def test_payments_go_to_homes_and_to_federal_providers() -> None:
    table = tables.places(PRESENCE, tables.located(PRESENCE))
    assert list(table) == ["region", "home", "payments"]
    assert rows(table.assign(home=table["home"].fillna("federal"))) == [
        ("east", "east", 50),
        ("east", "federal", 8),
        ("north", "federal", 4),
        ("south", "federal", 3),
        ("west", "east", 7),
        ("west", "federal", 2),
    ]


def test_bins_of_the_index_begin_where_kinds_do() -> None:
    index = [0.0, 0.29, 0.3, 0.34, 0.7999, 0.8, 0.97, 1.0]
    kinds = ["federal"] * 2 + ["between"] * 3 + ["regional"] * 3
    providers = pd.DataFrame(
        {"provider": list("abcdefgh"), "payments": 2, "herfindahl": index, "kind": kinds}
    )
    table = tables.concentration(providers)
    assert list(table) == ["kind", "herfindahl", "providers", "payments", "mean"]
    assert rows(table.drop(columns="mean")) == [
        ("federal", 0.0, 1, 2),
        ("federal", 0.25, 1, 2),
        ("between", 0.3, 2, 4),
        ("between", 0.75, 1, 2),
        ("regional", 0.8, 1, 2),
        ("regional", 0.95, 2, 4),
    ]
    np.testing.assert_allclose(table["mean"], [0, 0.29, 0.32, 0.7999, 0.8, 0.985])

"""What clean takes out: equal rows, late ones, payments of nothing, refunds and their payments."""

import datetime
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from src.engine import connect
from src.engine.duckdb import DuckDB
from src.errors import InputError, run
from src.params import load
from src.payments import clean as stage
from src.payments import paths
from src.payments.clean import Clean, clean, judged, last_day
from src.payments.ingest import Ingest, ingest
from src.payments.payments import Payments
from src.payments.schema import PARAMS, Schema
from src.reporting import write_parquet

pytestmark = pytest.mark.usefixtures("workspace")

LAST = datetime.date(2025, 8, 31)
STRICT = Ingest(path="", max_rejected_share=0)


def bank(**changes: Any) -> Schema:
    content = {
        "id": "client",
        "id_type": "integer",
        "date": "date",
        "amount": "amount",
        "paid": "positive",
        "provider": "provider",
        "attributes": {},
    }
    return Schema.model_validate(content | changes)


def rules(**changes: Any) -> Clean:
    content = {"drop_equal_rows": True, "last_day": str(LAST), "unknown": [], "aggregators": []}
    return Clean.model_validate(content | changes)


def when(text: str) -> datetime.datetime:
    """A day of August 2025, or a day and a time."""
    return datetime.datetime.fromisoformat(f"2025-08-{text}")


def table(*rows: tuple[int, str, str | None, float | None], **attributes: list[Any]) -> pa.Table:
    """Rows as ingest writes them: client, day of August 2025 and perhaps time, provider, amount."""
    client, day, provider, amount = zip(*rows, strict=True)
    columns = {
        "client": pa.array(client, pa.int64()),
        "date": pa.array([when(text) for text in day], pa.timestamp("us")),
        "provider": pa.array(provider, pa.string()),
        "amount": pa.array(amount, pa.float64()),
        **{name: pa.array(values, pa.string()) for name, values in attributes.items()},
    }
    return pa.table(columns).sort_by([("client", "ascending"), ("date", "ascending")])


def cleaned(rows: pa.Table, schema: Schema | None = None, **changes: Any) -> dict[str, Any]:
    write_parquet(paths.PAYMENTS, rows)
    return clean(schema or bank(), rules(**changes))


def kept() -> list[tuple[Any, ...]]:
    """Client, day of the month, provider, amount and attributes of the clean rows."""
    rows = pq.read_table(paths.CLEAN).to_pylist()
    return [tuple({**row, "date": row["date"].day}.values()) for row in rows]


def test_payments_pass_as_they_are_sorted_by_all_columns() -> None:
    rows = table(
        (7, "02 10:00:00", "shop", 2.0),
        (7, "02 09:00:00", "shop", 3.0),
        (7, "02", "bus", 9.0),
        (7, "01", "shop", 5.0),
        (2, "04", None, None),
        category=["food", "food", None, "food", None],
        region=["1", "1", "1", "1", "2"],
    )
    assert cleaned(rows) == {
        "rows": 5,
        "equal_rows": {"found": 0, "dropped": 0},
        "last_day": "2025-08-31",
        "after_last_day": 0,
        "zero": 0,
        "refunded": 0,
        "refund": 0,
        "refund_alone": 0,
        "payments": 5,
        "without_provider": {"missing": 1, "unknown": {}, "aggregators": {}},
    }
    assert pq.read_schema(paths.CLEAN) == pa.schema(
        {
            "client": pa.int64(),
            "date": pa.date32(),
            "provider": pa.string(),
            "amount": pa.float64(),
            "category": pa.string(),
            "region": pa.string(),
        }
    )
    assert kept() == [
        (2, 4, None, None, None, "2"),
        (7, 1, "shop", 5.0, "food", "1"),
        (7, 2, "bus", 9.0, None, "1"),
        (7, 2, "shop", 2.0, "food", "1"),
        (7, 2, "shop", 3.0, "food", "1"),
    ]


EQUAL = table(
    (7, "01", "shop", 2.0),
    (7, "01", "shop", 2.0),
    (7, "01", "shop", 2.0),
    (7, "02", "shop", 2.0),
    (8, "01", "shop", 2.0),
)


@pytest.mark.parametrize(("drop", "payments"), [(True, 3), (False, 5)])
def test_equal_rows_are_counted_and_dropped_if_wished(drop: bool, payments: int) -> None:
    told = cleaned(EQUAL, drop_equal_rows=drop)
    assert told["equal_rows"] == {"found": 2, "dropped": 2 if drop else 0}
    assert (told["rows"], told["payments"]) == (5, payments)
    first = [(7, 1, "shop", 2.0)] * (1 if drop else 3)
    assert kept() == [*first, (7, 2, "shop", 2.0), (8, 1, "shop", 2.0)]


def test_rows_that_differ_in_time_or_in_any_column_are_not_equal() -> None:
    rows = table(
        (7, "01 10:00:00", "shop", 2.0),
        (7, "01 10:00:01", "shop", 2.0),
        (7, "01", None, 2.0),
        (7, "01", None, 2.0),
        unit=["a", "a", "a", None],
    )
    assert cleaned(rows)["equal_rows"] == {"found": 0, "dropped": 0}


def test_later_rows_are_dropped_for_this_reason_first() -> None:
    rows = table(
        (7, "30", "shop", 5.0),
        (7, "31 23:59:59", "shop", 0.0),
        (7, "31", "shop", -5.0),
        (8, "30", "shop", 5.0),
    )
    told = cleaned(rows, last_day="2025-08-30")
    assert (told["after_last_day"], told["zero"], told["refund"]) == (2, 0, 0)
    assert kept() == [(7, 30, "shop", 5.0), (8, 30, "shop", 5.0)]
    told = cleaned(rows)
    assert (told["after_last_day"], told["zero"], told["refund"]) == (0, 1, 1)
    assert kept() == [(8, 30, "shop", 5.0)]


def test_the_last_day_by_itself() -> None:
    def daily(counts: dict[str, int]) -> pa.Table:
        days = [datetime.date.fromisoformat(day) for day in counts]
        return pa.table({"day": days, "rows": list(counts.values())})

    usual = {f"2025-08-{day:02d}": 100 for day in range(1, 8)}
    far = {"2025-08-08": 5, "2025-08-09": 4, "2031-01-01": 4}
    assert last_day(daily(usual)) == datetime.date(2025, 8, 7)
    # The median of 7 times 100, 5, 4 and 4 is 100, and 5 its twentieth.
    assert last_day(daily(usual | far)) == datetime.date(2025, 8, 8)
    assert last_day(daily({"2025-08-01": 1, "2025-08-03": 1})) == datetime.date(2025, 8, 3)


def test_the_last_day_is_that_of_the_file() -> None:
    rows = [(client, f"{day:02d}", "shop", 1.0) for client in range(60) for day in (1, 2, 4)]
    late = [(7, "20", "shop", 1.0), (7, "20", "shop", 2.0)]
    told = cleaned(table(*rows, *late), last_day="auto")
    assert told["last_day"] == "2025-08-04"
    assert (told["after_last_day"], told["payments"]) == (2, 180)


@pytest.mark.parametrize(
    ("rows", "left", "fates"),
    [
        # The latest payment before it goes, not a later one.
        (
            [("01", 5), ("02", 5), ("03", -5), ("04", 5)],
            [(1, 5.0), (4, 5.0)],
            {"refunded": 1, "refund": 1, "refund_alone": 0},
        ),
        # Two refunds cancel two payments.
        (
            [("01", 5), ("02", 5), ("03", -5), ("04", -5), ("05", 5)],
            [(5, 5.0)],
            {"refunded": 2, "refund": 2, "refund_alone": 0},
        ),
        # The first refund has nothing before it, which leaves the second its payment.
        (
            [("01", -5), ("02", 5), ("03", -5), ("04", 5)],
            [(4, 5.0)],
            {"refunded": 1, "refund": 1, "refund_alone": 1},
        ),
        # On the same day a payment comes first; with times, as the times say.
        ([("01", -5), ("01", 5)], [], {"refunded": 1, "refund": 1, "refund_alone": 0}),
        (
            [("01 10:00:00", -5), ("01 11:00:00", 5)],
            [(1, 5.0)],
            {"refunded": 0, "refund": 0, "refund_alone": 1},
        ),
        # Another amount is another payment.
        (
            [("01", 5.01), ("02", -5)],
            [(1, 5.01)],
            {"refunded": 0, "refund": 0, "refund_alone": 1},
        ),
    ],
)
def test_refunds(
    rows: list[tuple[str, float]], left: list[tuple[int, float]], fates: dict[str, int]
) -> None:
    bystander = (9, "15", "shop", 5.0)
    told = cleaned(table(*((7, day, "shop", amount) for day, amount in rows), bystander))
    assert {name: told[name] for name in fates} == fates
    assert kept() == [*((7, day, "shop", amount) for day, amount in left), (9, 15, "shop", 5.0)]


def test_a_refund_is_of_the_same_client_and_provider() -> None:
    rows = table(
        (7, "01", "shop", 5.0),
        (7, "02", "bus", -5.0),
        (8, "02", "shop", -5.0),
        (8, "01", None, 5.0),
        (8, "02", None, -5.0),  # nobody and nobody are the same
    )
    told = cleaned(rows)
    assert (told["refunded"], told["refund"], told["refund_alone"]) == (1, 1, 2)
    assert kept() == [(7, 1, "shop", 5.0)]


def test_equal_payments_are_refunded_one_by_one() -> None:
    rows = table((7, "01", "shop", 5.0), (7, "01", "shop", 5.0), (7, "02", "shop", -5.0))
    told = cleaned(rows, drop_equal_rows=False)
    assert (told["refunded"], told["refund"], told["payments"]) == (1, 1, 1)


def test_refunds_are_matched_as_brackets_are() -> None:
    random = np.random.default_rng(3)
    size = 5000
    rows = [
        (int(client), f"{day:02d}", str(provider), float(amount))
        for client, day, provider, amount in zip(
            random.integers(0, 200, size),
            random.integers(1, 7, size),
            random.choice(["bus", "shop"], size),
            random.choice([1, 2, -1, -2], size),
            strict=True,
        )
    ]
    expected: list[tuple[int, int, str, float, str | None]] = []
    waiting: dict[tuple[int, str, float], list[int]] = defaultdict(list)
    for client, day, provider, amount in sorted(rows, key=lambda row: (row[1], row[3] < 0)):
        payments = waiting[client, provider, abs(amount)]
        fate = None
        if amount > 0:
            payments.append(len(expected))
        elif payments:
            cancelled = payments.pop()
            expected[cancelled] = (*expected[cancelled][:4], "refunded")
            fate = "refund"
        else:
            fate = "refund_alone"
        expected.append((client, int(day), provider, amount, fate))
    assert min(Counter(row[-1] for row in expected).values()) > 500
    engine = connect()
    write_parquet(paths.PAYMENTS, table(*rows))
    found = engine.collect(judged(engine.table(paths.PAYMENTS), bank(), LAST)).to_pylist()
    told = [tuple({**row, "date": row["date"].day}.values()) for row in found]
    assert Counter(told) == Counter(expected)


def test_amounts_of_a_statement_of_account_are_negative() -> None:
    rows = table(
        (7, "01", "shop", -5.0),
        (7, "02", "shop", -3.0),
        (7, "03", "shop", 5.0),  # a refund
        (7, "03", "work", 900.0),  # pay is no payment
        (7, "04", "shop", -0.0),
    )
    told = cleaned(rows, bank(paid="negative"))
    assert (told["refunded"], told["refund"], told["refund_alone"], told["zero"]) == (1, 1, 1, 1)
    assert kept() == [(7, 2, "shop", 3.0)]


def test_providers_that_are_not_those_who_were_paid_become_null() -> None:
    rows = table(
        (7, "01", "-1", 5.0),
        (7, "02", "pay", 5.0),
        (7, "03", "pay", 5.0),
        (7, "04", "shop", 5.0),
        (7, "05", None, 5.0),
        name=["?", "Pay Ltd", "Pay Ltd", "Shop Ltd", "Ghost"],
        category=["a", "b", "c", "d", "e"],
    )
    told = cleaned(rows, unknown=["-1", "none"], aggregators=["pay"])
    assert told["payments"] == 5
    assert told["without_provider"] == {
        "missing": 1,
        "unknown": {"-1": 1, "none": 0},
        "aggregators": {"pay": 2},
    }
    assert kept() == [
        (7, 1, None, 5.0, None, "a"),
        (7, 2, None, 5.0, None, "b"),
        (7, 3, None, 5.0, None, "c"),
        (7, 4, "shop", 5.0, "Shop Ltd", "d"),
        (7, 5, None, 5.0, None, "e"),
    ]


def test_a_refund_through_an_aggregator_is_matched_by_it() -> None:
    rows = table((7, "01", "pay", 5.0), (7, "02", "other", 5.0), (7, "03", "pay", -5.0))
    told = cleaned(rows, aggregators=["pay", "other"])
    assert (told["refunded"], told["refund"]) == (1, 1)
    assert kept() == [(7, 2, None, 5.0)]


def test_payments_in_memory_are_the_clean_ones() -> None:
    cleaned(table((7, "02", "shop", 5.0), (2, "01", "-1", None)), unknown=["-1"])
    payments = Payments.open(paths.CLEAN)
    assert payments.client.tolist() == [0, 1]
    assert payments.clients.tolist() == [2, 7]
    assert payments.provider.tolist() == [-1, 0]
    assert payments.amount[1] == 5.0


def test_no_payment_is_left() -> None:
    rows = table((7, "02", "shop", 5.0), (7, "03", "shop", 0.0))
    message = (
        r"^data/payments/payments.parquet: of 2 rows none is a payment until 2025-08-01; see "
        rf"clean.last_day in {PARAMS}$"
    )
    with pytest.raises(InputError, match=message):
        cleaned(rows, last_day="2025-08-01")
    assert not Path(paths.CLEAN).exists()


def test_runs_of_clients_give_the_same_bytes_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        f"{number % 700},2025-08-{number % 28 + 1:02d},{number % 9 - 1},shop {number % 5}"
        for number in range(130_000)  # more than one row group
    ]
    Path("payments.csv").write_text("\n".join(["client,date,amount,provider", *lines]))
    ingest("payments.csv", bank(), STRICT)
    whole = clean(bank(), rules(drop_equal_rows=False))
    expected = Path(paths.CLEAN).read_bytes()
    assert whole["refunded"] == whole["refund"]
    numbers = [whole[name] for name in ("zero", "refunded", "refund", "refund_alone", "payments")]
    assert sum(map(int, map(str, numbers))) == whole["rows"] == 130_000

    def single() -> DuckDB:
        engine = DuckDB.connect()
        engine.backend.raw_sql("SET threads = 1")
        return engine

    monkeypatch.setattr("src.engine.duckdb._ROW_GROUPS_AT_ONCE", 1)
    monkeypatch.setattr(stage, "connect", single)
    assert len(single().runs(paths.PAYMENTS, "client")) == 2
    assert clean(bank(), rules(drop_equal_rows=False)) == whole
    assert pq.read_table(paths.CLEAN).equals(pq.read_table(pa.BufferReader(expected)))


def write_params(**changes: Any) -> None:
    Path(PARAMS).parent.mkdir(parents=True, exist_ok=True)
    content = {"schema": bank().model_dump(), "clean": rules().model_dump(mode="json") | changes}
    Path(PARAMS).write_text(yaml.safe_dump(content), encoding="utf-8")


def test_the_stage_writes_what_was_taken_out() -> None:
    write_parquet(paths.PAYMENTS, EQUAL)
    write_params()
    run(stage.main)
    repairs = json.loads(Path(paths.REPAIRS).read_text(encoding="utf-8"))
    assert repairs == clean(bank(), rules())
    assert repairs["equal_rows"] == {"found": 2, "dropped": 2}


def test_providers_are_texts_and_the_last_day_is_a_date() -> None:
    write_params(unknown=[-1])
    with pytest.raises(InputError, match=r"'clean.unknown.0' is -1, but should be text: quote it"):
        load("clean", Clean, PARAMS)
    write_params(last_day="soon")
    with pytest.raises(InputError, match=r"'clean.last_day' is 'soon': .* should be auto, or a"):
        load("clean", Clean, PARAMS)


REAL = {
    "id": "client_id",
    "id_type": "string",
    "date": "date",
    "provider": "provider_id",
    "amount": "amount",
    "attributes": {
        "operation": "op",
        "region": "client_region10",
        "unit": "ug_cod",
        "name": "provider_name",
    },
}


@pytest.mark.real
def test_real_payments(real_data: Path) -> None:
    source = real_data / "payments" / "cpgf_transactions.csv.gz"
    schema = bank(**REAL)
    assert ingest(str(source), schema, STRICT) == {
        "rows": 333_873,
        "rejected": 0,
        "clients": 10_780,
        "providers": 66_921,
        "first_day": "2021-08-26",
        "last_day": "2026-01-29",
        "days_without_payments": 331,
        "warnings": [
            "no payment at all from 2021-09-28 to 2021-11-15, from 2021-11-17 to 2021-11-23, "
            "from 2022-06-29 to 2022-10-11 and 5 more: is a part of the data missing?"
        ],
        "notes": [],
        "missing": {
            "client": 0,
            "date": 0,
            "provider": 0,
            "amount": 0,
            "operation": 0,
            "region": 0,
            "unit": 0,
            "name": 73_330,
        },
        "numbers": {"amount": {"min": 0.04, "max": 189_650.0, "mode": 1000.0}},
    }
    clerks = ["C18727053", "C10573521", "C06167186", "C19468242", "C14338304"]  # payment services
    settings = rules(
        drop_equal_rows=False, last_day="auto", unknown=["UNKNOWN"], aggregators=clerks
    )
    assert clean(schema, settings) == {
        "rows": 333_873,
        "equal_rows": {"found": 10_650, "dropped": 0},
        "last_day": "2026-01-28",
        "after_last_day": 1,
        "zero": 0,
        "refunded": 0,
        "refund": 0,
        "refund_alone": 0,
        "payments": 333_872,
        "without_provider": {
            "missing": 0,
            "unknown": {"UNKNOWN": 18_106},
            "aggregators": dict(zip(clerks, (5_385, 2_076, 595, 414, 352), strict=True)),
        },
    }

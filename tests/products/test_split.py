import datetime
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from src.engine import connect
from src.errors import InputError
from src.models.history import MAX_MONTHS, History
from src.products import paths, split
from src.products.schema import Schema
from src.products.split import Split, month_bits, renamed_products, windows
from src.products.windows import Windows
from src.reporting import write_json, write_parquet
from src.tables.months import month_of
from tests.products.conftest import MONTHS


def calendar(count: int) -> list[datetime.date]:
    """Months from January 2010 on, the 28th of each."""
    return [datetime.date(2010 + index // 12, index % 12 + 1, 28) for index in range(count)]


def settings(**changes: object) -> Split:
    usual = {
        "base": "auto",
        "blend": "auto",
        "test": "auto",
        "blend_months": 8,
        "lookback_months": 12,
    }
    return Split.model_validate({**usual, **changes})


@pytest.mark.parametrize(
    ("months", "blend_months", "base", "blend"),
    [
        (4, 8, 1, 2),  # at most half of the months: 4 // 2
        (5, 8, 2, 2),  # 5 // 2
        (17, 8, 8, 8),
        (17, 3, 13, 3),
        (18, 8, 9, 8),
        (4, 1, 2, 1),
    ],
)
def test_automatic_windows(months: int, blend_months: int, base: int, blend: int) -> None:
    every = calendar(months)
    assert windows(every, settings(blend_months=blend_months)) == {
        "base": every[:base],
        "blend": every[base : base + blend],
        "test": every[-1:],
    }
    assert base + blend + 1 == months


@pytest.mark.parametrize("blend_months", [1, 3, 8])
def test_before_an_earlier_month_are_the_windows_that_it_would_have_had(blend_months: int) -> None:
    every = calendar(17)
    own = settings(blend_months=blend_months)
    last = Windows.of(windows(every, own), 12)
    for count in range(4, 18):
        then = Windows.of(windows(every[:count], own), 12)
        assert last.before(every[count - 1]) == replace(then, test=[])


def test_explicit_windows_include_both_ends() -> None:
    every = calendar(9)
    chosen = windows(
        every,
        settings(
            base=(every[1], every[3]),
            blend=("2010-05-01", "2010-06-30"),  # any days around the months
            test=(every[6], every[6]),
        ),
    )
    assert chosen == {"base": every[1:4], "blend": every[4:6], "test": every[6:7]}


def test_one_explicit_window_among_automatic_ones() -> None:
    every = calendar(8)
    assert windows(every, settings(base=(every[1], every[2]))) == {
        "base": every[1:3],
        "blend": every[3:7],
        "test": every[7:],
    }


MAY, JUNE, JULY, AUGUST = (f"2010-0{month}-28" for month in (5, 6, 7, 8))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"blend": ("2010-02-28", MAY)},
            "split.blend begins 2010-02-28, but split.base ends 2010-03-28: the windows overlap",
        ),
        (
            {"blend": ("2010-04-28", AUGUST)},
            "split.test begins 2010-08-28, but split.blend ends 2010-08-28: the windows overlap",
        ),
        (
            {"base": (MAY, JULY), "blend": ("2010-01-28", "2010-04-28"), "test": (AUGUST, AUGUST)},
            "split.blend begins 2010-01-28, but split.base ends 2010-07-28.* wrong order",
        ),
        (
            {"base": ("2010-01-28", "2010-01-28")},
            "months 2010-02-28, 2010-03-28 lie between split.base and split.blend: "
            "windows must follow each other without a gap",
        ),
        (
            {"blend": ("2010-04-28", JUNE)},
            "months 2010-07-28 lie between split.blend and split.test",
        ),
        (
            {"base": ("2009-01-28", "2009-12-28")},
            r"split.base \(2009-01-28 … 2009-12-28\) holds none of the months of the data "
            r"\(2010-01-28 … 2010-08-28\)",
        ),
        ({"test": (AUGUST, JULY)}, "split.test .* holds none of the months"),
        ({"test": (JULY, AUGUST)}, "split.test holds 2 months, but must be one month"),
    ],
)
def test_windows_that_cannot_be(changes: dict[str, object], message: str) -> None:
    # automatic ones of eight months: base 1-3, blend 4-7, test 8
    with pytest.raises(InputError, match=message):
        windows(calendar(8), settings(**changes))


@pytest.mark.parametrize("months", [1, 3])
def test_too_few_months(months: int) -> None:
    with pytest.raises(InputError, match=f"has {months} months, but .* at least 4"):
        windows(calendar(months), settings())


Table = Callable[[pd.DataFrame], ir.Table]


def write_clean(rows: pd.DataFrame) -> None:
    write_parquet(paths.CLEAN, pa.Table.from_pandas(rows, preserve_index=False))


@pytest.fixture
def table(workspace: Path) -> Table:
    """Clean rows as the stage finds them."""
    assert Path.cwd() == workspace

    def read(rows: pd.DataFrame) -> ir.Table:
        write_clean(rows)
        return connect().table(paths.CLEAN)

    return read


def test_month_bits_by_hand(bank: pd.DataFrame, schema: Schema, table: Table) -> None:
    bits = month_bits(table(bank.sample(frac=1, random_state=1)), MONTHS, schema)
    # the last character is May, bit 0; active where customer / 10 + month is odd
    assert bits.to_pyarrow().to_pylist() == [
        {"customer": 10, "present": 0b11111, "was_active": 0b01010}
        | {"account": 0b11111, "card": 0b01101, "loan": 0b00000},
        {"customer": 20, "present": 0b01111, "was_active": 0b00101}
        | {"account": 0b01111, "card": 0b00001, "loan": 0b00000},
        {"customer": 30, "present": 0b11011, "was_active": 0b01010}
        | {"account": 0b11011, "card": 0b00010, "loan": 0b00001},
        {"customer": 40, "present": 0b11100, "was_active": 0b10100}
        | {"account": 0b11100, "card": 0b11000, "loan": 0b00100},
        {"customer": 50, "present": 0b00001, "was_active": 0b00000}
        | {"account": 0b00001, "card": 0b00001, "loan": 0b00000},
    ]
    assert set(bits.schema().types) == {ibis.dtype("int64"), ibis.dtype("!int64")}
    assert not bits.schema()["customer"].nullable


def test_month_bits_of_known_months_only(bank: pd.DataFrame, schema: Schema, table: Table) -> None:
    bits = month_bits(table(bank), MONTHS[1:4], schema).to_pyarrow()
    # February to April: 50 is not known yet
    assert bits["customer"].to_pylist() == [10, 20, 30, 40]
    assert bits["present"].to_pylist() == [0b111, 0b111, 0b101, 0b110]
    assert bits["card"].to_pylist() == [0b110, 0b000, 0b001, 0b100]


def test_a_month_without_snapshots_leaves_a_zero(
    bank: pd.DataFrame, schema: Schema, table: Table
) -> None:
    march = MONTHS[2]
    without = bank[bank["month"] != march]
    months = [date for date in MONTHS if date != march]
    bits = month_bits(table(without), months, schema).to_pyarrow()
    assert bits["customer"].to_pylist() == [10, 20, 30, 40, 50]
    assert bits["present"].to_pylist() == [0b11011, 0b01011, 0b11011, 0b11000, 0b00001]
    assert bits["card"].to_pylist() == [0b01001, 0b00001, 0b00010, 0b11000, 0b00001]


def test_snapshots_of_any_day_count_as_their_month(schema: Schema, table: Table) -> None:
    days = [datetime.date(2016, 1, 31), datetime.date(2016, 2, 1), datetime.date(2016, 4, 15)]
    rows = pd.DataFrame({"customer": 1, "month": days, "active": "0", "account": True})
    bits = month_bits(table(rows.assign(card=False, loan=[True, False, False])), days, schema)
    assert bits.to_pyarrow().to_pylist() == [
        {"customer": 1, "present": 0b1101, "was_active": 0}
        | {"account": 0b1101, "card": 0, "loan": 0b1000}
    ]


def test_month_bits_forgets_months_beyond_an_integer(schema: Schema, table: Table) -> None:
    months = calendar(MAX_MONTHS + 2)
    always = pd.DataFrame({"customer": 1, "month": months, "active": "1", "account": True})
    always = always.assign(card=False, loan=[True, True, True, *[False] * (MAX_MONTHS - 1)])
    assert month_bits(table(always), months, schema).to_pyarrow().to_pylist() == [
        {
            "customer": 1,
            "present": 2**MAX_MONTHS - 1,
            "was_active": 2**MAX_MONTHS - 1,
            "account": 2**MAX_MONTHS - 1,
            "card": 0,
            "loan": 2 ** (MAX_MONTHS - 1),
        }
    ]


def test_month_bits_without_activity(bank: pd.DataFrame, schema: Schema, table: Table) -> None:
    plain = schema.model_copy(update={"categorical": {}})
    bits = month_bits(table(bank), MONTHS, plain)
    assert bits.columns == ("customer", "present", "account", "card", "loan")


def months_of(held: dict[str, str]) -> History:
    """Six customers who all hold the same, January first."""
    size = max(map(len, held.values()))
    bits = [int(text, 2) for text in held.values()]
    return History(
        np.arange(6),
        np.full(6, month_of("2016-05")),
        np.full(6, 2**size - 1),
        np.zeros(6, dtype=np.int64),
        np.tile(np.array(bits), (6, 1)),
    )


def test_a_product_that_all_exchange_for_another_was_renamed() -> None:
    renamed = months_of({"old": "11100", "new": "00011", "other": "01010"})
    assert renamed_products(renamed, ["old", "new", "other"]) == [
        "in 2016-04, 6 of 6 owners gave up old and 6 of them added new: was the product renamed?"
    ]


def test_a_product_that_all_give_up_for_nothing_was_not() -> None:
    assert renamed_products(months_of({"old": "11100", "kept": "11111"}), ["old", "kept"]) == []


def test_four_owners_may_well_change_over_by_themselves() -> None:
    four = months_of({"old": "11100", "new": "00011"}).of(slice(4))
    assert renamed_products(four, ["old", "new"]) == []


def test_bits_are_months_of_the_calendar(schema: Schema, table: Table) -> None:
    january, april = datetime.date(2016, 1, 28), datetime.date(2016, 4, 28)
    rows = pd.DataFrame({"customer": 1, "month": [january, april], "active": "1", "account": True})
    rows = rows.assign(card=[False, True], loan=False)
    (found,) = month_bits(table(rows), [january, april], schema).to_pyarrow().to_pylist()
    assert (found["present"], found["account"], found["card"]) == (0b1001, 0b1001, 0b0001)


def test_the_stage_writes_windows_and_bits(
    bank: pd.DataFrame, write_params: Callable[..., None]
) -> None:
    write_params(split=settings().model_dump())
    write_clean(bank)
    write_json(paths.QUALITY, {"warnings": ["2016-07 is missing"]})
    split.main()
    assert json.loads(Path(paths.WINDOWS).read_text()) == {
        "base": ["2016-01-28", "2016-02-28"],
        "blend": ["2016-03-28", "2016-04-28"],
        "test": ["2016-05-28"],
        "lookback_months": 3,  # all that April, the last blend month, has behind it
        "warnings": ["2016-07 is missing"],
    }
    history = History.read(paths.HISTORY, ["account", "card", "loan"], Windows.read().last)
    assert history.customers.tolist() == [10, 20, 30, 40, 50]
    assert history.additions().tolist() == [
        [False, True, False],
        [False, True, False],
        [False, False, True],
        [False, False, False],
        [False, False, False],
    ]


def test_a_test_month_without_adders(bank: pd.DataFrame, write_params: Callable[..., None]) -> None:
    write_params(split=settings().model_dump())
    write_json(paths.QUALITY, {"warnings": []})
    write_clean(bank[~((bank["month"] == bank["month"].max()) & (bank["customer"] < 50))])
    with pytest.raises(InputError, match="no customer adds a product in the test month 2016-05-28"):
        split.main()
    assert not Path(paths.HISTORY).exists()
    assert not Path(paths.WINDOWS).exists()

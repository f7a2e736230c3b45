import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from src.eda import dynamics, portrait
from src.eda.tables import EdaTables
from src.products import eda, paths
from src.products.schema import Schema
from tests.products.conftest import MONTHS, OpenBank

WRITTEN = {path for name, path in vars(paths).items() if name.startswith("EDA_")}


@pytest.fixture
def opened(open_bank: OpenBank, bank: pd.DataFrame, schema: Schema) -> EdaTables:
    """The bank of conftest.py: what it holds is written out there."""
    open_bank(bank)
    return EdaTables.open(schema)


def rows(table: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Rows as plain Python values; missing numbers are None."""
    return [
        tuple(None if pd.isna(value) else value for value in row)
        for row in table.astype(object).itertuples(index=False)
    ]


def test_months_are_those_of_the_windows(opened: EdaTables) -> None:
    assert opened.months == MONTHS
    assert sorted(opened.collect(opened.last)["customer"]) == [10, 20, 30, 50]
    assert [opened.lag(month) for month in MONTHS] == [5, 4, 3, 2, 1]


def test_customers_of_the_same_months_are_counted_together(opened: EdaTables) -> None:
    table = dynamics.patterns(opened)
    account = table[table["product"] == "account"].sort_values("present")
    # bit 0 is May: customer 50 came in it, 20 in February, 40 left after March, 30 missed March
    assert rows(account[["present", "held", "customers"]]) == [
        (0b00001, 0b00001, 1),
        (0b01111, 0b01111, 1),
        (0b11011, 0b11011, 1),
        (0b11100, 0b11100, 1),
        (0b11111, 0b11111, 1),
    ]
    loan = table[(table["product"] == "loan") & (table["held"] == 0)]
    assert loan["customers"].sum() == 3  # 10, 20 and 50
    assert table.groupby("product")["customers"].sum().tolist() == [5, 5, 5]


def test_products_month_by_month(opened: EdaTables) -> None:
    table = dynamics.by_product(opened, dynamics.patterns(opened))
    january, february, march, april, may = MONTHS
    assert list(table.columns) == ["month", "product", "owners", "added", "returned", "dropped"]
    assert rows(table[table["product"] == "account"]) == [
        (january, "account", 3, None, None, None),
        (february, "account", 4, 0, 0, 0),
        (march, "account", 3, 0, 0, 0),
        (april, "account", 3, 0, 0, 0),  # 30 was away in March, so nothing is known of it
        (may, "account", 4, 0, 0, 0),
    ]
    assert rows(table[table["product"] == "card"]) == [
        (january, "card", 1, None, None, None),
        (february, "card", 2, 1, 0, 0),  # 10
        (march, "card", 1, 0, 0, 1),  # 40
        (april, "card", 1, 0, 0, 1),  # 10 drops it; 30 was away in March
        (may, "card", 3, 2, 1, 1),  # 10 takes it back, 20 is new to it, 30 drops it; 50 is new
    ]
    assert table["product"].tolist() == ["account", "card", "loan"] * 5


def test_customers_month_by_month(opened: EdaTables) -> None:
    table = dynamics.by_month(opened, dynamics.by_product(opened, dynamics.patterns(opened)))
    assert list(table.columns) == [
        "month", "customers", "joined", "left", "adders", "owned", "added", "returned", "dropped",
    ]  # fmt: skip
    january, february, march, april, may = MONTHS
    assert rows(table) == [
        (january, 3, None, None, None, 4, None, None, None),
        (february, 4, 1, 0, 1, 6, 1, 0, 0),
        (march, 3, 0, 1, 1, 5, 1, 0, 1),
        (april, 3, 1, 1, 0, 4, 0, 0, 1),
        (may, 4, 1, 0, 3, 8, 3, 1, 1),
    ]


def test_portrait_has_what_the_schema_has(opened: EdaTables) -> None:
    table = portrait.portrait(opened)
    assert list(table.columns) == ["age", "active", "customers"]
    assert rows(table) == [(15, "0", 1), (25, "1", 1), (35, "0", 1), (55, "0", 1)]


def test_length_of_use(opened: EdaTables) -> None:
    table = dynamics.length_of_use(opened, dynamics.patterns(opened))
    columns = ["months", "customers", "always", "at_risk", "dropped", "kept"]
    assert list(table.columns) == ["product", *columns]
    nothing = (0, 0, None)
    assert rows(table[table["product"] == "account"][columns]) == [
        (1, 1, 1, *nothing),
        (2, 0, 0, *nothing),
        (3, 1, 1, *nothing),
        (4, 2, 2, *nothing),  # 30 missed a month, not a month of holding
        (5, 1, 1, *nothing),
    ]
    # 10 adds the card in February, has it in March, not in April; the additions of May end there
    assert rows(table[table["product"] == "card"][columns]) == [
        (1, 3, 1, 1, 0, 1.0),
        (2, 1, 0, 1, 1, 0.0),
        (3, 1, 0, *nothing),
        (4, 0, 0, *nothing),
        (5, 0, 0, *nothing),
    ]
    loan = table[table["product"] == "loan"]
    assert loan["at_risk"].sum() == 0  # 40 leaves after adding it: no drop


def test_what_stays_is_a_product_of_shares(opened: EdaTables) -> None:
    """Ten additions in the first of five months: two dropped, then two away, then three dropped."""
    histories = pd.DataFrame(
        {
            "product": "card",
            "present": [0b11111, 0b11100, 0b11111, 0b11111],
            "held": [0b01000, 0b01100, 0b01100, 0b01111],
            "customers": [2, 2, 3, 3],
        }
    )
    table = dynamics.length_of_use(opened, histories)
    assert table["at_risk"].tolist() == [10, 6, 3, 0, 0]
    assert table["dropped"].tolist() == [2, 3, 0, 0, 0]
    expected = [8 / 10, 8 / 10 * 3 / 6, 8 / 10 * 3 / 6 * 1]
    assert table["kept"].tolist()[:3] == pytest.approx(expected)
    assert table["kept"].isna().tolist() == [False, False, False, True, True]


def test_who_adds_leaves_the_test_month_out(opened: EdaTables) -> None:
    # January: 10 adds, 30 and 40 do not; February: 40 adds, 10 and 20 do not, 30 is away in March;
    # March: 10 and 20 do not, 40 is gone. Additions in May are not looked at.
    assert rows(portrait.who_adds(opened)) == [
        ("products held", "1", 4, 1),
        ("products held", "2", 4, 1),
        ("age", "under 20", 3, 1),
        ("age", "20-29", 2, 0),
        ("age", "30-39", 1, 0),
        ("age", "40-49", 2, 1),
        ("segment", "private", 5, 1),
        ("segment", "student", 3, 1),
        ("active", "0", 5, 2),
        ("active", "1", 3, 0),
    ]


def test_bands_begin_at_their_edges(
    open_bank: OpenBank, bank: pd.DataFrame, schema: Schema
) -> None:
    numeric = {"age": "age", "tenure": "antiguedad"}
    edges = {1: (19.5, 5), 2: (20, 6), 3: (70, 120)}
    ages = bank["month"].map(lambda month: edges.get(month.month, (0, 0)))
    rows_ = bank.assign(age=ages.str[0].astype(float), tenure=ages.str[1].astype(float))
    open_bank(rows_)
    content = schema.model_dump() | {"numeric": numeric, "categorical": {}}
    table = portrait.who_adds(EdaTables.open(Schema.model_validate(content)))
    ages_and_years = table[table["attribute"] != "products held"]
    assert rows(ages_and_years) == [
        ("age", "under 20", 3, 1),
        ("age", "20-29", 3, 1),
        ("age", "70 and over", 2, 0),
        ("years with the bank", "under ½", 3, 1),
        ("years with the bank", "½-1", 3, 1),
        ("years with the bank", "10 and over", 2, 0),
    ]


def test_what_is_added_after_what(opened: EdaTables) -> None:
    # In February 10 holds the account and adds the card; in March 40 holds both and adds the loan.
    table = portrait.added_after(opened)
    assert list(table.columns) == ["held", "product", "adders", "additions", "rate", "lift"]
    assert rows(table) == [
        ("account", "card", 1, 1, 1.0, 1.0),
        ("account", "loan", 2, 1, 0.5, 1.0),
        ("card", "loan", 1, 1, 1.0, 2.0),
    ]


def test_adders_without_any_product_are_a_group(
    open_bank: OpenBank, bank: pd.DataFrame, schema: Schema
) -> None:
    empty = bank.assign(account=False)
    open_bank(empty)
    table = portrait.added_after(EdaTables.open(schema))
    assert rows(table) == [
        ("card", "loan", 1, 1, 1.0, 2.0),
        ("nothing", "card", 1, 1, 1.0, 1.0),
        ("nothing", "loan", 1, 0, 0.0, 0.0),
    ]


def run(write_params: Callable[..., None]) -> dict[str, bytes]:
    write_params()
    eda.main()
    return {path: Path(path).read_bytes() for path in WRITTEN}


@pytest.mark.usefixtures("opened")
def test_the_stage_writes_its_catalogue_and_the_same_again(
    write_params: Callable[..., None],
) -> None:
    first = run(write_params)
    assert {str(path) for path in Path("plots").rglob("*") if path.is_file()} == WRITTEN
    assert run(write_params) == first
    assert first[paths.EDA_MONTHS].decode() == (
        "month,customers,joined,left,adders,owned,added,returned,dropped\n"
        "2016-01-28,3,,,,4,,,\n"
        "2016-02-28,4,1,0,1,6,1,0,0\n"
        "2016-03-28,3,0,1,1,5,1,0,1\n"
        "2016-04-28,3,1,1,0,4,0,0,1\n"
        "2016-05-28,4,1,0,3,8,3,1,1\n"
    )


def test_a_bank_without_any_attribute_still_has_every_figure(
    open_bank: OpenBank, bank: pd.DataFrame, schema: Schema, workspace: Path
) -> None:
    open_bank(bank)
    content = schema.model_dump() | {"numeric": {}, "categorical": {}}
    (workspace / "params.yaml").write_text(yaml.safe_dump({"schema": content}))
    eda.main()
    assert Path(paths.EDA_CUSTOMERS).read_text() == "customers\n4\n"
    assert {str(path) for path in Path("plots").rglob("*") if path.is_file()} == WRITTEN


def test_months_after_the_test_month_are_not_looked_at(
    open_bank: OpenBank, bank: pd.DataFrame, schema: Schema
) -> None:
    later = bank[bank["month"] == MONTHS[-1]].assign(month=datetime.date(2016, 6, 28), age=99.0)
    open_bank(bank)
    expected = portrait.portrait(EdaTables.open(schema))
    open_bank(pd.concat([bank, later]))
    assert portrait.portrait(EdaTables.open(schema)).equals(expected)

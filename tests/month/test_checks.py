"""What a new month is refused for, and what is only said; on a bank of 300 customers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from src.engine import connect
from src.errors import InputError
from src.month.checks import Checked, Finding, check, judged
from src.month.settings import Month
from src.products import ingest
from src.products.schema import Schema

SETTINGS = Month(
    folder="data/raw/months",
    lookback=12,
    warn_beyond=1,
    refuse_beyond=5,
    promote="not worse",
    resamples=20,
    seed=1,
)
SCHEMA = {
    "id": "client",
    "month": "date",
    "numeric": {"age": "edad"},
    "categorical": {"segment": "seg"},
    "products": {
        "account": {"en": "Account", "ru": "account"},
        "card": {"en": "Card", "ru": "card"},
    },
}
CUSTOMERS = 300
BEFORE = ["2016-01-28", "2016-02-28", "2016-03-28"]
APRIL = "2016-04-28"


def snapshot(date: str) -> pd.DataFrame:
    """A third hold the account; one in fifty the card, and each month three customers add it."""
    number = np.arange(CUSTOMERS)
    months = ["2016-01-28", "2016-02-28", "2016-03-28", APRIL].index(date)
    return pd.DataFrame(
        {
            "client": number,
            "date": date,
            "edad": np.where(number % 50 == 0, "", (20 + number % 60).astype(str)),
            "seg": np.where(number % 2, "TOP", "UNI"),
            "account": (number % 3 == 0).astype(int),
            "card": (number < 6 + 3 * months).astype(int),
        }
    )


@pytest.fixture
def try_month(workspace: Path) -> Callable[[pd.DataFrame], Checked]:
    """Ingest three months, and check a fourth."""
    section = {"path": "raw.csv", "max_rejected_share": 0, "min_stay_share": 0}
    (workspace / "params.yaml").write_text(yaml.safe_dump({"schema": SCHEMA, "ingest": section}))
    pd.concat([snapshot(date) for date in BEFORE]).to_csv("raw.csv", index=False)
    ingest.main()

    def attempt(rows: pd.DataFrame) -> Checked:
        rows.to_csv("new.csv", index=False)
        return check(connect(), "new.csv", Schema.model_validate(SCHEMA), SETTINGS)

    return attempt


Try = Callable[[pd.DataFrame], Checked]


def test_a_month_like_the_others_passes(try_month: Try) -> None:
    assert try_month(snapshot(APRIL)) == Checked("2016-04", CUSTOMERS, [])


def test_a_month_before_any_run_says_what_to_do(workspace: Path) -> None:
    snapshot(APRIL).to_csv(workspace / "new.csv", index=False)
    with pytest.raises(InputError, match=r"^data/products/snapshots.parquet is missing: run 'dvc"):
        check(connect(), "new.csv", Schema.model_validate(SCHEMA), SETTINGS)


def test_a_column_renamed(try_month: Try) -> None:
    with pytest.raises(InputError, match=r"new.csv.*edad"):
        try_month(snapshot(APRIL).rename(columns={"edad": "age"}))


def test_a_flag_inverted(try_month: Try) -> None:
    rows = snapshot(APRIL)
    rows["card"] = 1 - rows["card"]
    with pytest.raises(InputError) as refused:
        try_month(rows)
    assert str(refused.value).splitlines() == [
        "new.csv does not look like the months before it, and nothing was changed:",
        "- column card, owners of Card: 95.00%; in the 3 months before 2.00% … 4.00%",
        "- column card, customers who add Card: 95.00%; in the 2 months before 1.00%",
        "- column card, customers who drop Card: 4.00%; in the 2 months before 0.00%",
        "If it is right nevertheless, raise month.refuse_beyond in pipelines/month/params.yaml",
    ]


def test_half_of_the_customers(try_month: Try) -> None:
    said = (
        r"\n- customers, compared with the month before: 50.0%; in the 2 months before 100.0%"
        r"\n- customers of the month before who are still there: 50.0%; in the 2 months before 100"
    )
    with pytest.raises(InputError, match=said):
        try_month(snapshot(APRIL)[::2])


def test_a_column_left_empty(try_month: Try) -> None:
    said = r"\n- column edad has no value: 100.0%; in the 3 months before 2.0%"
    with pytest.raises(InputError, match=said):
        try_month(snapshot(APRIL).assign(edad=""))


def test_another_spelling(try_month: Try) -> None:
    rows = snapshot(APRIL)
    said = r"\n- column seg: 150 customers have a value that no earlier month has, for example 'top"
    with pytest.raises(InputError, match=said):
        try_month(rows.assign(seg=rows["seg"].replace("TOP", "top client")))
    rows.loc[:2, "seg"] = "NEW"
    assert try_month(rows).warnings == [
        "column seg: 3 customers have a value that no earlier month has, for example 'NEW'"
    ]


def test_the_same_month_again_a_later_one_and_two(try_month: Try) -> None:
    with pytest.raises(
        InputError, match=r"^new.csv holds 2016-03, which is there already; 2016-04 is next$"
    ):
        try_month(snapshot("2016-03-28"))
    later = snapshot(APRIL).assign(date="2016-06-28")
    with pytest.raises(
        InputError, match=r"^new.csv holds 2016-06, but 2016-04 is missing: take that month in"
    ):
        try_month(later)
    said = r"^new.csv holds 2 months \(2016-04-28, 2016-06-28\): give the snapshot of 2016-04 alone"
    with pytest.raises(InputError, match=said):
        try_month(pd.concat([snapshot(APRIL), later]))


def test_a_customer_twice(try_month: Try) -> None:
    rows = snapshot(APRIL)
    said = r"\n- new.csv, column client: 1 customers are there more than once, for example 7"
    with pytest.raises(InputError, match=said):
        try_month(pd.concat([rows, rows[7:8]]))


def test_unreadable_rows_are_said(try_month: Try) -> None:
    rows = snapshot(APRIL).astype({"edad": object})
    rows.loc[5, "edad"] = "x"
    passed = try_month(rows)
    assert passed.customers == CUSTOMERS - 1
    assert passed.warnings == ["1 rows of new.csv cannot be read and are set aside"]


@pytest.mark.parametrize(
    ("share", "severities"),
    [
        (0.5, []),
        (0.79, []),
        (0.81, ["warning"]),  # the spread is 0.2, so one spread above the largest is 0.8
        (1.59, ["warning"]),
        (1.61, ["error"]),
        (0.21, []),
        (0.19, ["warning"]),
        (-0.61, ["error"]),
    ],
)
def test_how_far_beyond(share: float, severities: list[str]) -> None:
    found = judged("x", share, [0.5, 0.6, 0.4], 10**9, (0.01, 0), SETTINGS, ".2f")
    assert [one.severity for one in found] == severities


def test_few_customers_vary_by_chance() -> None:
    # two standard errors of a rate of 0.01 among 100 customers are 0.02
    of_few = judged("x", 0.03, [0.01, 0.01], 100, (0.0, 0.0), SETTINGS, ".2f")
    assert of_few == []
    of_many = judged("x", 0.03, [0.01, 0.01], 10_000, (0.0, 0.0), SETTINGS, ".2f")
    assert of_many == [Finding("error", "x: 0.03; in the 2 months before 0.01")]


def test_limits_in_order() -> None:
    with pytest.raises(ValueError, match="warn_beyond must be at most refuse_beyond"):
        SETTINGS.model_validate(SETTINGS.model_dump() | {"refuse_beyond": 0.5})

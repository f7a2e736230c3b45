import datetime
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from src.backtest.finished import Finished
from src.products.dataset import Dataset
from src.products.windows import Windows
from src.reporting import write_parquet
from tests.backtest.conftest import WriteSettings
from tests.products.conftest import SECTIONS, OpenBank

APRIL, MAY = datetime.date(2016, 4, 28), datetime.date(2016, 5, 28)


def names() -> list[str]:
    windows = Windows.read()
    return [Finished.now().file(windows, date) for date in (APRIL, MAY)]


@pytest.mark.usefixtures("dataset")
def test_a_result_is_named_by_its_month_and_twelve_digits() -> None:
    april, may = names()
    assert re.fullmatch(r"data/backtest/finished/2016-04-28-[0-9a-f]{12}\.parquet", april)
    assert re.fullmatch(r"data/backtest/finished/2016-05-28-[0-9a-f]{12}\.parquet", may)
    assert names() == [april, may]


def test_whatever_a_result_depends_on_gives_it_another_name(
    dataset: Dataset, open_bank: OpenBank, crowd: pd.DataFrame, write_params: Callable[..., None]
) -> None:
    seen = names()

    def all_differ() -> bool:
        seen.extend(names())
        return len(set(seen)) == len(seen)

    Path("src/model.py").write_text("x = 2")
    assert all_differ()
    Path("requirements.txt").write_text("numpy==3")
    assert all_differ()
    write_params(**SECTIONS | {"train_als": SECTIONS["train_als"] | {"factors": 3}})
    assert all_differ()
    open_bank(crowd.assign(card=~crowd["card"]))
    assert all_differ()
    replace(dataset.windows, lookback_months=1).write()
    assert all_differ()


def test_what_does_not_change_a_result_does_not_change_its_name(
    dataset: Dataset, write_params: Callable[..., None], write_settings: WriteSettings
) -> None:
    before = names()
    write_settings(workers=2, at_most=1)
    write_params(**SECTIONS, recommend={"k": 3})
    replace(dataset.windows, warnings=("odd",)).write()
    assert names() == before


def test_earlier_windows_of_a_later_split_are_the_same(dataset: Dataset) -> None:
    """A split that tests on April gives April the same windows as one that tests on May."""
    may = dataset.windows
    earlier = Windows(may.base[:1], [may.base[1], may.blend[0]], [APRIL], 2)
    now = Finished.now()
    assert now.file(earlier, APRIL) == now.file(may, APRIL)


@pytest.mark.usefixtures("workspace")
def test_a_result_comes_back_as_it_was() -> None:
    table = pa.table({"customer": [3, 5], "blend": [0.1 + 0.2, 1.0]})
    measured = {"customers": 7, "models": {"blend": {"coverage@7": 1 / 3}}}
    write_parquet("one.parquet", Finished.with_measured(table, measured))
    assert Finished.is_whole("one.parquet")
    found, again = Finished.read("one.parquet")
    assert found.equals(table, check_metadata=True)
    assert again == measured
    assert not Finished.is_whole("two.parquet")
    Path("two.parquet").write_bytes(Path("one.parquet").read_bytes()[:100])
    assert not Finished.is_whole("two.parquet")

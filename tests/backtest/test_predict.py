import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from src.backtest import paths, predict
from src.backtest.finished import FOLDER, Finished
from src.backtest.predict import PARAMS, Predict, choose, rank
from src.errors import InputError, ResourceError
from src.evaluation import comparison
from src.products.dataset import Dataset
from src.products.evaluate import score_all
from src.products.fitting import fit_all
from src.tables.months import month_of
from tests.backtest.conftest import SETTINGS, WriteSettings
from tests.clones import ROOT
from tests.products.conftest import OpenBank
from tests.products.test_dataset import changed_since

MARCH, APRIL, MAY = (datetime.date(2016, month, 28) for month in (3, 4, 5))
FIRST = ["popularity", "mlc", "kmeans", "als", "interleave"]
MODELS = [*FIRST, "ranker", "propensity", "blend"]


def chosen(dataset: Dataset, **own: object) -> tuple[list[datetime.date], list[str]]:
    return choose(dataset, Predict.model_validate(SETTINGS | own))


def test_the_last_months_with_enough_behind_them_are_chosen(dataset: Dataset) -> None:
    assert chosen(dataset) == ([APRIL, MAY], [])
    assert chosen(dataset, months_before=4) == ([MAY], [])
    assert chosen(dataset, at_most=1) == ([MAY], [])
    assert chosen(dataset, months=["2016-05-28", "2016-04-28"], at_most=1) == ([APRIL, MAY], [])


def test_months_that_cannot_be_predicted_are_refused(dataset: Dataset) -> None:
    sentence = (
        rf"^{PARAMS}: predict\.months names 2016-04-28, which is no month of the data with "
        r"4 months before it \(predict\.months_before\); those are 2016-05-28$"
    )
    with pytest.raises(InputError, match=sentence):
        chosen(dataset, months=["2016-04-28"], months_before=4)
    with pytest.raises(InputError, match="names 2016-04-30, which is no month of the data"):
        chosen(dataset, months=["2016-04-30"])
    sentence = (
        r": no month in which somebody adds a product has 5 months before it, as "
        r"predict\.months_before asks; there are 5 months, 2016-01-28 … 2016-05-28$"
    )
    with pytest.raises(InputError, match=sentence):
        chosen(dataset, months_before=5)


def test_a_month_without_additions_is_named(open_bank: OpenBank, bank: pd.DataFrame) -> None:
    quiet = open_bank(bank)  # nobody adds anything in April, see test_dataset
    assert chosen(quiet) == ([MAY], [])  # before the first one there is nothing to miss
    bank.loc[bank["month"] == MAY, ["card", "loan"]] = False
    bank.loc[(bank["month"] == APRIL) & (bank["customer"] == 10), "loan"] = True
    reversed_roles = open_bank(bank)
    said = ["nobody adds a product in 2016-05-28: it is no test month"]
    assert chosen(reversed_roles) == ([APRIL], said)
    with pytest.raises(InputError, match="names 2016-05-28, in which nobody adds a product, so"):
        chosen(reversed_roles, months=["2016-05-28"])


def test_the_last_month_is_what_evaluate_measures(dataset: Dataset) -> None:
    table, measured = read_back(dataset, MAY)
    month = month_of(MAY)
    customers = dataset.customers(month)
    additions = dataset.additions(month)[dataset.rows(customers)]
    # on windows of which May is the test month
    lists, _ = score_all(dataset.engine, fit_all(dataset), customers)
    precision = comparison.precisions(lists, additions)
    adds = additions.any(axis=1)
    assert table.column_names == ["customer", *MODELS]
    assert table["customer"].to_numpy().tolist() == customers.history.customers[adds].tolist()
    for name in MODELS:
        np.testing.assert_array_equal(table[name].to_numpy(), precision[name])
    by_evaluate = comparison.compare(lists, additions, precision, 10, 1)
    shares = ("recall@7_adders", "hit_rate@3_adders", "coverage@7")
    assert measured == {
        "base_months": 2,
        "blend_months": 2,
        "customers": len(customers),
        "adders": int(adds.sum()),
        "additions": int(additions.sum()),
        "models": {name: {key: by_evaluate[name][key] for key in shares} for name in MODELS},
    }


def read_back(dataset: Dataset, date: datetime.date) -> Any:
    pq.write_table(predict.predict(dataset, date), "result.parquet")
    return Finished.read("result.parquet")


@pytest.mark.usefixtures("dataset")
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(date=st.sampled_from([APRIL, MAY]), seed=st.integers(0, 2**32))
def test_no_list_is_made_from_the_month_to_predict_or_a_later_one(
    date: datetime.date, seed: int, open_bank: OpenBank, crowd: pd.DataFrame
) -> None:
    def lists(data: Dataset) -> comparison.Rankings:
        past = data.before(date)
        return rank(fit_all(past), past.customers(month_of(date)), "")

    before = lists(open_bank(crowd))
    after = lists(open_bank(changed_since(crowd, date, seed)))
    assert list(before) == list(after) == MODELS
    for name in MODELS:
        np.testing.assert_array_equal(after[name], before[name])


def test_a_month_moves_with_its_own_additions(
    dataset: Dataset, open_bank: OpenBank, crowd: pd.DataFrame
) -> None:
    before = predict.predict(dataset, APRIL)
    later = predict.predict(open_bank(changed_since(crowd, MAY, 3)), APRIL)
    assert later.equals(before, check_metadata=True)  # May is of no account
    own = predict.predict(open_bank(changed_since(crowd, APRIL, 3)), APRIL)
    assert not own.equals(before)


def run() -> dict[str, bytes]:
    predict.main()
    return {path: Path(path).read_bytes() for path in (paths.ADDERS, paths.MONTHS)}


def mtimes() -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in sorted(Path(FOLDER).iterdir())}


@pytest.mark.usefixtures("dataset")
def test_tables_hold_every_month() -> None:
    run()
    adders = pd.read_parquet(paths.ADDERS)
    assert list(adders) == ["month", "customer", *MODELS]
    assert list(adders["month"].unique()) == [APRIL, MAY]
    content = json.loads(Path(paths.MONTHS).read_text())
    assert content["warnings"] == []
    counts = {date: month["adders"] for date, month in content["months"].items()}
    assert {str(date): len(own) for date, own in adders.groupby("month")} == counts
    assert all(own["customer"].is_monotonic_increasing for _, own in adders.groupby("month"))
    april = content["months"]["2016-04-28"]
    assert (april["base_months"], april["blend_months"]) == (1, 2)


@pytest.mark.usefixtures("dataset")
def test_two_processes_give_the_same_bytes_as_one(
    write_settings: WriteSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = run()
    for file in Path(FOLDER).iterdir():
        file.unlink()
    write_settings(workers=2)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert run() == alone


@pytest.mark.usefixtures("dataset")
def test_what_is_finished_is_not_done_again(
    write_settings: WriteSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    write_settings(at_most=1)
    run()
    kept = mtimes()
    capsys.readouterr()
    write_settings(at_most=2, workers=2)
    resumed = run()
    said = capsys.readouterr().err
    assert said == "2016-05-28: kept from an earlier run\n2016-04-28: predicted\n"
    assert len(mtimes()) == 2
    assert kept.items() <= mtimes().items()
    for file in Path(FOLDER).iterdir():
        file.unlink()
    assert run() == resumed


@pytest.mark.usefixtures("dataset")
def test_a_killed_run_goes_on_and_ends_as_if_not() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "src.backtest.predict"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    try:
        while not list(Path(FOLDER).glob("*.parquet")):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.001)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    kept = mtimes()
    assert [name[:10] for name in kept] == ["2016-04-28"]
    assert not Path(paths.ADDERS).exists()
    resumed = run()
    assert kept.items() <= mtimes().items()
    shutil.rmtree(FOLDER)
    assert run() == resumed


@pytest.mark.usefixtures("dataset")
def test_half_a_file_is_done_again(capsys: pytest.CaptureFixture[str]) -> None:
    first = run()
    april, _ = sorted(Path(FOLDER).iterdir())
    april.write_bytes(april.read_bytes()[:-100])
    capsys.readouterr()
    assert run() == first
    said = capsys.readouterr().err
    assert said == "2016-05-28: kept from an earlier run\n2016-04-28: predicted\n"


@pytest.mark.usefixtures("dataset")
def test_what_changes_meanwhile_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(*_: object) -> Any:
        Path("src/model.py").write_text("x = 2")
        return predict_before(*_)  # type: ignore[arg-type]

    predict_before = predict.predict
    monkeypatch.setattr(predict, "predict", change)
    sentence = (
        r"^data, code or parameters were changed while 2016-04-28 was predicted; run it again"
    )
    with pytest.raises(InputError, match=sentence):
        predict.main()
    assert not Path(FOLDER).exists()
    assert not Path(paths.ADDERS).exists()


def test_too_little_to_learn_from_names_the_month(
    dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Dataset) -> None:
        raise InputError("in the blend months nobody adds: lengthen split.blend in params.yaml")

    monkeypatch.setattr(predict, "fit_all", refuse)
    sentence = (
        r"^2016-04-28 cannot be predicted: in the blend months nobody adds: lengthen split\.blend "
        rf"in params\.yaml, or raise predict\.months_before in {PARAMS}$"
    )
    with pytest.raises(InputError, match=sentence):
        predict.predict(dataset, APRIL)


@pytest.mark.usefixtures("dataset")
def test_a_failing_engine_can_be_told_by_another_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class EngineError(ResourceError):
        def __init__(self, cause: str, where: str) -> None:
            super().__init__(f"{cause} in {where}")

    def fail(*_: object) -> None:
        raise EngineError("the disk is full", "here")

    monkeypatch.setattr(predict, "predict", fail)
    with pytest.raises(ResourceError, match=r"^the disk is full in here$") as caught:
        predict.predict_and_keep(APRIL, "")
    assert type(caught.value) is ResourceError

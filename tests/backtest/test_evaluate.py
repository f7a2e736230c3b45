import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from src.backtest import evaluate, paths
from src.backtest.evaluate import (
    Evaluate,
    against_others,
    as_table,
    by_month,
    in_resamples,
    over_months,
)
from src.reporting import write_exact, write_parquet
from tests.backtest.conftest import WriteSettings

SETTINGS = Evaluate(resamples=200, seed=3)
# AP@7 of two adders in April and four in May
PRECISION = {
    "popularity": [np.array([0.5, 0.0]), np.array([1.0, 0.5, 0.0, 0.5])],
    "blend": [np.array([1.0, 0.5]), np.array([1.0, 1.0, 0.5, 0.5])],
}


def measured(customers: int, adders: int, recall: float) -> dict[str, Any]:
    shares = {"recall@7_adders": recall, "hit_rate@3_adders": 0.5, "coverage@7": 1.0}
    counts = {"customers": customers, "adders": adders, "additions": adders + 1}
    return {
        "base_months": 1,
        "blend_months": 2,
        **counts,
        "models": {"popularity": shares, "blend": shares | {"coverage@7": 0.25}},
    }


MONTHS = {"2016-04-28": measured(10, 2, 0.75), "2016-05-28": measured(40, 4, 0.25)}


def test_every_month_counts_the_same() -> None:
    table = over_months(MONTHS, PRECISION, SETTINGS)
    april, may = 1.5 / 2, 3.0 / 4
    assert table["blend"]["map@7_adders"] == pytest.approx((april + may) / 2)
    assert table["blend"]["map@7"] == pytest.approx((1.5 / 10 + 3.0 / 40) / 2)
    assert table["popularity"]["map@7_adders"] == pytest.approx((0.5 / 2 + 2.0 / 4) / 2)
    assert table["popularity"]["recall@7_adders"] == pytest.approx((0.75 + 0.25) / 2)
    assert table["blend"]["coverage@7"] == 0.25
    for row in table.values():
        for measure in ("map@7", "map@7_adders"):
            assert row[f"{measure}_lo"] < row[measure] < row[f"{measure}_hi"]


def test_each_month_is_reported_as_evaluate_does() -> None:
    table = by_month(MONTHS, PRECISION, SETTINGS)
    assert list(table) == ["2016-04-28", "2016-05-28"]
    may = table["2016-05-28"]
    counts = {name: value for name, value in may.items() if name not in PRECISION}
    assert counts == {
        "base_months": 1,
        "blend_months": 2,
        "customers": 40,
        "adders": 4,
        "additions": 5,
        "map@7_max": 4 / 40,
    }
    assert may["blend"]["map@7_adders"] == 3.0 / 4
    assert may["blend"]["map@7"] == 3.0 / 40
    assert may["blend"]["recall@7_adders"] == 0.25
    assert list(may["blend"]) == [
        "map@7",
        "map@7_lo",
        "map@7_hi",
        "map@7_adders",
        "map@7_adders_lo",
        "map@7_adders_hi",
        "recall@7_adders",
        "hit_rate@3_adders",
        "coverage@7",
    ]


def test_the_blend_against_every_other_model() -> None:
    many = {
        "popularity": [np.tile([0.5, 0.0], 20), np.tile([1.0, 0.5, 0.0, 0.5], 20)],
        "als": [np.tile([1.0, 0.5], 20), np.tile([1.0, 1.0, 1.0, 1.0], 20)],
        "blend": [np.tile([1.0, 0.5], 20), np.tile([1.0, 1.0, 0.5, 0.5], 20)],
    }
    found = against_others(many, SETTINGS)
    assert list(found) == ["popularity", "als"]
    popularity, als = found.values()
    assert popularity["difference"] == pytest.approx((0.5 + 0.25) / 2)
    assert (popularity["months_higher"], popularity["verdict"]) == (2, "higher")
    assert 0 < popularity["difference_lo"] < 0.375 < popularity["difference_hi"]
    assert als["difference"] == pytest.approx((0 - 0.25) / 2)
    # April, in which both are the same, may be drawn twice
    assert (als["months_higher"], als["difference_hi"]) == (0, 0.0)
    assert als["verdict"] == "no difference"


def test_resamples_can_be_paired_with_another_runs() -> None:
    dates = ["2016-04-28"] * 2 + ["2016-05-28"] * 4
    adders = pd.DataFrame({"month": dates, "customer": [1, 2, 1, 3, 4, 5]})
    table = in_resamples(adders, PRECISION, [10, 40], SETTINGS)
    assert list(table) == ["adders", "popularity", "blend"]
    assert len(table) == 1 + SETTINGS.resamples
    assert list(table.loc[0, ["popularity", "blend"]]) == [(0.25 + 0.5) / 2, 0.75]
    low, high = np.quantile(table.loc[1:, "blend"], [0.025, 0.975])
    row = over_months(MONTHS, PRECISION, SETTINGS)["blend"]
    assert low == pytest.approx(row["map@7_adders_lo"])
    assert high == pytest.approx(row["map@7_adders_hi"])

    better = PRECISION | {"blend": [np.array([1.0, 1.0]), np.array([1.0, 1.0, 1.0, 0.5])]}
    again = in_resamples(adders, better, [10, 40], SETTINGS)
    pd.testing.assert_frame_equal(again.drop(columns="blend"), table.drop(columns="blend"))
    others = in_resamples(adders.assign(customer=[1, 9, 1, 3, 4, 5]), PRECISION, [10, 40], SETTINGS)
    assert others["adders"][0] != table["adders"][0]


def test_a_row_per_month_and_model() -> None:
    table = as_table(by_month(MONTHS, PRECISION, SETTINGS))
    assert table[["month", "model", "customers", "adders"]].to_numpy().tolist() == [
        ["2016-04-28", "popularity", 10, 2],
        ["2016-04-28", "blend", 10, 2],
        ["2016-05-28", "popularity", 40, 4],
        ["2016-05-28", "blend", 40, 4],
    ]
    assert table["map@7_adders"].tolist() == [0.25, 0.75, 0.5, 0.75]


def test_main_writes_metrics_table_and_figure(
    workspace: Path, write_settings: WriteSettings
) -> None:
    (workspace / "pipelines/backtest").mkdir(parents=True)
    write_settings()
    dates = [datetime.date(2016, 4, 28)] * 2 + [datetime.date(2016, 5, 28)] * 4
    models = {name: np.concatenate(own) for name, own in PRECISION.items()}
    adders = {"month": pa.array(dates, pa.date32()), "customer": [1, 2, 1, 3, 4, 5], **models}
    write_parquet(paths.ADDERS, pa.table(adders))
    write_exact(paths.MONTHS, {"warnings": ["2016-02 is missing"], "months": MONTHS})
    evaluate.main()
    metrics = json.loads(Path(paths.METRICS).read_text())
    assert list(metrics) == ["test", "warnings", "popularity", "blend", "blend_minus", "by_month"]
    assert metrics["test"] == {
        "months": 2,
        "first": "2016-04-28",
        "last": "2016-05-28",
        "customers": 50,
        "adders": 6,
        "additions": 8,
        "map@7_max": round((2 / 10 + 4 / 40) / 2, 6),
    }
    assert metrics["warnings"] == ["2016-02 is missing"]
    assert metrics["blend"]["map@7_adders"] == 0.75
    assert metrics["by_month"]["2016-04-28"]["popularity"]["map@7_adders"] == 0.25
    assert list(metrics["blend_minus"]) == ["popularity"]
    assert len(pd.read_csv(paths.BY_MONTH)) == 4
    assert len(pd.read_csv(paths.RESAMPLES)) == 1 + 50
    assert Path(paths.BY_MONTH_PNG).read_bytes().startswith(b"\x89PNG")

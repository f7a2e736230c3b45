import json
from pathlib import Path
from typing import Any

import pytest

from src.backtest import paths, report
from src.backtest.report import tables
from src.errors import InputError


def model(mean: float) -> dict[str, float]:
    return {
        "map@7": mean / 25,
        "map@7_adders": mean,
        "map@7_adders_lo": mean - 0.05,
        "map@7_adders_hi": mean + 0.05,
        "hit_rate@3_adders": 0.9,
    }


def metrics(months: int) -> dict[str, Any]:
    by_month = {
        f"2016-{month:02}-28": {
            "adders": 1000 * month,
            "popularity": model(0.5),
            "blend": model(0.75),
        }
        for month in range(1, months + 1)
    }
    return {
        "test": {
            "months": months,
            "first": "2016-01-28",
            "last": f"2016-{months:02}-28",
            "customers": 25_000,
            "adders": 1000,
            "additions": 1200,
            "map@7_max": 0.04,
        },
        "popularity": model(0.5),
        "blend": model(0.75),
        "blend_minus": {
            "popularity": {
                "difference": 0.25,
                "difference_lo": -0.125,
                "difference_hi": 0.625,
                "months_higher": 1,
                "verdict": "no difference",
            }
        },
        "by_month": by_month,
    }


TABLES = """\
2 test months, 2016-01-28 … 2016-02-28, each predicted from what lies before it: \
25,000 customers in all, 1,000 add 1,200 products. A perfect ranking scores MAP@7 0.0400.

| model | MAP@7 | of the maximum | MAP@7 among adders | 95 % interval | hit rate@3 |
| --- | --: | --: | --: | :-: | --: |
| popularity | 0.0200 | 50.0% | 0.500 | 0.450 … 0.550 | 0.900 |
| blend | 0.0300 | 75.0% | 0.750 | 0.700 … 0.800 | 0.900 |

| blend against | difference among adders | 95 % interval | months higher | |
| --- | --: | :-: | --: | --- |
| popularity | +0.2500 | -0.1250 … +0.6250 | 1 of 2 | no difference |

*Of 2 months only: this says little about others.*

| among adders | adders | popularity | blend |
| --- | --: | --: | --: |
| 2016-01-28 | 1,000 | 0.500 | 0.750 |
| 2016-02-28 | 2,000 | 0.500 | 0.750 |"""


def test_tables_by_hand() -> None:
    assert tables(metrics(2)) == TABLES


def test_six_months_need_no_apology() -> None:
    assert "*Of 5 months only" in tables(metrics(5))
    assert "only" not in tables(metrics(6))
    one = tables(metrics(1))
    assert one.startswith("1 test month, 2016-01-28 … 2016-01-28, ")
    assert "*Of 1 month only" in one


@pytest.mark.usefixtures("workspace")
def test_main_prints_tables_warnings_and_where_the_plot_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = Path(paths.METRICS)
    path.parent.mkdir()
    path.write_text(json.dumps(metrics(2) | {"warnings": ["odd"]}), encoding="utf-8")
    report.main()
    assert capsys.readouterr().out == (
        f"{TABLES}\n\nWarning: odd.\n\nPlot: plots/backtest/by_month.png\n"
    )


@pytest.mark.usefixtures("workspace")
def test_main_says_what_to_run_first() -> None:
    with pytest.raises(InputError, match=r"is missing: run 'dvc repro pipelines/backtest/dvc"):
        report.main()

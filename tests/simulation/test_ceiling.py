import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from src.errors import InputError
from src.products import paths
from src.products.schema import Schema
from src.products.windows import Windows
from src.reporting import write_parquet
from src.simulation import ceiling

PRODUCTS = [f"p{number}" for number in range(8)]

SCHEMA = {
    "id": "id",
    "month": "month",
    "numeric": {},
    "categorical": {},
    "products": {name: {"en": name, "ru": name} for name in PRODUCTS},
}


def schema() -> Schema:
    return Schema.model_validate(SCHEMA)


def write_truth(chances: dict[int, dict[str, float]]) -> None:
    columns: dict[str, Any] = {"customer": list(chances)}
    for name in PRODUCTS:
        values = [row.get(name, 0.0) for row in chances.values()]
        columns[name] = pa.array(values, pa.float32())
    write_parquet(ceiling.TRUTH, pa.table(columns))


def write_history(months: dict[int, dict[str, int]]) -> None:
    """Bits of each customer: 0b01 is the last month, 0b10 the one before."""
    columns = {
        name: pa.array([row.get(name, 0) for row in months.values()], pa.int64())
        for name in ("present", *PRODUCTS)
    }
    write_parquet(paths.HISTORY, pa.table({"customer": list(months), **columns}))
    dates = [datetime.date(2016, month, 28) for month in (2, 3, 4, 5)]
    Windows(dates[:1], dates[1:3], dates[3:], lookback_months=2).write()


HISTORY = {
    10: {"present": 0b11, "p0": 0b11, "p1": 0b01},  # adds p1
    20: {"present": 0b11, "p3": 0b01, "p4": 0b01, "p6": 0b10},  # adds p3 and p4, drops p6
    30: {"present": 0b11, "p2": 0b11},  # adds nothing
    40: {"present": 0b01, "p1": 0b01},  # new: what he holds is no addition
    50: {"present": 0b10, "p1": 0b10},  # gone
}
TRUTH = {
    10: {"p0": 0.99, "p1": 0.5, "p2": 0.9},  # p0 is held, so p2, p1: found in second place
    20: {"p3": 0.9, "p4": 0.4, "p5": 0.5},  # p3, p5, p4: first and third place
    30: {"p1": 0.2},
}
AP = {10: 1 / 2, 20: (1 / 1 + 2 / 3) / 2}


@pytest.mark.usefixtures("workspace")
def test_ceiling_by_hand() -> None:
    write_history(HISTORY)
    write_truth(TRUTH)
    assert ceiling.ceiling(schema()) == pytest.approx((AP[10] + AP[20]) / 2)


@pytest.mark.usefixtures("workspace")
def test_ceiling_takes_products_by_name() -> None:
    write_history(HISTORY)
    write_truth(TRUTH)
    reverse = dict(reversed(SCHEMA["products"].items()))  # type: ignore[attr-defined]
    backwards = Schema.model_validate(SCHEMA | {"products": reverse})
    assert ceiling.ceiling(backwards) == pytest.approx((AP[10] + AP[20]) / 2)


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("missing", [ceiling.TRUTH, paths.HISTORY])
def test_ceiling_says_which_file_is_missing(missing: str) -> None:
    write_history(HISTORY)
    write_truth(TRUTH)
    Path(missing).unlink()
    with pytest.raises(InputError, match=rf"^{missing} is missing: run 'dvc repro'"):
        ceiling.ceiling(schema())


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("stranger", [1, 15, 99])
def test_ceiling_needs_the_truth_about_the_same_customers(stranger: int) -> None:
    ids = [stranger, 20, 30, 40, 50]
    write_history(dict(sorted(zip(ids, HISTORY.values(), strict=True))))
    write_truth(TRUTH)
    with pytest.raises(InputError, match=r"are about different customers: is ingest\.path"):
        ceiling.ceiling(schema())


SCORES = {
    "popularity": 0.6,
    "als": 0.2,
    "kmeans": 0.1,
    "mlc": 0.4,
    "interleave": 0.3,
    "blend": 0.75,
}

# 0.6475 / 0.907 = 71.4 %
TABLE = """\
| model | simulated MAP@7 among adders | of the ceiling | real, May 2016 | of the best |
| --- | --: | --: | --: | --: |
| popularity | 0.600 | 75.0% | 0.647 | 71.4% |
| als | 0.200 | 25.0% |  |  |
| kmeans | 0.100 | 12.5% |  |  |
| mlc | 0.400 | 50.0% |  |  |
| interleave | 0.300 | 37.5% |  |  |
| blend | 0.750 | 93.8% |  |  |
| ceiling (real: best published) | 0.800 | 100.0% | 0.907 | 100.0% |"""


def test_table_by_hand() -> None:
    scores = {name: {"map@7_adders": score} for name, score in SCORES.items()}
    assert ceiling.table(0.8, scores) == TABLE


@pytest.mark.usefixtures("workspace")
def test_main_prints_each_model_as_a_share_of_the_ceiling(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_history(HISTORY)
    write_truth(TRUTH)
    Path("params.yaml").write_text(yaml.safe_dump({"schema": SCHEMA}), encoding="utf-8")
    Path(paths.METRICS).parent.mkdir()
    scores = {name: {"map@7_adders": 1 / 3} for name in SCORES}
    Path(paths.METRICS).write_text(json.dumps(scores), encoding="utf-8")
    ceiling.main()
    shown = capsys.readouterr().out
    assert "| blend | 0.333 | 50.0% |" in shown  # 1/3 of 2/3
    assert "| ceiling (real: best published) | 0.667 | 100.0% |" in shown

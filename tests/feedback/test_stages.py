import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from src.feedback import learn, paths, report
from src.feedback.learn import PARAMS
from src.products import paths as products
from src.products.dataset import Dataset
from src.products.fitting import fit_all
from src.reporting import write_parquet
from src.simulation import feedback as simulate
from tests.products.conftest import SECTIONS, OpenBank

SIMULATE: dict[str, Any] = {
    "customers": 0.5,
    "rounds": 3,
    "share": 0.5,
    "first": 2,
    "persuasion": 1,
    "taste": 0.5,
    "fatigue": 0.5,
    "dismissing": 0.5,
    "seed": 3,
}
LEARN = {"accepted": 1, "dismissed": 0.1, "resamples": 50, "seed": 1}


@pytest.fixture
def simulated(open_bank: OpenBank, crowd: pd.DataFrame) -> Dataset:
    """Forty customers with models and true chances; half of them have reacted to offers."""
    dataset = open_bank(crowd.assign(income=10.0 * crowd["customer"]))
    content = {"schema": dataset.schema.model_dump(), **SECTIONS}
    Path("params.yaml").write_text(yaml.safe_dump(content))
    Path(PARAMS).parent.mkdir(parents=True)
    Path(PARAMS).write_text(yaml.safe_dump({"simulate": SIMULATE, "learn": LEARN}))
    fit_all(dataset).save(products.MODELS)
    ids = dataset.history.customers
    chances = np.random.default_rng(1).uniform(0.05, 0.5, (3, len(ids))).astype(np.float32)
    names = ["customer", *dataset.products]
    write_parquet(simulate.BANK_TRUTH, pa.table([ids, *chances], names))
    simulate.main()
    return dataset


def test_feedback_from_end_to_end(simulated: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    learn.main()
    metrics = json.loads(Path(paths.METRICS).read_text())
    log = [json.loads(line) for line in Path(paths.LOG).read_text().splitlines()]
    said = [json.loads(line) for line in Path(paths.FEEDBACK).read_text().splitlines()]
    actions = [row["action"] for row in said]
    assert metrics["month"] == "2016-05-28"
    assert metrics["answers"] == len(log)
    assert metrics["accepted"] == actions.count("accepted") > 0
    assert 0 < metrics["dismissed"] <= actions.count("dismissed")  # an offer may have been alone
    offered = {row["customer"] for row in log}
    present = simulated.customers(simulated.windows.next - 1).history.customers
    assert metrics["customers"] == len(set(present.tolist()) - offered)
    rankings = metrics["rankings"]
    assert list(rankings) == ["without feedback", "accepted", "accepted and dismissed", "best"]
    best = rankings["best"]["accepted"]
    assert all(row["accepted"] <= best for row in rankings.values())
    report.main()
    assert "| the ranker learns from | accepted of 1,000 first offers" in capsys.readouterr().out
    first = Path(paths.METRICS).read_bytes()
    simulate.main()
    learn.main()
    assert Path(paths.METRICS).read_bytes() == first


@pytest.mark.usefixtures("simulated")
def test_feedback_without_weight_changes_nothing() -> None:
    nothing = {"accepted": 0, "dismissed": 0}
    Path(PARAMS).write_text(yaml.safe_dump({"learn": {**LEARN, **nothing}}))
    learn.main()
    rows = json.loads(Path(paths.METRICS).read_text())["rankings"]
    base = {key: rows["without feedback"][key] for key in ("accepted", "map@7_adders")}
    for name in ("accepted", "accepted and dismissed"):
        assert {key: rows[name][key] for key in base} == base

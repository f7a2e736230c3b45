import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from src.errors import InputError
from src.feedback import export, learn, paths, report
from src.feedback.settings import PARAMS
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
EXPORT = {"folder": str(Path(paths.LOG).parent)}


@pytest.fixture
def simulated(open_bank: OpenBank, crowd: pd.DataFrame) -> Dataset:
    """Forty customers with models and true chances; half of them have reacted to offers."""
    dataset = open_bank(crowd.assign(income=10.0 * crowd["customer"]))
    content = {"schema": dataset.schema.model_dump(), **SECTIONS}
    Path("params.yaml").write_text(yaml.safe_dump(content))
    Path(PARAMS).parent.mkdir(parents=True)
    Path(PARAMS).write_text(
        yaml.safe_dump({"simulate": SIMULATE, "export": EXPORT, "learn": LEARN})
    )
    fit_all(dataset).save(products.MODELS)
    ids = dataset.history.customers
    chances = np.random.default_rng(1).uniform(0.05, 0.5, (3, len(ids))).astype(np.float32)
    names = ["customer", *dataset.products]
    write_parquet(simulate.BANK_TRUTH, pa.table([ids, *chances], names))
    simulate.main()
    export.main()
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
    first = [Path(path).read_bytes() for path in (paths.ANSWERS, paths.METRICS)]
    simulate.main()
    export.main()
    learn.main()
    assert [Path(path).read_bytes() for path in (paths.ANSWERS, paths.METRICS)] == first


@pytest.mark.usefixtures("simulated")
def test_own_feedback_goes_the_same_way_and_without_a_truth(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A rotated log, its older part copied twice, in a folder in which nobody knows the truth."""
    table, own = Path(paths.ANSWERS).read_bytes(), Path("data/raw/feedback")
    own.mkdir(parents=True)
    lines = Path(paths.LOG).read_text().splitlines(keepends=True)
    (own / "rec_history.log").write_text("".join(lines[20:]))
    (own / "rec_history.log.1").write_text("".join(lines[:20]))
    (own / "rec_history.log.2").write_text("".join(lines[:10]))
    (own / "feedback.jsonl").write_bytes(Path(paths.FEEDBACK).read_bytes())
    changed = {"export": {"folder": str(own)}, "learn": LEARN}
    Path(PARAMS).write_text(yaml.safe_dump(changed))
    export.main()
    assert Path(paths.ANSWERS).read_bytes() == table
    learn.main()
    rankings = json.loads(Path(paths.METRICS).read_text())["rankings"]
    assert list(rankings) == ["without feedback", "accepted", "accepted and dismissed"]
    assert set(rankings["without feedback"]) == {"map@7_adders"}
    capsys.readouterr()
    report.main()
    header = "| the ranker learns from | MAP@7 among adders | change | 95 % interval |"
    assert header in capsys.readouterr().out


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        (paths.LOG, "has no rec_history.log, the service's answers: name .* export.folder in"),
        (paths.FEEDBACK, "feedback.jsonl is missing: write it by GET /feedback/export"),
    ],
)
def test_a_folder_without_log_or_feedback(missing: str, sentence: str) -> None:
    Path(missing).unlink()
    with pytest.raises(InputError, match=sentence):
        export.main()


@pytest.mark.usefixtures("simulated")
def test_answers_to_customers_whom_the_snapshot_lacks_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = Path(paths.LOG).read_text().splitlines()
    strange = [json.dumps(json.loads(line) | {"customer": 7}) for line in lines[:3]]
    Path(paths.LOG).write_text("\n".join([*strange, *lines[3:]]))
    export.main()
    assert capsys.readouterr().err == (
        "note: 3 answers are to customers whom the snapshot before does not have; "
        f"{len(lines) - 3} are kept\n"
    )


@pytest.mark.usefixtures("simulated")
def test_feedback_without_weight_changes_nothing() -> None:
    nothing = {"accepted": 0, "dismissed": 0}
    Path(PARAMS).write_text(yaml.safe_dump({"export": EXPORT, "learn": {**LEARN, **nothing}}))
    learn.main()
    rows = json.loads(Path(paths.METRICS).read_text())["rankings"]
    base = {key: rows["without feedback"][key] for key in ("accepted", "map@7_adders")}
    for name in ("accepted", "accepted and dismissed"):
        assert {key: rows[name][key] for key in base} == base

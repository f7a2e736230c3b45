"""The study of ALS for new providers: its windows, its measure, and what it must not see."""

import json
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pandas as pd
import pytest
import yaml

from src.errors import InputError
from src.payments import paths
from src.payments.providers.evaluation import found
from src.payments.providers.windows import window
from src.payments.schema import PARAMS as PAYMENTS
from src.tuning import payments_als as stage
from src.tuning import report
from src.tuning.payments_als import NewProviders
from src.tuning.space import PARAMS
from tests.payments.providers.toy import DEFAULTS, Row, changed, groups, payments

ALS = changed(DEFAULTS.models.als, factors=4, iterations=3)
SETTINGS = changed(DEFAULTS, horizon_days=10, origins=2, models=changed(DEFAULTS.models, als=ALS))
LONGER = changed(SETTINGS, horizon_days=20)  # a taste lasts so long
# Providers are A to E. From day 20 on: a pays C and D anew, b pays E, whom nobody had paid.
# From day 30 on: a pays B anew, c pays C and again B.
ROWS: Sequence[Row] = [
    ("a", 1, "A"), ("b", 1, "B"), ("c", 2, "B"), ("c", 2, "C"), ("b", 3, "D"), ("c", 4, "D"),
    ("a", 21, "C"), ("a", 29, "D"), ("b", 25, "E"),
    ("a", 30, "B"), ("c", 31, "A"), ("c", 39, "B"),
]  # fmt: skip
TEST = 40


def test_windows_lie_before_the_test() -> None:
    judge = NewProviders.before(payments(ROWS), TEST, SETTINGS)
    pairs = [
        (known.cut_off, list(zip(wanted.client.tolist(), wanted.provider.tolist(), strict=True)))
        for known, wanted in judge.windows
    ]
    assert pairs == [(20, [(0, 2), (0, 3), (1, -1)]), (30, [(0, 1), (2, 0)])]
    assert judge.facts == {"windows_from": ["1970-01-21", "1970-01-31"], "clients": 2}
    assert judge.title == (
        "2 clients with a new provider in the windows from 1970-01-21 and 1970-01-31 on"
    )
    assert judge.decides == {
        "horizon_days": 10,
        "never_offered": [],
        "origins": 2,
        "test": "1970-02-10",
    }


def test_a_client_counts_once_with_the_mean_of_their_windows() -> None:
    judge = NewProviders.before(payments(ROWS), TEST, SETTINGS)
    ranking = np.full((4, 10), -1, dtype=np.int32)
    ranking[0, :3] = [1, 2, 3]  # a wants 2 and 3: (1/2 + 2/3) / 2
    ranking[1, :2] = [0, 2]  # b wants nobody who can be named
    ranking[2, :2] = [1, 4]  # a wants 1: 1
    ranking[3, :3] = [4, 3, 0]  # c wants 0: 1/3
    expected = [((1 / 2 + 2 / 3) / 2 + 1) / 2, 1 / 3]
    assert judge(ranking).tolist() == pytest.approx(expected)


def test_a_window_without_anything_to_find() -> None:
    rows = [row for row in ROWS if row[1] < 30]
    sentence = r"in the 10 days from 1970-01-31 on no client pays a provider for the first time"
    with pytest.raises(InputError, match=sentence):
        NewProviders.before(payments(rows), TEST, SETTINGS)


@pytest.fixture
def stream(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:
    """Payments of sixty clients in 160 days, of which the last 20 are the test."""
    for name in ("figures", "save"):  # they take longer than the models
        monkeypatch.setattr(report, name, MagicMock())
    made = groups(160)
    split = {"first_day": "auto", "test_from": "auto", "test_days": 20, "valid_days": 10}
    size = {"trials": 3, "seconds": 600, "seed": 1, "prune": 0.5}
    space = {"factors": {"low": 2, "high": 8}, "bias": {"low": 0, "high": 1}}
    for file, content in {
        PAYMENTS: {"examples": LONGER.model_dump(), "split": split},
        PARAMS: {"payments_als": size | {"space": space}},
        "pipelines/tuning/dvc.yaml": {"stages": {"payments_als": {"deps": [paths.CLEAN]}}},
    }.items():
        (workspace / file).parent.mkdir(parents=True, exist_ok=True)
        (workspace / file).write_text(yaml.safe_dump(content))
    (workspace / paths.CLEAN).parent.mkdir(parents=True)
    return pd.DataFrame(
        {
            "client": made.clients[made.client],
            "date": pd.to_datetime(made.day.astype("int64"), unit="D").date,
            "provider": np.array(made.providers)[made.provider],
            "amount": made.amount,
        }
    )


def run_study(stream: pd.DataFrame) -> pd.DataFrame:
    stream.to_parquet(paths.CLEAN, index=False)
    stage.main()
    return pd.read_csv("plots/tuning/payments_als/trials.csv")


def test_the_current_settings_are_worth_what_the_stage_would_say(
    stream: pd.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    table = run_study(stream)
    by_client: dict[int, list[float]] = {}
    for cut_off in (100, 120):
        seen = window(groups(140), cut_off, LONGER, ["als"])
        clients, targets = seen.candidates.clients, seen.targets
        reachable = np.unique(targets.client[targets.provider >= 0])
        result = found(seen.rankings(10)["als"], clients, targets).average_precision(10)
        for client, precision in zip(reachable.tolist(), result.tolist(), strict=True):
            by_client.setdefault(client, []).append(precision)
    expected = np.mean([np.mean(values) for values in by_client.values()])
    assert table.loc[0, "map@10"] == pytest.approx(expected, abs=1e-6)
    summary = json.loads(Path("metrics/tuning/payments_als.json").read_text())
    assert summary["section"] == "examples.models.als"
    assert summary["windows_from"] == ["1970-04-11", "1970-05-01"]
    assert summary["clients"] == len(by_client)
    assert set(summary["best"]) == {"trial", "factors", "bias"}
    output = capsys.readouterr().out
    assert "payments_als: 3 of 3 trials, 0 given up early, 0 failed; judged on the " in output
    assert "| trial | MAP@10 | difference" in output


def test_the_test_changes_nothing(stream: pd.DataFrame) -> None:
    before = run_study(stream)
    in_test = pd.to_datetime(stream["date"]) >= pd.Timestamp("1970-05-21")
    assert 0 < in_test.sum() < len(stream)
    stream.loc[in_test, "provider"] = "p00"
    pd.testing.assert_frame_equal(run_study(stream), before)
    assert len(list(Path("data/tuning/payments_als").iterdir())) == 2  # other data, another study


def test_how_the_best_is_taken(stream: pd.DataFrame, capsys: pytest.CaptureFixture[str]) -> None:
    values = {"factors": 1, "bias": 0.0}  # a poor start, which any other trial beats
    content = yaml.safe_load(Path(PAYMENTS).read_text())
    content["examples"]["models"]["als"] |= values
    Path(PAYMENTS).write_text(yaml.safe_dump(content))
    spaces = yaml.safe_load(Path(PARAMS).read_text())
    spaces["payments_als"]["space"]["factors"]["low"] = 1
    Path(PARAMS).write_text(yaml.safe_dump(spaces))
    run_study(stream)
    best = json.loads(Path("metrics/tuning/payments_als.json").read_text())["best"]
    assert best["trial"] > 0
    assert (
        f"Take it: write bias: {best['bias']}, factors: {best['factors']} into examples.models.als "
        f"of {PAYMENTS}, then dvc repro pipelines/payments/dvc.yaml"
    ) in capsys.readouterr().out

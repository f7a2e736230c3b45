"""The backtest by DVC, in a clone with a small simulated bank."""

import json
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from src.backtest import paths
from tests.clones import Clone, rerun

PIPELINE = "pipelines/backtest/dvc.yaml"
PARAMS = "pipelines/backtest/params.yaml"
FINISHED = "data/backtest/finished"
OUTPUTS = (paths.ADDERS, paths.MONTHS, paths.METRICS, paths.BY_MONTH, paths.RESAMPLES)


@pytest.fixture
def clone(twins: tuple[Clone, Clone]) -> Iterator[Clone]:
    """A clone without a backtest, brought back afterwards."""
    _, clone = twins
    head = clone.run("git", "rev-parse", "HEAD").strip()
    yield clone
    clone.run("git", "reset", "--quiet", "--hard", head)
    clone.run("git", "clean", "--quiet", "--force", "-d", "metrics", "plots", "pipelines")
    shutil.rmtree(clone.folder / "data/backtest", ignore_errors=True)
    clone.run("dvc", "checkout", "--force")


def kill_after_the_first_month(clone: Clone) -> None:
    """Start `dvc repro` of the backtest, kill it as soon as a month is kept."""
    kept = f"{FINISHED}/*.parquet"
    clone.kill_when(lambda: any(clone.folder.glob(kept)), "dvc", "repro", PIPELINE)


def outputs(clone: Clone) -> dict[str, bytes]:
    return {path: clone.read(path) for path in OUTPUTS}


@pytest.mark.repro
def test_a_killed_backtest_goes_on_and_ends_as_if_not(clone: Clone) -> None:
    clone.change({"predict": {"at_most": 3, "workers": 1}}, PARAMS)
    kill_after_the_first_month(clone)
    assert not (clone.folder / paths.ADDERS).exists()
    (first,) = (clone.folder / FINISHED).glob("*.parquet")
    kept = first.read_bytes(), first.stat().st_mtime_ns
    assert first.name.startswith("2016-03-28-")

    output = clone.run("dvc", "repro", PIPELINE)
    assert rerun(output) == ["predict", "evaluate"], output
    assert "2016-03-28: kept from an earlier run" in output
    assert "2016-05-28: predicted" in output
    assert (first.read_bytes(), first.stat().st_mtime_ns) == kept
    resumed = outputs(clone)
    metrics = json.loads(resumed[paths.METRICS])
    assert list(metrics["by_month"]) == ["2016-03-28", "2016-04-28", "2016-05-28"]
    in_may, by_evaluate = metrics["by_month"]["2016-05-28"], clone.metrics()
    for name in ("popularity", "als", "kmeans", "mlc", "interleave", "blend"):
        for key in ("map@7", "map@7_adders", "recall@7_adders", "coverage@7"):
            assert in_may[name][key] == by_evaluate[name][key], (name, key)

    shutil.rmtree(clone.folder / FINISHED)
    clone.change({"predict": {"workers": 2}}, PARAMS)
    output = clone.run("dvc", "repro", "--force", "--single-item", f"{PIPELINE}:predict")
    assert "2016-03-28: predicted" in output  # without a break, by two processes
    clone.run("dvc", "repro", PIPELINE)
    assert outputs(clone) == resumed
    assert rerun(clone.run("dvc", "repro", PIPELINE)) == []
    assert rerun(clone.run("dvc", "repro")) == []


@pytest.mark.repro
def test_revisions_are_compared_over_all_months(clone: Clone) -> None:
    clone.change({"predict": {"at_most": 2, "workers": 1}}, PARAMS)
    clone.run("dvc", "repro", PIPELINE)
    clone.commit("A backtest")
    assert "No difference: identical" in over_months(clone, "HEAD", "workspace")

    fewer = ("dvc", "exp", "run", "-S", "train_als.factors=2", "--name")
    clone.run(*fewer, "alone")
    assert over_months(clone, "HEAD", "alone") == (
        "**No verdict over several months**: the backtest of 'alone' is an older one: train_als in "
        "params.yaml has changed since. Run 'dvc repro pipelines/backtest/dvc.yaml' there and "
        "commit what it wrote."
    )
    clone.run("git", "reset", "--quiet", "--hard")
    clone.run(*fewer, "both", "dvc.yaml", PIPELINE)
    section = over_months(clone, "HEAD", "both")
    assert section.startswith("### Over 2 test months\n")
    assert "| als |" in section
    assert "als.map@7_adders" in clone.run("dvc", "metrics", "diff", "HEAD", "both")


def over_months(clone: Clone, before: str, after: str) -> str:
    """What `src.compare` prints below its verdict on the test month."""
    process = subprocess.run(
        ["python", "-m", "src.compare", before, after],
        cwd=clone.folder,
        env=clone.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    starts = [process.stdout.find(text) for text in ("### Over", "**No verdict over several")]
    return process.stdout[max(starts) :].partition("\n\n*Gini of operations")[0]

"""Studies, grids and promoted trials by DVC, in a clone with a small simulated bank."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.clones import Clone, rerun

STUDY = "pipelines/tuning/dvc.yaml:als"
OUTPUTS = ("metrics/tuning", "plots/tuning/als")
TRIALS = 60


@pytest.fixture
def clone(twins: tuple[Clone, Clone]) -> Iterator[Clone]:
    """A clone without studies, brought back afterwards."""
    _, clone = twins
    for folder in ("data/tuning", *OUTPUTS):
        shutil.rmtree(clone.folder / folder, ignore_errors=True)
    yield clone
    clone.run("git", "reset", "--quiet", "--hard")
    clone.run("git", "clean", "--quiet", "--force", "-d", "metrics", "plots", "pipelines")
    clone.run("dvc", "checkout", "--force")


def kill_in_the_middle(clone: Clone) -> Path:
    """Start `dvc repro` of the study, kill it after a few trials."""
    told = "data/tuning/als/*/00003.npy"
    clone.kill_when(lambda: any(clone.folder.glob(told)), "dvc", "repro", STUDY)
    (folder,) = clone.folder.glob("data/tuning/als/*")
    return folder


@pytest.mark.repro
def test_a_killed_study_goes_on_and_ends_as_if_not(clone: Clone) -> None:
    clone.change({"als": {"trials": TRIALS}}, "pipelines/tuning/params.yaml")
    folder = kill_in_the_middle(clone)
    # the last trial may have been killed before its value was told
    *told, _ = sorted(folder.glob("*.npy"))
    complete = {file.name: file.stat().st_mtime_ns for file in told}
    assert clone.digests(*OUTPUTS) == {}
    ended = (folder / "journal.log").read_text().count('"op_code":6')
    assert 4 <= ended < TRIALS

    output = clone.run("dvc", "repro", STUDY)
    assert rerun(output) == ["als"]
    assert f"als: {TRIALS} of {TRIALS} trials" in output
    assert {name: (folder / name).stat().st_mtime_ns for name in complete} == complete
    outputs = clone.digests(*OUTPUTS)
    assert len(outputs) == 6

    shutil.rmtree(clone.folder / "data/tuning")
    clone.run("python", "-m", "src.tuning.als")  # without a break
    assert clone.digests(*OUTPUTS) == outputs
    assert rerun(clone.run("dvc", "repro", STUDY)) == []
    assert rerun(clone.run("dvc", "repro")) == []


@pytest.mark.repro
def test_a_grid_is_queued_and_run(clone: Clone) -> None:
    output = clone.run("dvc", "exp", "run", "--queue", "-S", "train_als.factors=2,6", "train_als")
    assert output.count("Queued experiment") == 2
    clone.run("dvc", "exp", "run", "--run-all")
    table = json.loads(clone.run("dvc", "exp", "show", "--json"))
    (_, at_head) = table
    factors = {
        experiment["revs"][0]["data"]["params"]["params.yaml"]["data"]["train_als"]["factors"]
        for experiment in at_head["experiments"]
    }
    assert factors == {2, 6}
    assert clone.run("git", "status", "--porcelain") == ""


@pytest.mark.repro
def test_the_best_trial_becomes_an_experiment_and_is_applied(clone: Clone) -> None:
    clone.change({"als": {"trials": 8}}, "pipelines/tuning/params.yaml")
    clone.run("dvc", "repro", "--single-item", STUDY)
    clone.commit("A study")
    before = clone.metrics()
    best = json.loads(clone.read("metrics/tuning/als.json"))["best"]

    output = clone.run("python", "-m", "src.tuning.promote", "als")
    assert sorted(rerun(output)) == ["blend", "evaluate", "recommend", "train_als"], output
    assert clone.metrics() == before
    assert clone.run("git", "status", "--porcelain") == ""
    assert clone.run("dvc", "exp", "list", "--name-only").split() == ["tuned-als-1"]
    assert "als.map@7_adders" in clone.run("dvc", "metrics", "diff", "HEAD", "tuned-als-1")

    clone.run("python", "-m", "src.tuning.promote", "als", "--apply", "1")
    assert clone.metrics()["als"] != before["als"]
    content = yaml.safe_load(clone.read("params.yaml"))["train_als"]
    assert {name: content[name] for name in best if name != "trial"} == {
        name: value for name, value in best.items() if name != "trial"
    }
    assert rerun(clone.run("dvc", "repro")) == []
    clone.run("git", "reset", "--quiet", "--hard", "HEAD~1")

"""The payments pipeline by DVC, on a small simulated bank, in clones of the working tree."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from src.payments import manifest, paths
from src.payments.operations.baselines import BASELINES
from src.payments.operations.models import OperationModels
from src.payments.schema import PARAMS
from tests.clones import Clone, copy_of_working_tree, environment, finish, rerun

pytestmark = pytest.mark.repro

PIPELINE = "pipelines/payments/dvc.yaml"
STAGES = [
    "simulate", "ingest", "clean", "eda", "observe", "examples", "train_operations", "evaluate",
    "recommend",
]  # fmt: skip
SMALL: dict[str, Any] = {
    "simulate": {"clients": 500, "providers": 120, "days": 240},
    "split": {"test_days": 30, "valid_days": 15},
    "observe": {"lookback_days": 60, "train_days": 60, "train_step": 10, "test_step": 7},
    "evaluate": {"resamples": 20},
}
FOLDERS = ("data/payments", "data/simulation", "models/payments", "metrics", "plots/payments")


@pytest.fixture(scope="module")
def clones(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, Clone]:
    """Two clones of one commit in which the pipeline ran, under different conditions."""
    folder = tmp_path_factory.mktemp("payments")
    variables = environment(folder / "home")
    first = Clone(folder / "first", variables | {"PYTHONHASHSEED": "1"})
    other = {"PYTHONHASHSEED": "2", "NEXTBEST_MEMORY": "1GB"}
    second = Clone(folder / "deeper" / "second", variables | other)
    copy_of_working_tree(first.folder)
    shutil.rmtree(first.folder / "plots/payments")
    for file in first.folder.glob("metrics/payments*"):
        file.unlink()
    (first.folder / "pipelines/payments/dvc.lock").unlink()
    make_small(first)
    first.run("git", "init", "--quiet")
    first.commit("A small bank")
    first.run("git", "clone", "--quiet", str(first.folder), str(second.folder))
    running = [clone.start("dvc", "repro", PIPELINE) for clone in (first, second)]
    for clone, process in zip((first, second), running, strict=True):
        assert sorted(rerun(finish(process))) == sorted(STAGES)
        clone.commit("dvc repro")
    return first, second


def make_small(clone: Clone) -> None:
    path = clone.folder / PARAMS
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, values in SMALL.items():
        content[section] |= values
    for booster in (
        content["train_operations"]["booster"],
        content["examples"]["models"]["boosting"],
        content["examples"]["second_stage"],
    ):
        booster["iterations"] = 10
    content["examples"]["models"]["boosting"]["days"] = 60
    content["train_operations"]["network"]["epochs"] = 2
    content["examples"] |= {"horizon_days": 30, "origins": 2, "resamples": 100}
    content["examples"]["second_stage"]["windows"] = 2
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def test_every_output_is_written_the_same_twice(clones: tuple[Clone, Clone]) -> None:
    first, second = clones
    written = first.digests(*FOLDERS)
    assert written == second.digests(*FOLDERS)
    lock = "pipelines/payments/dvc.lock"
    assert first.read(lock).decode() == second.read(lock).decode()
    folders = {paths.OPERATION_MODELS, paths.SERVED_OPERATIONS}
    named = {value for name, value in vars(paths).items() if name.isupper()} - folders
    assert named <= set(written)
    assert {*manifest.files(), manifest.PATH} <= set(written)


def test_a_second_repro_runs_nothing(clones: tuple[Clone, Clone]) -> None:
    first, _ = clones
    assert rerun(first.run("dvc", "repro", PIPELINE)) == []
    assert first.run("git", "status", "--porcelain") == ""


def test_metrics_are_of_every_model(clones: tuple[Clone, Clone]) -> None:
    metrics = json.loads(clones[0].read(paths.METRICS))
    operations, examples = metrics["operations"], metrics["examples"]
    models = ["logistic", "network", "booster"]
    assert list(operations["models"]) == [*models, *(one.name for one in BASELINES)]
    assert list(operations["cards"]) == models
    for row in operations["models"].values():
        assert -1 <= row["gini_lo"] <= row["gini"] <= row["gini_hi"] <= 1
    assert "second_stage" in examples["models"]
    assert list(examples["models"]) == list(examples["filter"])
    assert set(examples["masked"]) == set(examples["models"]) - {"second_stage"}
    shown = clones[0].run("dvc", "metrics", "show", "--json")
    assert paths.METRICS in shown


def test_an_experiment_takes_no_payment_into_git(clones: tuple[Clone, Clone]) -> None:
    _, second = clones
    change = f"{PARAMS}:evaluate.resamples=30"
    second.run("dvc", "exp", "run", "--name", "few", "-S", change, PIPELINE)
    references = second.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    (few,) = [name for name in references if name.endswith("/few")]
    committed = second.run("git", "ls-tree", "-r", "--name-only", few).splitlines()
    placeholders = {f"{folder}/{file}" for folder in ("data", "models")
                    for file in ("README.md", ".gitignore")}  # fmt: skip
    kept = {path for path in committed if path.startswith(("data/", "models/"))}
    assert kept == placeholders
    assert paths.METRICS in committed
    second.run("git", "reset", "--quiet", "--hard")


def test_the_tables_are_printed(
    clones: tuple[Clone, Clone], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = clones
    printed = first.run("python", "-m", "src.payments.report")
    assert "Operations repeated the next day:" in printed
    assert "| booster |" in printed
    assert "New providers from 2025-08-02 on:" in printed
    monkeypatch.chdir(first.folder)
    assert OperationModels.load(Path(paths.OPERATION_MODELS)).dictionary

"""Stages that score all customers, on both engines: within tasks, the same files."""

import shutil
from pathlib import Path

import pytest
import yaml

from src import lists
from src.engine import Engine, SparkSettings
from src.products import (
    blend,
    clean,
    evaluate,
    ingest,
    paths,
    recommend,
    split,
    train_als,
    train_kmeans,
    train_mlc,
    train_propensity,
)
from src.simulation.products import ProductsSimulation, simulate
from tests.spark.conftest import ROOT, choose

BEFORE = (
    ingest, clean, split, train_als, train_kmeans, train_mlc, train_propensity, blend,
)  # fmt: skip
FOLDERS = ("data/products", "models", "metrics", "plots/products")


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory,
    settings: SparkSettings,
    spark: Engine,  # noqa: ARG001
) -> dict[str, Path]:
    """A bank of 1,500 customers whose customers both engines have scored, in four parts."""
    folder = tmp_path_factory.mktemp("scoring")
    first, second = folder / "duckdb", folder / "spark"
    first.mkdir()
    content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["ingest"]["path"] = "train.csv"
    content["train_als"]["iterations"] = 2
    for section in ("train_mlc", "train_propensity", "blend"):
        content[section]["iterations"] = 5
    (first / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lists, "_AT_ONCE", 400)
        patch.chdir(first)
        people = ProductsSimulation(customers=1500, months=6, seed=1)
        simulate(people, first / "train.csv", first / "truth.parquet")
        for stage in BEFORE:
            stage.main()
        shutil.copytree(first, second)
        choose("spark", settings, second)
        for workspace in (first, second):
            patch.chdir(workspace)
            evaluate.main()
            recommend.main()
    return {"duckdb": first, "spark": second}


def files(workspace: Path) -> dict[str, bytes]:
    found = [path for folder in FOLDERS for path in (workspace / folder).rglob("*.*")]
    return {str(path.relative_to(workspace)): path.read_bytes() for path in found}


def test_files_are_the_same(both: dict[str, Path]) -> None:
    ours, theirs = files(both["spark"]), files(both["duckdb"])
    assert sorted(ours) == sorted(theirs)
    assert [name for name, content in ours.items() if content != theirs[name]] == []
    scored = (paths.RECOMMENDATIONS, paths.REASONS, paths.CHANCES, paths.WHO_REASONS)
    assert {*scored, paths.TEST_SCORES, paths.METRICS} <= set(ours)

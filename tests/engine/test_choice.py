"""engine.yaml chooses the engine, and nobody else knows which one runs."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from src.engine import SETTINGS, EngineSettings, connect
from src.engine.duckdb import DuckDB
from src.errors import InputError, ResourceError
from src.params import load

ROOT = Path(__file__).parents[2]
NAMES = re.compile(r"duckdb|spark", re.IGNORECASE)


def test_no_engine_is_named_outside_its_room() -> None:
    files = [*ROOT.glob("src/**/*.py"), *ROOT.glob("notebooks/*.ipynb"), ROOT / "params.yaml"]
    others = [file for file in files if ROOT / "src/engine" not in file.parents]
    assert len(others) > 200
    assert [str(file) for file in others if NAMES.search(file.read_text(encoding="utf-8"))] == []


def test_the_engine_of_the_repository_is_the_embedded_one() -> None:
    assert load("engine", EngineSettings, str(ROOT / SETTINGS)).name == "duckdb"


@pytest.fixture
def content(workspace: Path) -> dict[str, dict[str, object]]:  # noqa: ARG001
    found: dict[str, dict[str, object]] = yaml.safe_load((ROOT / SETTINGS).read_text("utf-8"))
    return found


def test_without_a_file_it_is_the_embedded_one(workspace: Path) -> None:
    assert list(workspace.iterdir()) == []
    assert isinstance(connect(), DuckDB)


def test_the_file_is_checked(content: dict[str, dict[str, object]]) -> None:
    content["engine"]["name"] = "polars"
    Path(SETTINGS).write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"engine\.yaml: 'engine\.name' is 'polars'"):
        connect()


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is not None, reason="it is installed")
def test_an_engine_that_is_not_installed(content: dict[str, dict[str, object]]) -> None:
    content["engine"]["name"] = "spark"
    Path(SETTINGS).write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ResourceError, match=r"^PySpark is not installed: 'make \.venv-spark/inst"):
        connect()

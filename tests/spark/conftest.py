"""A Spark application for the tests of a module; without a master, they are skipped."""

import os
from pathlib import Path

import pytest
import yaml

from src.engine import SETTINGS, SparkSettings
from src.engine.duckdb import DuckDB

ROOT = Path(__file__).parents[2]
MASTER = os.environ.get("NEXTBEST_SPARK_MASTER", "")  # set by `make test-spark`


def settings_for(scratch: Path | str, **changes: object) -> SparkSettings:
    """The settings of engine.yaml, as small as these tests are."""
    content = yaml.safe_load((ROOT / SETTINGS).read_text(encoding="utf-8"))["engine"]["spark"]
    small = {"master": MASTER, "executor_memory": "1g", "shuffle_partitions": 2}
    return SparkSettings.model_validate(content | small | {"scratch": str(scratch)} | changes)


def choose(name: str, settings: SparkSettings, folder: Path | None = None) -> None:
    """Write engine.yaml into a folder, or into the working folder."""
    content = {"engine": {"name": name, "spark": settings.model_dump()}}
    ((folder or Path()) / SETTINGS).write_text(yaml.safe_dump(content), encoding="utf-8")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name == "test_faults.py")  # they want all cores
    own = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in own:
        if not MASTER:
            item.add_marker(pytest.mark.skip(reason="no Spark master: make test-spark"))
        # PySpark leaves sockets to the garbage collector.
        item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
        item.add_marker(
            pytest.mark.filterwarnings(
                "ignore:.*unclosed.*:pytest.PytestUnraisableExceptionWarning"
            )
        )


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> SparkSettings:
    return settings_for(tmp_path_factory.mktemp("scratch"))


@pytest.fixture(scope="session")
def spark(settings: SparkSettings) -> "Spark":  # type: ignore[name-defined] # noqa: F821
    """An application of the cluster, of all modules but the last: to start one takes long."""
    from src.engine.spark import Spark

    return Spark.connect(settings)


@pytest.fixture(scope="session")
def duck() -> DuckDB:
    return DuckDB.connect()

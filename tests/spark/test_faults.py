"""What fails on a cluster: a worker, the driver in three places, and what was never there."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from src.engine import SparkSettings
from src.errors import ResourceError, run
from src.products import clean, ingest, paths
from src.simulation.products import ProductsSimulation, simulate
from tests.spark.conftest import ROOT, choose, settings_for

LONGEST = 240  # seconds; only a hung command takes as long
FOLDER = Path(os.environ.get("NEXTBEST_SPARK_FOLDER", ".spark"))  # of scripts/spark_cluster.sh
DRIVER = """
import sys, threading, time
from pathlib import Path
from src.engine import spark
from src.products import clean

def stop(*_):
    Path("here").touch()
    time.sleep(600)

def stop_in_a_write():
    while not list(Path("data/tmp").glob("spark-*/*/_temporary")):
        time.sleep(0.005)
    Path("here").touch()

def stop_halfway(tables, path):
    next(iter(tables))
    path.write_bytes(b"PAR1, and not the rest")
    stop()

match sys.argv[1]:
    case "before the write":
        spark.Spark.write = stop
    case "in the write":
        threading.Thread(target=stop_in_a_write, daemon=True).start()
    case "in the merge":
        spark.write_tables = stop_halfway
clean.main()
"""

SCORING = """
from src import lists
from src.engine import connect
from tests.spark.toy import Factor, Numbers, slowly
import numpy as np

lists._AT_ONCE = 1
parts = connect().by_parts(slowly, Factor(10, 0), Numbers(np.arange(1, 31)), "numbers")
print(*(part["product"]["product"][0] for part in parts))
"""


def digests() -> dict[str, str]:
    files = (paths.CLEAN, paths.MEDIANS, paths.REPAIRS)
    return {file: sha256(Path(file).read_bytes()).hexdigest() for file in files}


def start(*command: str) -> subprocess.Popen[str]:
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, *command],
        env=variables,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(there: Callable[[], object], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + LONGEST
    while not there():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.01)


def kill(pid: int) -> None:
    """Kill a process and its children, the driver's JVM or a worker's executors, at once."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in (pid, *map(int, children)):
        os.kill(one, signal.SIGKILL)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder in which ingest and clean have run on DuckDB; no application runs."""
    from pyspark.sql import SparkSession

    if session := SparkSession.getActiveSession():
        session.stop()
    folder = tmp_path_factory.mktemp("bank")
    shutil.copy(ROOT / "params.yaml", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        people = ProductsSimulation(customers=2000, months=4, seed=1)
        simulate(people, folder / "train.csv", folder / "truth.parquet")
        content = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))
        content["ingest"]["path"] = "train.csv"
        Path("params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
        ingest.main()
        clean.main()
    choose("spark", settings_for("data/tmp"), folder)
    return folder


@pytest.fixture
def right(bank: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the stage should write, in the working folder."""
    monkeypatch.chdir(bank)
    return digests()


def spoil() -> dict[str, str]:
    """Let the outputs be old ones: of other data."""
    for file in digests():
        Path(file).write_text("old", encoding="utf-8")
    return digests()


def test_parts_are_scored_although_an_executor_is_killed(right: dict[str, str]) -> None:  # noqa: ARG001
    process = start("-c", SCORING)
    scored = lambda: len(list(Path("data/tmp").glob("spark-*/*/results/*"))) > 3  # noqa: E731
    wait_for(scored, process)
    worker = int((FOLDER / "worker1.pid").read_text())
    tasks = Path(f"/proc/{worker}/task").glob("*/children")  # a thread of the worker has begun it
    children = " ".join(file.read_text() for file in tasks).split()
    command = {child: Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    (executor,) = (child for child in children if b"ExecutorBackend" in command[child])
    kill(int(executor))
    output, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, output
    assert [int(number) for number in output.split()[-30:]] == list(range(10, 310, 10))
    assert list(Path("data/tmp").glob("spark-*")) == []


@pytest.mark.parametrize("place", ["before the write", "in the write", "in the merge"])
def test_a_driver_that_is_killed_leaves_the_old_output(right: dict[str, str], place: str) -> None:
    kept = {file: Path(file).read_bytes() for file in right}
    old = spoil()
    process = start("-c", DRIVER, place)
    wait_for(Path("here").exists, process)
    kill(process.pid)
    process.wait()
    assert digests() == old
    Path("here").unlink()
    for file, content in kept.items():
        Path(file).write_bytes(content)


def test_after_that_a_run_completes_although_a_worker_is_killed(right: dict[str, str]) -> None:
    assert list(Path("data/tmp").glob("spark-*"))  # what the killed drivers have left
    spoil()
    process = start("-m", "src.products.clean")
    written = lambda: list(Path("data/tmp").glob(f"spark-*-{process.pid}-*/*/_temporary"))  # noqa: E731
    wait_for(written, process)
    kill(int((FOLDER / "worker2.pid").read_text()))
    output, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == 0, output
    assert digests() == right
    assert list(Path("data/tmp").glob("spark-*")) == []


def test_nothing_waits_for_ever_when_the_last_worker_is_lost(right: dict[str, str]) -> None:  # noqa: ARG001
    choose("spark", settings_for("data/tmp", wait_seconds=12))
    process = start("-c", SCORING)
    scored = lambda: list(Path("data/tmp").glob("spark-*/*/results/*"))  # noqa: E731
    wait_for(scored, process)
    kill(int((FOLDER / "worker1.pid").read_text()))  # the other one was killed before
    output, _ = process.communicate(timeout=LONGEST)
    assert process.returncode == 1
    assert output.endswith(
        "ResourceError: Spark: all executors are lost, and no other came: their workers are gone, "
        "or the memory of an executor does not suffice (their logs say which)\n"
    )


# what was never there


@pytest.mark.parametrize(
    ("changes", "path", "sentence"),
    [
        ({}, "", "there is no Java: Spark wants version 17 or newer"),
        (
            {"master": "spark://127.0.0.1:9"},
            None,
            r"no Spark master answers at spark://127\.0\.0\.1:9 \(Connection refused\): start",
        ),
        (
            {"executor_memory": "900g", "wait_seconds": 3},
            None,
            "gave no executor of 1 cores and 900g within 3 seconds: its workers are too small, ",
        ),
    ],
)
def test_what_is_not_there_is_said(
    right: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, object],
    path: str | None,
    sentence: str,
) -> None:
    if path is not None:
        monkeypatch.setenv("PATH", path)
        monkeypatch.delenv("JAVA_HOME", raising=False)
    choose("spark", settings_for("data/tmp", **changes))
    with pytest.raises(ResourceError, match=sentence):
        clean.main()
    with pytest.raises(SystemExit, match=rf"^error: .*{sentence}.*Nothing was replaced"):
        run(clean.main)
    assert digests() == right


def test_settings_are_checked(right: dict[str, str]) -> None:  # noqa: ARG001
    for name, value in {"master": "yarn", "executor_memory": "2", "cores": 0}.items():
        with pytest.raises(ValueError, match=name):
            SparkSettings.model_validate(settings_for("x").model_dump() | {name: value})

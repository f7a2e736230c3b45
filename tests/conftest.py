"""What tests share: an empty working folder, and the real sample where there is one."""

import os
import shutil
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

from tests.clones import STAGES, Clone, environment, finish, rerun, small_bank

_ROOT = Path(__file__).parent.parent

settings.register_profile("untimed", deadline=None)  # a busy machine is no fault
settings.load_profile("untimed")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests come first, so that no worker is left alone with them at the end."""
    long = {item.path for item in items if item.get_closest_marker("repro")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder: stages read and write relative to it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def real_data() -> Path:
    """Folder of the real sample; the test is skipped where there is none."""
    folder = (_ROOT / os.environ.get("NEXTBEST_REAL_DATA", "../shared/data")).resolve()
    if not (folder / "products").is_dir():
        pytest.skip(f"no real sample in {folder}")
    return folder


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> tuple[Clone, Clone]:
    """Two clones of one commit, in both of which `dvc repro` ran, under different conditions.

    Made once, by the worker that first wants them; every worker has copies of its own.
    """
    own = tmp_path_factory.mktemp("twins")
    made = own / "made" if worker_id == "master" else own.parent.parent / "twins"
    with FileLock(f"{made}.lock"):
        if not made.exists():
            _make_twins(made)
    shutil.copytree(made, own / "copies", symlinks=True)
    return _twins(own / "copies")


def _twins(folder: Path) -> tuple[Clone, Clone]:
    variables = environment(folder / "home")
    first = Clone(folder / "first", variables | {"PYTHONHASHSEED": "1"})
    other = {"PYTHONHASHSEED": "2", "NEXTBEST_MEMORY": "1GB"}
    return first, Clone(folder / "twin" / "deeper" / "elsewhere", variables | other)


def _make_twins(folder: Path) -> None:
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    first, second = _twins(unfinished)
    small_bank(first)
    first.run("git", "clone", "--quiet", str(first.folder), str(second.folder))
    running = [clone.start("dvc", "repro") for clone in (first, second)]
    outputs = [finish(process) for process in running]
    for clone, output in zip((first, second), outputs, strict=True):
        assert sorted(rerun(output)) == sorted(["products", *STAGES]), output
        clone.commit("dvc repro")
    unfinished.rename(folder)


@pytest.fixture(scope="session")
def first(twins: tuple[Clone, Clone]) -> Clone:
    """A clone that tests leave as `dvc repro` left it."""
    return twins[0]

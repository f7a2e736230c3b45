"""What git refuses is said in a sentence; raw data in a commit are found."""

import subprocess
from pathlib import Path

import pytest
from dvc.repo import Repo

from src.compare.git import git, unknown
from src.compare.revisions import raw_files, raw_files_sentence, read
from src.errors import InputError


def commit(folder: Path, message: str = "x") -> None:
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["add", "--all", "--force"], [*who, "commit", "--quiet", "-m", message]):
        subprocess.run(["git", *command], cwd=folder, check=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of git and DVC with two commits."""
    made = tmp_path / "made"
    made.mkdir()
    monkeypatch.chdir(made)
    subprocess.run(["git", "init", "--quiet", "--initial-branch", "main"], check=True)
    Repo.init(".").close()
    (made / "metrics").mkdir()
    (made / "metrics/products.json").write_text("{}")
    commit(made)
    (made / "plots").mkdir()
    (made / "plots/curve.csv").write_text("a\n")
    commit(made)
    return made


@pytest.mark.usefixtures("repository")
def test_what_git_prints() -> None:
    assert git("rev-list", "--count", "HEAD") == "2"
    assert git("rev-parse", "--verify", "--quiet", "nobody") == ""


@pytest.mark.usefixtures("repository")
def test_a_repository_of_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(InputError, match=r"belongs to another user: .*safe\.directory"):
        git("rev-parse", "HEAD")


@pytest.mark.usefixtures("repository")
def test_an_unknown_revision() -> None:
    assert str(unknown("mian", "did you mean main?")) == (
        "unknown revision 'mian': did you mean main?"
    )


def test_an_unknown_revision_of_a_shallow_clone(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = ["git", "clone", "--quiet", "--depth", "1", f"file://{repository}", "shallow"]
    subprocess.run(clone, cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path / "shallow")
    assert str(unknown("main~1", "name another")) == (
        "unknown revision 'main~1': this clone is shallow, so it may be cut off: 'git fetch "
        "--unshallow', then again"
    )


def test_raw_data_in_a_commit(repository: Path) -> None:
    assert raw_files("HEAD") == []
    assert raw_files_sentence("HEAD") == ""
    for name in ("own.csv", "data/raw/own.parquet", "old/TRAIN.CSV.GZ"):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text("1,2\n")
    commit(repository)
    assert raw_files("HEAD") == ["data/raw/own.parquet", "old/TRAIN.CSV.GZ", "own.csv"]
    assert raw_files("HEAD~1") == []
    assert raw_files_sentence("HEAD").startswith(
        "'HEAD' holds raw data in git: data/raw/own.parquet, old/TRAIN.CSV.GZ, own.csv. Do not push"
    )


def test_a_pipeline_that_dvc_cannot_read_is_to_blame(repository: Path) -> None:
    (repository / "params.yaml").write_text("split: {base: 2016-05-28}\n")
    (repository / "dvc.yaml").write_text("stages: {a: {cmd: 'true', deps: ['${split.base}']}}\n")
    with pytest.raises(InputError, match=r"DVC cannot read the pipeline of 'workspace': .*date"):
        read("workspace", "data/products/test_customers.parquet")

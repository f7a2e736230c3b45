"""Data, models and experiments travel by S3, over HTTP, to an endpoint that checks signatures."""

import json
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from src.products import paths
from tests.clones import ROOT, Clone, environment, rerun
from tests.servers import Endpoint, s3_endpoint

pytestmark = pytest.mark.repro
FOLDERS = ("data/products", "data/simulation", "models", "metrics", "plots")
LISTS = ("data/products", "models/serving")
SERVE = """
import json
from src import params
from src.lists import lists_of
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import Models

dataset = Dataset.open(params.load("schema", Schema)).rolled()
customers = dataset.customers(dataset.windows.next).of(slice(0, 3))
scores = Models.load("models/serving").score(customers)["blend"]
held = customers.history.holdings()
lists = lists_of(customers.history.customers, scores, held, dataset.products, 7)
print(json.dumps(lists.to_pylist()))
"""


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("s3")
    with s3_endpoint(folder, environment(folder / "home")) as running:
        yield running


@pytest.fixture
def author(first: Clone, tmp_path: Path) -> Clone:
    """A clone in which `dvc repro` ran, and its git remote."""
    folder = tmp_path / "author"
    shutil.copytree(first.folder, folder, symlinks=True)
    clone = Clone(folder, first.environment)
    clone.run("git", "init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    clone.run("git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    clone.run("git", "push", "--quiet", "origin", "HEAD:main")
    return clone


def colleague(tmp_path: Path) -> Clone:
    """A clone on another machine: nothing but what git has."""
    clone = Clone(tmp_path / "colleague", environment(tmp_path / "elsewhere"))
    clone.folder.mkdir()
    origin = str(tmp_path / "origin.git")
    clone.run("git", "clone", "--quiet", "--branch", "main", origin, ".")
    placeholders = {
        f"{folder}/{file}" for folder in ("data", "models") for file in ("README.md", ".gitignore")
    }
    assert set(clone.digests("data", "models", ".dvc/cache")) == placeholders
    return clone


def configure(clone: Clone, endpoint: Endpoint, **wrong: str) -> None:
    """Do what the endpoint's `dvc remote modify --local storage KEY VALUE` lines say."""
    settings = {line[-2]: line[-1] for line in endpoint.pasted if "modify" in line} | wrong
    lines = [f"    {name} = {value}\n" for name, value in settings.items()]
    text = "['remote \"storage\"']\n" + "".join(lines)
    (clone.folder / ".dvc/config.local").write_text(text, encoding="utf-8")


def test_a_second_machine_needs_git_and_s3_only(
    author: Clone, endpoint: Endpoint, tmp_path: Path
) -> None:
    before, judged = author.digests(*FOLDERS), author.metrics()
    changes = ("-S", "evaluate.resamples=100", "-S", "recommend.k=2")
    author.run("dvc", "exp", "run", "--name", "rough", *changes)
    rough, short = author.metrics(), author.digests(*LISTS)
    assert rough["blend"] != judged["blend"]
    author.run("git", "reset", "--quiet", "--hard")
    configure(author, endpoint)
    author.run(*endpoint.pasted[-1])
    author.run("dvc", "exp", "push", "origin", "rough")
    assert author.run("git", "status", "--porcelain") == ""
    shutil.rmtree(author.folder)

    other = colleague(tmp_path)
    configure(other, endpoint)
    other.run("dvc", "pull", "--run-cache")
    assert other.digests(*FOLDERS) == before
    shown = json.loads(other.run("dvc", "metrics", "show", "--json", paths.METRICS))
    assert shown[""]["data"][paths.METRICS]["data"] == judged
    assert rerun(other.run("dvc", "repro")) == []
    assert other.run("git", "status", "--porcelain") == ""

    lists = json.loads(other.run("python", "-c", SERVE))
    recommended = pq.read_table(other.folder / paths.RECOMMENDATIONS).to_pylist()
    assert lists == recommended[: len(lists)]
    assert len({row["customer"] for row in lists}) == 3

    other.change({"recommend": {"k": 2}})
    assert rerun(other.run("dvc", "repro", "--pull")) == []  # the run cache knows it
    assert other.digests(*LISTS) == short
    other.run("git", "checkout", "--quiet", ".")
    other.run("dvc", "exp", "pull", "origin", "rough")
    other.run("dvc", "exp", "apply", "rough")
    assert other.metrics() == rough
    assert other.digests(*LISTS) == short


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"secret_access_key": "guessed"}, "403.*Forbidden"),
        ({"url": "s3://absent/dvc"}, "The specified bucket does not exist"),
        ({"endpointurl": "http://127.0.0.1:9"}, 'Could not connect .* "http://127.0.0.1:9/'),
    ],
    ids=["key", "bucket", "endpoint"],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(
    author: Clone, endpoint: Endpoint, wrong: dict[str, str], sentence: str
) -> None:
    kept = (".dvc/cache", *FOLDERS)
    before, stored = author.digests(*kept), endpoint.objects()
    configure(author, endpoint, **wrong)
    output = author.fail("dvc", "push")
    assert re.search(f"^ERROR: .*{sentence}", output, re.MULTILINE), output
    assert "Traceback" not in output
    assert author.digests(*kept) == before
    assert endpoint.objects() == stored


def test_a_killed_push_leaves_whole_objects_and_the_next_one_ends_it(
    author: Clone, tmp_path: Path
) -> None:
    before = author.digests(*FOLDERS)
    slow = {"RCLONE_BWLIMIT": "100k"}  # bytes a second: the raw table alone takes ten seconds
    with s3_endpoint(tmp_path / "s3", author.environment, **slow) as endpoint:
        configure(author, endpoint)
        push = author.start("dvc", "push")
        while not endpoint.objects() and push.poll() is None:
            time.sleep(0.02)
        push.kill()
        output, _ = push.communicate()
        assert push.returncode == -signal.SIGKILL, output
    objects = endpoint.objects()
    assert objects
    for file in objects:
        assert "".join(file.parts[-2:]).removesuffix(".dir") == digest(file)

    with s3_endpoint(tmp_path / "s3", author.environment) as endpoint:
        configure(author, endpoint)
        author.run("dvc", "push")
        assert len(endpoint.objects()) > len(objects)
        other = colleague(tmp_path)
        configure(other, endpoint)
        other.run("dvc", "pull")
    assert other.digests(*FOLDERS) == before


def digest(file: Path) -> str:
    return md5(file.read_bytes()).hexdigest()  # noqa: S324


def test_the_key_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    variables = environment(tmp_path)
    with s3_endpoint(tmp_path / "s3", variables) as once:
        pass
    with s3_endpoint(tmp_path / "s3", variables) as again:
        pass
    assert again.variables | {"MLFLOW_S3_ENDPOINT_URL": once.url} == once.variables
    *modify, push = once.pasted
    assert [" ".join(line[:-2]) for line in modify] == ["dvc remote modify --local storage"] * 3
    assert push == ["dvc", "push", "--run-cache"]
    assert len(once.variables["AWS_SECRET_ACCESS_KEY"]) == 40
    assert stat.filemode((tmp_path / "s3/key").stat().st_mode) == "-rw-------"
    local = [".s3/key", ".mlflow/mlflow.db", "deploy/mlflow/.env", ".dvc/config.local"]
    ignored = subprocess.run(["git", "check-ignore", *local], cwd=ROOT, capture_output=True)
    assert ignored.stdout.decode().split() == local

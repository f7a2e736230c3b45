"""What `make images` decides; the images themselves are built by CI, after the tests."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scripts import images
from scripts.images import Engine, ask, call, chosen_engine, machine_files, mirror, package_index
from src.errors import InputError


def tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.fixture
def tools(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all that there is on the path."""
    monkeypatch.setenv("PATH", str(workspace))
    return workspace


class TestChosenEngine:
    def test_the_first_that_starts_the_base(self, tools: Path) -> None:
        tool(tools, "docker", "exit 1")
        tool(tools, "podman", f'[ "$*" = "run --rm base:1 true" ] && : > {tools}/started')
        assert chosen_engine("base:1") == "podman"
        assert (tools / "started").exists()

    def test_buildah_where_none_starts_it(
        self, tools: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        tool(tools, "podman", "exit 125")
        tool(tools, "buildah", "exit 1")
        tool(tools, "debootstrap", "exit 1")
        assert chosen_engine("base:1") == "buildah"

    def test_tools_are_installed_by_apt(self, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        tool(tools, "apt-get", f'echo "$*" >> {tools}/asked')
        assert chosen_engine("base:1") == "buildah"
        assert (tools / "asked").read_text("utf-8").splitlines() == [
            "update -qq",
            "install -y -qq --no-install-recommends ca-certificates buildah debootstrap",
        ]

    @pytest.mark.parametrize(
        ("user", "sentence"),
        [
            (1000, "can start base:1 here, and building without them needs root: start Docker"),
            (0, "there is no apt-get to install buildah and debootstrap"),
        ],
    )
    def test_who_can_have_none_is_told(
        self, tools: Path, monkeypatch: pytest.MonkeyPatch, user: int, sentence: str
    ) -> None:
        assert list(tools.iterdir()) == []
        monkeypatch.setattr(os, "geteuid", lambda: user)
        with pytest.raises(InputError, match=sentence):
            chosen_engine("base:1")


class TestMachine:
    def test_mirror_is_that_of_the_release(self) -> None:
        listing = "bookworm-security http://one.test/s/\nbookworm http://two.test/debian/\n"
        assert mirror(listing, "bookworm") == "http://two.test/debian/"
        assert mirror(listing, "trixie") is None
        assert mirror("", "bookworm") is None

    def test_index_of_a_variable_goes_before_that_of_pip(self) -> None:
        names = [f"{tool}_{'INDEX'}_URL" for tool in ("UV", "PIP")]
        variables = dict(zip(names, ["", "https://variable.test/simple"], strict=True))
        assert package_index(variables, "https://file.test\n") == "https://variable.test/simple"
        assert package_index({}, "https://file.test\n") == "https://file.test"
        assert package_index({}, "") is None

    def test_pip_uv_and_apt_read_what_they_are_lent(self) -> None:
        apt = 'APT "";\nAcquire::http::Proxy "http://proxy.test:3128";\nDir "/";\n'
        files = machine_files("https://index.test/simple", apt)
        pip = ConfigParser()
        pip.read_string(files.pop("/etc/pip.conf"))
        assert dict(pip["global"]) == {
            "cert": "/etc/ssl/certs/ca-certificates.crt",
            "index-url": "https://index.test/simple",
        }
        assert tomllib.loads(files.pop("/etc/uv/uv.toml")) == {
            "system-certs": True,
            "index": [{"url": "https://index.test/simple", "default": True}],
        }
        assert files == {
            "/etc/apt/apt.conf.d/99machine": 'Acquire::http::Proxy "http://proxy.test:3128";\n'
        }

    def test_without_an_index_everybody_s_is_asked(self) -> None:
        files = machine_files(None, "")
        assert "index" not in "".join(files.values())


class TestContainer:
    def test_engine_locks_it_down_as_compose_does(self) -> None:
        mounts, variables = {Path("/here"): "/there"}, {"A": "b"}
        with Engine("docker").container("service", mounts, variables) as command:
            assert command() == [
                *("docker", "run", "--rm", "--read-only", "--tmpfs", "/tmp"),  # noqa: S108
                *("--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "host"),
                *("--volume", "/here:/there", "--env", "A=b", "nextbest-service"),
            ]
            assert command("id", "-u")[-3:] == ["nextbest-service", "id", "-u"]

    def test_buildah_runs_the_command_of_the_image_and_removes_its_container(
        self, tools: Path
    ) -> None:
        image = json.dumps({"OCIv1": {"config": {"Cmd": ["python", "-m", "src.service"]}}})
        tool(
            tools,
            "buildah",
            f'echo "$*" >> {tools}/asked\n'
            f"case $1 in inspect) echo '{image}';; from) echo made;; esac",
        )
        with Engine("buildah").container("service", {Path("/here"): "/there"}, {}) as command:
            start = ["buildah", "run", "--isolation", "chroot", "--volume", "/here:/there", "made"]
            assert command() == [*start, "--", "python", "-m", "src.service"]
            assert command("id") == [*start, "--", "id"]
        assert (tools / "asked").read_text("utf-8").splitlines() == [
            "inspect --type image nextbest-service",
            "from --pull-never nextbest-service",
            "rm made",
        ]


class TestOwnStore:
    @pytest.fixture
    def asked(self, tools: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """What buildah is asked, and in which store."""
        monkeypatch.setattr(images, "STORE", tools / "store")
        log = tools / "asked"
        tool(tools, "buildah", f'echo "$CONTAINERS_STORAGE_CONF $*" >> {log}; echo vfs')
        return log

    def test_containers_are_removed_before_and_after_from_this_store_alone(
        self, asked: Path, workspace: Path
    ) -> None:
        settings = workspace / "storage.conf"
        with pytest.raises(KeyboardInterrupt), images.own_store(workspace):
            raise KeyboardInterrupt
        assert tomllib.loads(settings.read_text("utf-8")) == {
            "storage": {
                "driver": "vfs",
                "graphroot": f"{workspace}/store",
                "runroot": f"{workspace}/run",
            }
        }
        assert asked.read_text("utf-8").splitlines() == [
            " info --format {{.store.GraphDriverName}}",
            f"{settings} rm --all",
            f"{settings} rm --all",
        ]
        assert "CONTAINERS_STORAGE_CONF" not in os.environ

    @pytest.mark.usefixtures("asked")
    def test_one_process_has_it_at_a_time(self, workspace: Path) -> None:
        with (
            images.own_store(workspace),
            pytest.raises(InputError, match="another 'make images' runs on this machine"),
            images.own_store(workspace),
        ):
            pass
        with images.own_store(workspace):
            pass


def test_a_command_that_fails_is_named_with_what_it_said(workspace: Path) -> None:
    with pytest.raises(InputError, match=r"'sh -c … two' ended with 3:\n  no such bucket"):
        call("sh", "-c", "echo no such bucket >&2; exit 3", "one", "two", folder=workspace)


def test_the_bank_is_small_and_nothing_that_git_ignores_is_copied(tmp_path: Path) -> None:
    images.copy_of_working_tree(tmp_path)
    params = (tmp_path / "pipelines/simulation/params.yaml").read_text("utf-8")
    assert "\n  customers: 1100 " in params
    assert (tmp_path / "deploy/s3/run_s3_server.sh").stat().st_mode & 0o100
    assert not (tmp_path / ".venv").exists()
    assert not (tmp_path / ".dvc/cache").exists()


def test_a_server_that_ends_is_told_by_its_log(workspace: Path) -> None:
    command = ["sh", "-c", "echo no models; exit 1"]
    with (
        pytest.raises(InputError, match=r"sh did not come up:\n  no models"),
        images.running(command, {}, workspace / "log", lambda: False),
    ):
        pass


def test_a_server_and_what_it_started_are_gone_at_the_end(workspace: Path) -> None:
    command = ["sh", "-c", "sleep 600 & echo $! > pid; wait"]
    pid = workspace / "pid"
    with images.running(
        command, {}, workspace / "log", lambda: bool(pid.exists() and pid.stat().st_size)
    ):
        child = int(pid.read_text("utf-8"))
    ends = time.monotonic() + 30
    while runs(child):  # it was killed, and dies when its turn comes
        assert time.monotonic() < ends
        time.sleep(0.01)


def runs(process: int) -> bool:
    """Whether a process is there, and is more than a name that nobody has collected yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


ANSWERS: dict[str, Any] = {
    "/ready": {"ready": True, "revision": "abc1234", "known_customers": 2}
    | {"promoted": {"served": True}},
    "1": {"source": "personal", "recommendations": []},
    "2": {"source": "personal", "recommendations": [{"product": "card"}]},
}


@contextlib.contextmanager
def service(answers: dict[str, Any], *, guarded: bool = True) -> Iterator[str]:
    """A service that answers so; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.headers["Authorization"]
            allowed = self.path == "/health" or key == "Bearer nb_key" or not guarded
            self.answer(200 if allowed else 401, answers.get(self.path))

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(200, answers[str(asked["customer"])])

        def answer(self, status: int, content: Any) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class TestAsk:
    @pytest.fixture
    def recommendations(self, workspace: Path) -> Path:
        path = workspace / "recommendations.parquet"
        pq.write_table(pa.table({"customer": [1, 1, 2]}), path)
        return path

    def test_says_who_is_offered_what(self, recommendations: Path) -> None:
        with service(ANSWERS) as url:
            assert ask(url, "nb_key", "abc1234", recommendations) == (
                "2 customers of revision abc1234; customer 2 is offered card"
            )

    @pytest.mark.parametrize(
        ("wrong", "sentence"),
        [
            ({"/ready": ANSWERS["/ready"] | {"revision": "old"}}, "or not of revision abc1234"),
            ({"/ready": ANSWERS["/ready"] | {"ready": False}}, "/ready is not ready"),
            (
                {"/ready": ANSWERS["/ready"] | {"promoted": None}},
                "not serve what was promoted: None",
            ),
            ({"2": ANSWERS["1"]}, "none of 2 customers is offered anything"),
            ({"2": ANSWERS["2"] | {"source": "popular"}}, "none of 2 customers"),
        ],
    )
    def test_another_answer_is_an_error(
        self, recommendations: Path, wrong: dict[str, Any], sentence: str
    ) -> None:
        with service(ANSWERS | wrong) as url, pytest.raises(InputError, match=sentence):
            ask(url, "nb_key", "abc1234", recommendations)

    def test_an_open_door_is_an_error(self, recommendations: Path) -> None:
        with (
            service(ANSWERS, guarded=False) as url,
            pytest.raises(InputError, match="/ready without a key answers 200, not 401"),
        ):
            ask(url, "nb_key", "abc1234", recommendations)


def test_whoever_cannot_gets_one_sentence(workspace: Path) -> None:
    """As a user without rights and tools: exit code 1, no traceback, nothing left."""
    code = "import os; os.geteuid = lambda: 1000; from scripts.images import *; run(main)"
    temporary = workspace / "temporary"
    temporary.mkdir()
    git = shutil.which("git")
    assert git is not None
    (workspace / "git").symlink_to(git)
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=images.ROOT,
        env={"PATH": str(workspace), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: neither Docker nor Podman can start python:3.11.")
    assert ended.stderr.count("\n") == 1
    assert list(temporary.iterdir()) == []

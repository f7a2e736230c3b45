"""Servers that tests start by the project's own scripts, on free ports of this machine."""

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clones import ROOT

_LONGEST = 180  # seconds; only a server that never comes up takes as long


@dataclass(frozen=True)
class Endpoint:
    """An S3 endpoint that checks signatures.

    Attributes
    ----------
    url : str
    bucket : Path
        Folder that holds its only bucket.
    pasted : list of list of str
        The commands that the script tells people to run.
    variables : dict
        What it tells them to write into MLflow's .env.
    """

    url: str
    bucket: Path
    pasted: list[list[str]]
    variables: dict[str, str]

    def objects(self) -> list[Path]:
        """Files of the bucket; unfinished ones have names of their own and do not count."""
        files = (path for path in self.bucket.rglob("*") if path.is_file())
        return sorted(path for path in files if not path.name.startswith(".rclone"))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(script: Path, environment: dict[str, str], port: int, log: Path) -> Iterator[None]:
    """A script that serves HTTP, from when it answers to the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", str(script)],
            cwd="/",  # works from anywhere
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _LONGEST
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{script} does not answer:\n{log.read_text()}", pytrace=False)
            time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(_LONGEST)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        connection.getresponse()
    except OSError:
        return False
    finally:
        connection.close()
    return True


@contextmanager
def s3_endpoint(folder: Path, environment: dict[str, str], **more: str) -> Iterator[Endpoint]:
    """`make s3` on a folder; `more` are environment variables."""
    folder.mkdir(exist_ok=True)
    port, log = free_port(), folder / "log"
    variables = environment | {"S3_PORT": str(port), "S3_FOLDER": str(folder)} | more
    with running(ROOT / "deploy/s3/run_s3_server.sh", variables, port, log):
        lines = [line.strip() for line in log.read_text().splitlines() if line.startswith("  ")]
        yield Endpoint(
            f"http://127.0.0.1:{port}",
            folder / "buckets/nextbest",
            [line.split() for line in lines if line.startswith("dvc ")],
            dict(line.split("=", 1) for line in lines if "=" in line),
        )

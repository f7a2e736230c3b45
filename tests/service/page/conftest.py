"""A service that runs as a process of its own, and a browser that looks at it."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from src.service.web import keys
from tests.service.page.screenshots import chromium

ROOT = Path(__file__).parents[3]
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Running:
    """Address of the service, and its keys."""

    address: str
    keys: dict[str, str]

    def get(self, path: str, scope: str = "admin") -> httpx.Response:
        key = {"Authorization": f"Bearer {self.keys[scope]}"}
        return httpx.get(self.address + path, headers=key)

    def recommendations(self, customer: int | str) -> Any:
        key = {"Authorization": f"Bearer {self.keys['read']}"}
        body = {"customer": customer}
        return httpx.post(f"{self.address}recommendations", json=body, headers=key).json()


@contextmanager
def serve(folder: Path) -> Iterator[Running]:
    """Run the service in the folder of a bank."""
    scopes: dict[str, list[keys.Scope]] = {
        "page": ["read", "feedback"],
        "read": ["read"],
        "admin": ["admin"],
    }
    stored = folder / "data/service/keys.json"
    made = {name: keys.create(stored, name, allowed) for name, allowed in scopes.items()}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NEXTBEST_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "src.service"],
        cwd=folder,
        env=kept
        | {
            "PYTHONPATH": str(ROOT),
            "NEXTBEST_PORT": str(port),
            "NEXTBEST_METRICS_PORT": "0",
            "NEXTBEST_REVISION": "abc1234",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    log = ""
    for line in process.stderr:
        log += line
        if "Uvicorn running" in line:
            break
    else:
        pytest.fail(f"the service did not start:\n{log}")
    try:
        yield Running(f"http://127.0.0.1:{port}/", made)
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def running(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("page") / "bank"
    shutil.copytree(ran, folder)
    with serve(folder) as service:
        yield service


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


def faults_of(page: Page) -> list[str]:
    """Accessibility faults that axe finds."""
    page.evaluate(AXE)
    result = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{fault['id']} ({fault['impact']}): {node['html']} {node['failureSummary']}"
        for fault in result["violations"]
        for node in fault["nodes"]
    ]


def texts(page: Page, selector: str) -> list[str]:
    return [text.strip() for text in page.locator(selector).all_inner_texts()]

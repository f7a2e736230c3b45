"""The small bank, run through the pipeline once, and services of it."""

import csv
import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from src.products import clean, ingest, recommend, split
from src.service.app import create_app
from src.service.settings import Settings
from src.service.web import keys
from tests.service.bank import PARAMS, RULES, Service, Start, TestClient, fit_models, raw_rows


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of whoever runs the tests are not those of the tests."""
    for name in os.environ:
        if name.startswith("NEXTBEST_") and name != "NEXTBEST_REAL_DATA":
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def imported_once() -> Iterator[None]:
    """Every service that starts or reloads looks through all objects for garbage.

    Those of what all the tests have imported, many more than its own, are kept out of its sight.
    """
    gc.collect()
    gc.freeze()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "unfreeze", lambda: None)
        patch.setattr(gc, "freeze", lambda: None)
        yield
    gc.unfreeze()


def run_pipeline(folder: Path, rows: list[dict[str, Any]], params: dict[str, Any]) -> None:
    """Run all stages that the service needs."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        with Path("raw.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        Path("params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        Path("service.yaml").write_text(yaml.safe_dump(RULES), encoding="utf-8")
        Path("silent.txt").write_text("10\n", encoding="utf-8")
        for stage in (ingest, clean, split):
            stage.main()
        fit_models()
        recommend.main()
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which the pipeline has run."""
    folder = tmp_path_factory.mktemp("bank")
    run_pipeline(folder, raw_rows(), PARAMS)
    return folder


@pytest.fixture
def bank_of_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same bank with ids of text, a million and more: c1000001, …"""
    rows = [{**row, "client": f"c{1_000_000 + row['client']}"} for row in raw_rows()]
    schema = {**PARAMS["schema"], "id_type": "string"}
    run_pipeline(tmp_path, rows, {**PARAMS, "schema": schema})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bank(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, to work in."""
    shutil.copytree(ran, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def start(bank: Path) -> Iterator[Start]:
    """Start a service in the folder of the bank; stopped at the end."""
    running = []

    def run(**settings: Any) -> Service:
        chosen = Settings(revision="abc1234", **settings)
        made = {str(scope): keys.create(chosen.keys_file, scope, [scope]) for scope in keys.SCOPES}
        app = create_app(chosen)
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        running.append(client)
        return Service(app, client, made)

    assert bank.is_dir()
    yield run
    for client in running:
        client.__exit__(None, None, None)


@pytest.fixture
def service(start: Start) -> Service:
    return start()

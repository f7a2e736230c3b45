"""Payments of a small bank, run through recommend once; and services that answer about them."""

import shutil
from pathlib import Path

import pytest

from tests.service.bank import Service, Start
from tests.service.payments.stream import run_recommend


@pytest.fixture(scope="session")
def paid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which the payments pipeline has run."""
    folder = tmp_path_factory.mktemp("payments")
    run_recommend(folder)
    return folder


@pytest.fixture
def payments(bank: Path, paid: Path) -> Path:
    """The folder of the bank, with payments."""
    shutil.copytree(paid, bank, dirs_exist_ok=True)
    return bank


@pytest.fixture
def paying(payments: Path, start: Start) -> Service:
    """A service that answers about payments, too."""
    assert payments.is_dir()
    return start()

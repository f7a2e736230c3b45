"""What tests share: an empty working folder, and the real sample where there is one."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent


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

import shutil
from pathlib import Path

import pytest
import yaml

from src.month import __main__ as cycle
from src.month.checks import Checked
from src.month.settings import Month
from src.products.schema import Schema
from tests.products.conftest import schema

__all__ = ["schema"]

FOLDER = Path("data/raw/months")
SETTINGS = Month(
    folder=str(FOLDER),
    lookback=2,
    warn_beyond=1,
    refuse_beyond=5,
    promote="not worse",
    resamples=10,
    seed=1,
)


def test_a_file_is_in_the_folder_that_dvc_tracks_only_when_it_is_whole(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, schema: Schema
) -> None:
    """Whatever a kill leaves there would be part of the data from then on."""
    Path("params.yaml").write_text(yaml.safe_dump({"ingest": {"path": str(FOLDER)}}))
    FOLDER.mkdir(parents=True)
    (FOLDER / "2016-05.csv").write_text("May")
    new = workspace / "june.csv"
    new.write_text("June")
    monkeypatch.setattr(cycle, "check", lambda *_: Checked("2016-06", 3, []))
    there = []
    copy = shutil.copyfile

    def copyfile(source: str, target: Path) -> None:
        copy(source, target)
        there.append(sorted(file.name for file in FOLDER.iterdir()))

    monkeypatch.setattr(shutil, "copyfile", copyfile)
    assert cycle.take_in(str(new), schema, SETTINGS) == "2016-06"
    assert there == [["2016-05.csv"]]
    content = {file.name: file.read_text() for file in FOLDER.iterdir()}
    assert content == {"2016-05.csv": "May", "2016-06.csv": "June"}

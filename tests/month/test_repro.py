"""Four months of a small simulated bank, taken in one by one, with what may go wrong between."""

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from src.month.settings import PARAMS
from src.products import manifest, promoted
from tests.clones import Clone

FOLDER = "data/raw/months"
RAW = "data/simulation/train_ver2.csv"
LAST = 4
MONTHS = ["2016-02", "2016-03", "2016-04", "2016-05"]


def split_by_month(clone: Clone) -> dict[str, str]:
    """The simulated snapshots as one file per month, outside of the repository."""
    parts: dict[str, list[list[str]]] = {}
    with (clone.folder / RAW).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
        place = header.index("fecha_dato")
        for row in rows:
            parts.setdefault(row[place][:7], [header]).append(row)
    outside = clone.folder.parent / "incoming"
    outside.mkdir(exist_ok=True)
    for month, lines in parts.items():
        write(outside / f"{month}.csv", lines)
    return {month: str(outside / f"{month}.csv") for month in sorted(parts)}


def write(path: Path, lines: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)


def lines_of(path: str) -> list[list[str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def clone(twins: tuple[Clone, Clone]) -> Iterator[Clone]:
    """A bank whose first thirteen months are in, run, committed and promoted."""
    _, clone = twins
    head = clone.run("git", "rev-parse", "HEAD").strip()
    files = split_by_month(clone)
    (clone.folder / FOLDER).mkdir(parents=True)
    for month in list(files)[:-LAST]:
        shutil.copy(files[month], clone.folder / FOLDER)
    clone.change({"ingest": {"path": FOLDER}})
    clone.change({"month": {"resamples": 100}}, PARAMS)
    clone.run("dvc", "add", FOLDER)
    clone.run("dvc", "repro")
    clone.commit("Thirteen months")
    clone.run("python", "-m", "src.month.promote", "HEAD")
    yield clone
    clone.run("git", "reset", "--quiet", "--hard", head)
    clone.run("git", "clean", "--quiet", "--force", "-d", "reports", "data")
    shutil.rmtree(clone.folder / "data/raw", ignore_errors=True)
    clone.run("dvc", "checkout", "--force")


def state(clone: Clone) -> dict[str, str]:
    """Everything that a refused month must leave as it is."""
    kept = clone.digests("data/raw", "data/products", "models", "metrics", "reports")
    status = clone.run("git", "status", "--porcelain")
    return kept | {"git": status + clone.run("git", "rev-parse", "HEAD")}


def decision(clone: Clone, month: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(clone.read(f"reports/{month}/decision.json"))
    return content


def serving(clone: Clone) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(clone.read(promoted.PATH))
    return content


def kill_when(clone: Clone, file: str, appears: str) -> None:
    """Start a cycle, and kill it as soon as a file appears or changes."""
    path = clone.folder / appears
    before = path.stat().st_mtime_ns if path.exists() else None

    def changed() -> bool:
        return path.exists() and path.stat().st_mtime_ns != before

    clone.kill_when(changed, "python", "-m", "src.month", file)


def refuse(clone: Clone, name: str, lines: list[list[str]], said: str) -> None:
    """A file is refused with a sentence, and nothing has changed."""
    path = clone.folder.parent / name
    write(path, lines)
    before = state(clone)
    output = clone.fail("python", "-m", "src.month", str(path))
    assert said in output, output
    assert output.startswith("error: "), output
    assert state(clone) == before


def check_refusals(clone: Clone, files: dict[str, str]) -> None:
    header, *rows = lines_of(files[MONTHS[0]])
    renamed = [["income" if name == "renta" else name for name in header], *rows]
    refuse(clone, "renamed.csv", renamed, "renta")
    half = [header, *rows[::2]]
    refuse(clone, "half.csv", half, "customers, compared with the month before: 5")


@pytest.mark.repro
def test_four_months_one_by_one(clone: Clone) -> None:
    files = {month: path for month, path in split_by_month(clone).items() if month in MONTHS}
    files["2016-01"] = str(clone.folder / FOLDER / "2016-01.csv")
    first = serving(clone)
    assert (first["month"], first["why"]) == ("2016-02", "promoted by hand")
    check_refusals(clone, files)

    # killed as soon as the file is beside the others, then after the run, then while deciding
    kill_when(clone, files[MONTHS[0]], f"{FOLDER}/2016-02.csv")
    clone.run("python", "-m", "src.month", files[MONTHS[0]])
    kill_when(clone, files[MONTHS[1]], manifest.PATH)
    clone.run("python", "-m", "src.month", files[MONTHS[1]])
    kill_when(clone, files[MONTHS[2]], "reports/2016-04/decision.json")
    output = clone.run("python", "-m", "src.month", files[MONTHS[2]])
    assert "2016-04: goes on where an earlier run ended" in output

    served = first["revision"]
    for month in MONTHS[:3]:
        made = decision(clone, month)
        assert made["promoted"], made
        assert made["difference"]["high"] >= 0  # nothing was changed but the data
        assert made["served"]["month"] == month
        came, promised = (made["served"][side] for side in ("came_to", "promised"))
        assert came["map@7_adders_lo"] < came["map@7_adders"] < came["map@7_adders_hi"]
        assert 0 < promised["map@7_adders"] < 1
        assert 0 <= made["first_offers_changed"] < 1
    now = serving(clone)
    assert now["month"] == "2016-05"
    assert now["revision"] != served
    assert clone.run("git", "status", "--porcelain") == ""
    assert "up to date" in clone.run("dvc", "repro")
    again = clone.fail("python", "-m", "src.month", files[MONTHS[2]])
    assert "2016-04.csv, which has been taken in already" in again

    # a change that makes the models worse is not promoted, and its models are not put into place
    clone.change({"blend": {"iterations": 1, "learning_rate": 0.001}})
    clone.change({"train_propensity": {"iterations": 1, "learning_rate": 0.001}})
    before = clone.read(manifest.PATH)
    output = clone.run("python", "-m", "src.month", files[MONTHS[3]])
    assert "2016-05: not promoted. The refitted models are worse than" in output, output
    assert serving(clone) == now
    assert clone.read(manifest.PATH) == before
    assert decision(clone, "2016-05")["difference"]["high"] < 0
    report = clone.read("reports/2016-05/report.md").decode()
    assert report.startswith("# Month 2016-05\n\n**Not promoted.** The refitted models are worse")

    # rolling back is one command
    output = clone.run("python", "-m", "src.month.promote", "--back", "--why", "a test")
    back = serving(clone)
    assert back["month"] == "2016-04"
    assert back["why"] == f"rolled back from {now['revision'][:7]}: a test"
    assert f"{back['revision'][:7]} is promoted, for 2016-04" in output
    code = (
        "from src.service.products.catalogue import Catalogue; "
        "from src.service.settings import Settings; "
        "c = Catalogue.load(Settings()); print(c.revision, c.digest, c.promoted.digest)"
    )
    told = clone.run("python", "-c", code).split()
    assert told == [back["revision"][:7], back["digest"], back["digest"]]

"""Four months of a small simulated bank, taken in one by one, with what may go wrong between."""

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from src.month.settings import PARAMS
from src.products import manifest, promoted
from tests.clones import Clone, environment, finish, small_bank

FOLDER = "data/raw/months"
RAW = "data/simulation/train_ver2.csv"
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
def clone(tmp_path: Path) -> Clone:
    """A bank whose first thirteen months are in, run, committed and promoted.

    Commits have one date, so that the same content has the same revision.
    """
    dated = {
        "GIT_AUTHOR_DATE": "2016-05-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2016-05-01T00:00:00Z",
    }
    clone = Clone(tmp_path / "bank", environment(tmp_path / "home") | dated)
    small_bank(clone)
    clone.run("dvc", "repro", "pipelines/simulation/dvc.yaml")
    files = split_by_month(clone)
    (clone.folder / FOLDER).mkdir(parents=True)
    for month in list(files)[: -len(MONTHS)]:
        shutil.copy(files[month], clone.folder / FOLDER)
    clone.change({"ingest": {"path": FOLDER}})
    clone.change({"month": {"resamples": 100}}, PARAMS)
    clone.run("dvc", "add", FOLDER)
    clone.run("dvc", "repro")
    clone.commit("Thirteen months")
    clone.run("python", "-m", "src.month.promote", "HEAD")
    return clone


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
    # A git that was killed as well says so, and this is its cure (docs/killed.md).
    (clone.folder / ".git/index.lock").unlink(missing_ok=True)


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


def copied(clone: Clone, name: str) -> Clone:
    """A copy of a clone with all that DVC and git know there."""
    folder = clone.folder.parent / name
    shutil.copytree(clone.folder, folder, symlinks=True)
    return replace(clone, folder=folder)


def all_there_is(clone: Clone) -> dict[str, str]:
    """What is committed, what lies in the folders of data and models, and which revision ran.

    But for the day of the decision: midnight may lie between two of them.
    """
    lines = clone.run("git", "ls-tree", "-r", "HEAD").splitlines()
    committed = {path: blob for blob, path in (line.split("\t") for line in lines)}
    decided = serving(clone) | {"since": ""}
    run, *subjects = clone.run("git", "log", "-4", "--format=%H%n%s", "HEAD~1").splitlines()
    return (
        committed
        | clone.digests(FOLDER, "data/products", "models")
        | {promoted.PATH: str(decided), "run": run, "log": str(subjects)}
        | {"status": clone.run("git", "status", "--porcelain")}
    )


def container(clone: Clone) -> Clone:
    """What the images of deploy/Dockerfile copy, and what the pipeline image runs: no git there.

    Data and models are what an earlier one has left, as in the volumes of compose.
    """
    folder = clone.folder.parent / "container"
    recipe = clone.read("deploy/Dockerfile").decode().replace("\\\n", " ")
    names = re.findall(r"^COPY (?!--from)(?:deploy/)?(.*) \S+$", recipe, re.M)
    for pattern in " ".join(names).split():
        for source in clone.folder.glob(pattern):
            target = folder / source.relative_to(clone.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, target)
    (folder / ".dvc/tmp").mkdir(exist_ok=True)
    (folder / ".dvc/config").write_text(
        "[core]\n    no_scm = true\n    remote = pushed\n"
        f"['remote \"pushed\"']\n    url = {clone.folder / '.dvc/cache'}\n"
    )
    here = replace(clone, folder=folder)
    (prepared,) = re.findall(r"^RUN (if .*?; fi) ", recipe, re.M)
    here.run("sh", "-c", prepared)
    (command,) = re.findall(r'^CMD (\["dvc".*\])$', recipe, re.M)
    here.run(*json.loads(command))
    return here


def ready(clone: Clone) -> dict[str, Any]:
    """What /ready says of the run that is loaded, in a folder."""
    code = (
        "import json; from src.service.products import responses; "
        "from src.service.products.catalogue import Catalogue; "
        "from src.service.settings import Settings; c = Catalogue.load(Settings()); "
        "chosen = responses.promoted(c.promoted, c.digest); "
        "print(json.dumps({'revision': c.revision, 'digest': c.digest, 'promoted': chosen}))"
    )
    content: dict[str, Any] = json.loads(clone.run("python", "-W", "ignore", "-c", code))
    return content


@pytest.mark.months
def test_four_months_one_by_one(clone: Clone) -> None:
    files = split_by_month(clone)
    first = serving(clone)
    assert (first["month"], first["why"]) == ("2016-02", "promoted by hand")
    check_refusals(clone, files)
    undisturbed = copied(clone, "undisturbed")
    beside = undisturbed.start("python", "-m", "src.month", files["2016-02"])

    # killed as soon as the file is beside the others, after the run, while deciding, once decided
    kill_when(clone, files["2016-02"], f"{FOLDER}/2016-02.csv")
    kill_when(clone, files["2016-02"], manifest.PATH)
    kill_when(clone, files["2016-02"], "reports/2016-02/decision.json")
    (clone.folder / "reports/2016-02/.report.md.1.tmp").touch()  # as a kill while it is written
    kill_when(clone, files["2016-02"], promoted.PATH)
    output = clone.run("python", "-m", "src.month", files["2016-02"])
    assert "2016-02: goes on where an earlier run ended" in output
    finish(beside)
    assert all_there_is(clone) == all_there_is(undisturbed)

    for month in MONTHS[1:3]:
        clone.run("python", "-m", "src.month", files[month])
    for month in MONTHS[:3]:
        made = decision(clone, month)
        assert made["promoted"], made
        assert made["difference"]["high"] >= 0  # nothing was changed but the data
        assert made["served"]["month"] == month
        came, told = (made["served"][side] for side in ("came_to", "promised"))
        assert came["map@7_adders_lo"] < came["map@7_adders"] < came["map@7_adders_hi"]
        assert 0 < told["map@7_adders"] < 1
        assert 0 <= made["first_offers_changed"] < 1
    now = serving(clone)
    assert now["month"] == "2016-05"
    assert now["revision"] != first["revision"]
    assert clone.run("git", "status", "--porcelain") == ""
    assert "up to date" in clone.run("dvc", "repro")
    again = clone.fail("python", "-m", "src.month", files["2016-04"])
    assert "2016-04.csv, which has been taken in already" in again

    # a change that makes the models worse is not promoted, and its models are not put into place
    clone.change({"blend": {"iterations": 1, "learning_rate": 0.001}})
    clone.change({"train_propensity": {"iterations": 1, "learning_rate": 0.001}})
    before = clone.read(manifest.PATH)
    output = clone.run("python", "-m", "src.month", files["2016-05"])
    assert "2016-05: not promoted. The refitted models are worse than" in output, output
    assert serving(clone) == now
    assert clone.read(manifest.PATH) == before
    assert decision(clone, "2016-05")["difference"]["high"] < 0
    report = clone.read("reports/2016-05/report.md").decode()
    assert report.startswith("# Month 2016-05\n\n**Not promoted.** The refitted models are worse")

    # then containers have what was promoted, though dvc.lock names the models of the last run
    last_run = clone.run("git", "log", "-1", "--format=%h", "--", "dvc.lock").strip()
    image = container(clone)
    assert image.read(manifest.PATH) == before
    assert {name: image.read(name) for name in manifest.files()} == {
        name: clone.read(name) for name in manifest.files()
    }
    told = {key: now[key] for key in ("revision", "month", "since", "why")} | {"served": True}
    expected = {"revision": now["revision"][:7], "digest": now["digest"], "promoted": told}
    # as whoever deploys may believe
    believed = image.environment | {"NEXTBEST_REVISION": last_run}
    assert ready(replace(image, environment=believed)) == expected

    # and so has a machine on which dvc.lock was checked out, once it is told
    clone.run("dvc", "checkout", "--force")
    assert clone.read(manifest.PATH) != before
    output = clone.run("python", "-m", "src.month.promote", "--current")
    assert f"{now['revision'][:7]} is promoted, for 2016-05; " in output
    assert clone.read(manifest.PATH) == before
    assert ready(clone) == expected

    # rolling back is one command
    output = clone.run("python", "-m", "src.month.promote", "--back", "--why", "a test")
    back = serving(clone)
    assert back["month"] == "2016-04"
    assert back["why"] == f"rolled back from {now['revision'][:7]}: a test"
    assert f"{back['revision'][:7]} is promoted, for 2016-04" in output
    told = {key: back[key] for key in ("revision", "month", "since", "why")} | {"served": True}
    expected = {"revision": back["revision"][:7], "digest": back["digest"], "promoted": told}
    assert ready(clone) == expected
    assert ready(container(clone)) == expected

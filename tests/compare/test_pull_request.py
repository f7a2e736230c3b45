"""`make report` and what it stands on, in a scratch repository with a branch for each case.

Its pipeline has two stages, blend and evaluate, which write what ours write, for 40 adders.
"""

import json
import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from src.compare import dvc_lock, pull_request
from src.compare.differences import AdderScores, compare
from src.compare.dvc_lock import complaint, stale_stages
from src.compare.pull_request import Side
from src.compare.revisions import read
from src.errors import InputError, run
from tests.clones import Clone, environment

PIPELINE = """\
stages:
  blend:
    cmd: python code/blend.py
    deps: [code/blend.py]
    params: [blend]
    outs: [models/blend.txt]
  evaluate:
    cmd: python code/evaluate.py
    deps: [code/evaluate.py, models/blend.txt]
    outs: [data/products/test_customers.parquet]
    metrics:
      - metrics/products.json: {cache: false}
    plots:
      - plots/products/comparison.png: {cache: false}
      - plots/products/additions.png: {cache: false}
      - plots/products/curve.csv: {cache: false}
"""
BLEND = """\
from pathlib import Path
depth = Path("params.yaml").read_text().split("depth: ")[1].strip()
Path("models").mkdir(exist_ok=True)
Path("models/blend.txt").write_text(depth)
"""
# Of 40 adders, 4 for each level of depth score 1, the others 0.5.
EVALUATE = """\
import json
from pathlib import Path
import pyarrow as pa
import pyarrow.parquet as pq
depth = int(Path("models/blend.txt").read_text())
blend = [1.0] * (4 * depth) + [0.5] * (40 - 4 * depth)
table = {"customer": list(range(40)), "popularity": [0.25] * 40, "blend": blend}
table["cold_start"] = [True] * 20 + [False] * 20
for folder in ("data/products", "metrics", "plots/products"):
    Path(folder).mkdir(parents=True, exist_ok=True)
pq.write_table(pa.table(table), "data/products/test_customers.parquet")
metrics = {"test": {"month": "2016-05-28", "customers": 400, "adders": 40, "additions": 50}}
for name in ("popularity", "blend"):
    mean = sum(table[name]) / 40
    metrics[name] = {
        "map@7": mean / 10, "map@7_lo": mean / 10 - 0.01, "map@7_hi": mean / 10 + 0.01,
        "map@7_adders": mean, "map@7_adders_lo": mean - 0.1, "map@7_adders_hi": mean + 0.1,
    }
Path("metrics/products.json").write_text(json.dumps(metrics))
Path("plots/products/comparison.png").write_bytes(b"picture of depth %d" % depth)
Path("plots/products/additions.png").write_bytes(b"the same for all")
Path("plots/products/curve.csv").write_text(f"x,y\\n1,{depth}\\n")
"""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """Branches main (depth 2) and deeper (depth 5), each with what `dvc repro` makes of it."""
    folder = tmp_path_factory.mktemp("scratch")
    clone = Clone(folder, environment(tmp_path_factory.mktemp("home")))
    files = {
        ".dvc/config": "",
        ".gitignore": "/.dvc/cache/\n/.dvc/tmp/\n/data/\n/models/\n/report/\n",
        "params.yaml": "blend:\n  depth: 2\n",
        "README.md": "Nothing ran yet.\n",
    }
    write(clone, files)
    clone.run("git", "init", "--quiet", "--initial-branch", "main")
    clone.commit("Empty")
    clone.run("git", "tag", "empty")
    write(clone, {"dvc.yaml": PIPELINE, "code/blend.py": BLEND, "code/evaluate.py": EVALUATE})
    reproduce(clone)
    clone.commit("Depth 2")
    clone.run("git", "switch", "--quiet", "--create", "deeper")
    write(clone, {"params.yaml": "blend:\n  depth: 5\n"})
    reproduce(clone)
    clone.commit("Depth 5")
    return clone


def reproduce(clone: Clone) -> None:
    """`dvc repro`, in this process: the imports take longer than the pipeline."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings(action="ignore"):
        enter(clone, patch)
        with Repo() as repository:
            repository.reproduce()


def enter(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone.folder)
    for name, value in clone.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def repository(scratch: Clone, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clone]:
    """The scratch repository as working folder, on a new branch off main; restored afterwards."""
    enter(scratch, monkeypatch)
    scratch.run("git", "switch", "--quiet", "--force-create", "change", "main")
    yield scratch
    scratch.run("git", "reset", "--quiet", "--hard")
    scratch.run("git", "clean", "--quiet", "--force")
    shutil.rmtree(scratch.folder / "report", ignore_errors=True)


@pytest.fixture
def fitting_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the dry run in tests of something else."""
    monkeypatch.setattr(dvc_lock, "stale_stages", lambda _: {})


def write(clone: Clone, files: dict[str, str]) -> None:
    for path, content in files.items():
        (clone.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (clone.folder / path).write_text(content, encoding="utf-8")


def report(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """Run the entry point in the working folder; what stands in the report."""
    monkeypatch.setattr(sys, "argv", ["pull_request", *arguments])
    pull_request.main()
    return written()


def written() -> str:
    return Path("report/report.md").read_text(encoding="utf-8")


def commit_of(clone: Clone, revision: str) -> str:
    return clone.run("git", "rev-parse", revision).strip()


# The report


def test_report_on_a_change(repository: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.run("git", "switch", "--quiet", "deeper")
    base, head = (commit_of(repository, name)[:7] for name in ("main", "deeper"))
    text = report(monkeypatch, "main")
    verdict, rest = text.split("\n### Parameters\n")
    assert verdict.startswith(
        "<!-- nextbest report -->\n"
        f"## deeper (`{head}`) against main (`{base}`)\n\n"
        "dvc.lock fits the code.\n\n"
        "### Is it a difference?\n\n"
        "**`this branch` is better.** blend +0.1500, 95 % interval +0.0"
    )
    # 8 of 40 adders score 1 instead of 0.5, then 20
    row = r"\| \*\*blend\*\* \| 40 \| 0\.6000 \| 0\.7500 \| \+0\.1500 \| .+ \| 12, 0 \| higher \|"
    assert re.search(row, verdict)
    assert "| blend, cold_start | 20 | 0.7000 | 1.0000 | +0.3000 |" in verdict
    assert verdict.endswith("\n![Differences and their intervals](differences.png)\n")
    assert Path("report/differences.png").read_bytes().startswith(b"\x89PNG")
    picture = "products/comparison.png"
    assert (
        rest
        == f"""
| file | param | main | this branch |
| --- | --- | --: | --: |
| params.yaml | blend.depth | 2 | 5 |

### Metrics

| | main | this branch | difference |
| --- | --: | --: | --: |
| blend, MAP@7 among adders | 0.6000 (0.5000 … 0.7000) | 0.7500 (0.6500 … 0.8500) | +0.1500 |
| blend, MAP@7 | 0.06000 (0.05000 … 0.07000) | 0.07500 (0.06500 … 0.08500) | +0.01500 |
| popularity, MAP@7 among adders | 0.2500 (0.1500 … 0.3500) | 0.2500 (0.1500 … 0.3500) | 0 |

<details><summary>All metrics that changed</summary>

| file | metric | main | this branch |
| --- | --- | --: | --: |
| metrics/products.json | blend.map@7 | 0.06 | 0.075 |
| metrics/products.json | blend.map@7_adders | 0.6 | 0.75 |
| metrics/products.json | blend.map@7_adders_hi | 0.7 | 0.85 |
| metrics/products.json | blend.map@7_adders_lo | 0.5 | 0.65 |
| metrics/products.json | blend.map@7_hi | 0.07 | 0.085 |
| metrics/products.json | blend.map@7_lo | 0.05 | 0.065 |

</details>

### Plots

`plots/{picture}`

| main | this branch |
| --- | --- |
| ![comparison, main](plots/{base}/{picture}) | ![comparison, this branch](plots/{head}/{picture}) |

Plotted data that changed: `plots/products/curve.csv`. `dvc plots diff {base} {head}` draws them.

Unchanged: `plots/products/additions.png`.
"""
    )
    assert Path("report/plots", base, picture).read_bytes() == b"picture of depth 2"
    assert Path("report/plots", head, picture).read_bytes() == b"picture of depth 5"
    assert repository.run("git", "status", "--porcelain") == ""


def test_key_figures_of_payments(repository: Clone) -> None:
    assert pull_request.payments_metrics(Side("HEAD", "main"), Side("HEAD", "this branch")) == ""
    first = {"gini": 0.7, "gini_lo": 0.65, "gini_hi": 0.75}
    write(repository, {"metrics/payments.json": payments(booster=first)})
    repository.commit("Payments")
    second = {"gini": 0.71234, "gini_lo": 0.66, "gini_hi": 0.76}
    found = {"map@10": 0.1, "map@10_lo": 0.05, "map@10_hi": 0.15}
    write(repository, {"metrics/payments.json": payments(booster=second, second_stage=found)})
    repository.commit("Better, and new providers")
    sides = Side("HEAD~1", "main"), Side("HEAD", "this branch")
    assert pull_request.payments_metrics(*sides) == (
        "| payments, out of time | main | this branch | difference |\n"
        "| --- | --: | --: | --: |\n"
        "| operations: booster, Gini | 0.7000 (0.6500 … 0.7500) | 0.7123 (0.6600 … 0.7600) "
        "| +0.0123 |\n"
        "| examples: second_stage, MAP@10 | none | 0.1000 (0.0500 … 0.1500) |  |"
    )


def payments(**models: dict[str, float]) -> str:
    """A file of metrics: the second stage is of examples, the others of operations."""
    tasks: dict[str, Any] = {"operations": {"models": {}}, "examples": {"models": {}}}
    for name, row in models.items():
        task = "examples" if name == "second_stage" else "operations"
        tasks[task]["models"][name] = row
    return json.dumps(tasks)


def test_a_change_of_nothing_is_no_difference(
    repository: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(repository, {"README.md": "Said better.\n"})
    repository.commit("Words")
    text = report(monkeypatch, "main")
    assert "\ndvc.lock fits the code.\n" in text
    assert "\n**No difference: identical.** blend scores each of the 40 adders the same.\n" in text
    assert "\n### Parameters\n\nNo parameter changed.\n" in text
    assert "<details>" not in text
    assert "](" not in text  # no picture says more
    assert text.endswith(
        "\n### Plots\n\n"
        "Unchanged: `plots/products/additions.png`, `plots/products/comparison.png`.\n"
    )


def test_a_lock_that_does_not_fit_fails_and_is_reported(
    repository: Clone, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(repository, {"code/blend.py": BLEND + "# another blend\n"})
    repository.commit("Not run")
    monkeypatch.setattr(sys, "argv", ["pull_request", "main"])
    with pytest.raises(SystemExit) as end:
        run(pull_request.main)
    sentence = (
        "dvc.lock does not fit the code: stage blend is stale (code/blend.py changed). "
        "Run 'dvc repro' and commit dvc.lock, metrics and plots."
    )
    assert end.value.code == f"error: {sentence}"  # which Python prints, and exits with 1
    assert capsys.readouterr().out == "Report: report/report.md\n"
    assert f"\n**{sentence}** What follows was committed;" in written()
    assert "\n**No difference: identical.**" in written()


@pytest.mark.usefixtures("fitting_lock")
def test_uncommitted_changes_and_later_ones_of_the_base_are_left_out(
    repository: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = commit_of(repository, "main")[:7]
    repository.run("git", "switch", "--quiet", "--force-create", "trunk", "main")
    write(repository, {"params.yaml": "blend:\n  depth: 4\n"})
    repository.commit("The base goes on, and its dvc.lock does not fit")
    repository.run("git", "switch", "--quiet", "change")
    write(repository, {"params.yaml": "blend:\n  depth: 3\n"})
    text = report(monkeypatch, "trunk")
    assert text.splitlines()[1:7] == [
        f"## change (`{left}`) against trunk (`{left}`)",
        "",
        "trunk has gone on by 1 commit since this branch left it.",
        "",
        "Uncommitted changes are not in this report.",
        "",
    ]
    assert "No parameter changed." in text


@pytest.mark.usefixtures("fitting_lock")
def test_pictures_by_address(repository: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.run("git", "switch", "--quiet", "--detach", "deeper")
    base, head = (commit_of(repository, name) for name in ("main", "deeper"))
    text = report(monkeypatch, base, "--images-url", "https://host/us/bank/raw")
    assert f"\n## this branch (`{head[:7]}`) against {base[:7]} (`{base[:7]}`)\n" in text
    address, path = "https://host/us/bank/raw", "plots/products/comparison.png"
    assert (
        f"| ![comparison, {base[:7]}]({address}/{base}/{path}) "
        f"| ![comparison, this branch]({address}/{head}/{path}) |"
    ) in text
    assert "*The picture of it, differences.png, is in the report that the workflow run" in text
    assert "](differences.png)" not in text


def test_without_scores_there_is_no_verdict_but_the_rest(
    repository: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.run("git", "switch", "--quiet", "deeper")
    cache, away = Path(".dvc/cache"), Path("../cache")
    cache.rename(away)
    shutil.rmtree("data")
    try:
        text = report(monkeypatch, "main")
    finally:
        away.rename(cache)
    assert "dvc.lock fits the code." in text
    assert (
        "\n**No verdict**: it needs the scores of every test customer at both commits. "
        "data/products/test_customers.parquet of 'main' is neither in DVC's cache nor to be had "
        "from its remote (none is configured): not there. Set up the remote until 'dvc pull' works"
    ) in text
    assert "| 0.6000 (0.5000 … 0.7000) | 0.7500 (0.6500 … 0.8500) | +0.1500 |" in text
    assert not Path("report/differences.png").exists()


@pytest.mark.usefixtures("repository", "fitting_lock")
def test_a_base_without_results(monkeypatch: pytest.MonkeyPatch) -> None:
    text = report(monkeypatch, "empty")
    assert "'empty' has no metrics/products.json: nothing wrote it then." in text
    assert "| params.yaml" not in text
    assert "| blend, MAP@7 among adders | none | 0.6000 (0.5000 … 0.7000) |  |" in text
    assert "| ![comparison, empty]" not in text
    assert "| not there | ![comparison, this branch](" in text


@pytest.mark.usefixtures("repository")
def test_an_unknown_base_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"^unknown revision 'mian': name the branch"):
        report(monkeypatch, "mian")


# dvc.lock against the code


def break_chain(repository: Clone) -> None:
    """What blend wrote last is not what evaluate has read."""
    path = repository.folder / "dvc.lock"
    lock = yaml.safe_load(path.read_text(encoding="utf-8"))
    lock["stages"]["blend"]["outs"][0]["md5"] = "0" * 32
    path.write_text(yaml.safe_dump(lock, sort_keys=False), encoding="utf-8")


LATER = PIPELINE.replace(
    "  evaluate:\n", "  later:\n    cmd: echo\n    deps: [models/blend.txt]\n  evaluate:\n"
)
METRICS, PLOT = "metrics/products.json", "plots/products/additions.png"
CASES: dict[str, tuple[dict[str, str | None], dict[str, str]]] = {
    "command and code": (
        {
            "dvc.yaml": PIPELINE.replace("cmd: python code/b", "cmd: python -u code/b"),
            "code/evaluate.py": "other",
        },
        {"blend": "its command changed", "evaluate": "code/evaluate.py changed"},
    ),
    "parameter and results": (
        {"params.yaml": "blend: {depth: 9}", METRICS: "{}", PLOT: None},
        {
            "blend": "blend in params.yaml changed",
            "evaluate": f"{METRICS} is not what it wrote, {PLOT} is not committed",
        },
    ),
    "a plot alone": ({PLOT: None}, {"evaluate": f"{PLOT} is not committed"}),
    "new stage": ({"dvc.yaml": LATER}, {"later": "it has never run"}),
}


@pytest.mark.parametrize("case", CASES)
def test_stale_stages(repository: Clone, case: str) -> None:
    files, expected = CASES[case]
    for path, content in files.items():
        if content is None:
            (repository.folder / path).unlink()
        else:
            write(repository, {path: content})
    repository.commit(case)
    assert stale_stages("HEAD") == expected


PAYMENTS = """\
stages:
  clean:
    wdir: ../..
    cmd: python code/clean.py
    deps: [code/clean.py]
    outs:
      - data/clean.txt: {cache: false}
    metrics:
      - metrics/payments.json: {cache: false}
"""
CLEAN = """\
from pathlib import Path
for path in ("data/clean.txt", "metrics/payments.json"):
    Path(path).parent.mkdir(exist_ok=True)
    Path(path).write_text("1")
"""


def test_the_payments_pipeline_is_looked_at_once_it_has_run(repository: Clone) -> None:
    payments = "pipelines/payments/dvc.yaml"
    write(repository, {payments: PAYMENTS, "code/clean.py": CLEAN})
    repository.commit("Never run")
    assert stale_stages("HEAD") == {}
    with warnings.catch_warnings(action="ignore"), Repo() as dvc:
        dvc.reproduce(targets=[payments])
    repository.commit("Run: git has the metrics, and not the data, which are in no cache")
    assert stale_stages("HEAD") == {}
    write(repository, {"code/clean.py": f"{CLEAN}print()\n"})
    repository.commit("Other code")
    assert stale_stages("HEAD") == {f"{payments}:clean": "code/clean.py changed"}
    (repository.folder / "metrics/payments.json").unlink()
    write(repository, {"code/clean.py": CLEAN})
    repository.commit("Metrics lost")
    cause = "metrics/payments.json is not committed"
    assert stale_stages("HEAD") == {f"{payments}:clean": cause}


def test_a_lock_mended_by_hand_is_stale(repository: Clone) -> None:
    break_chain(repository)
    repository.commit("As after a merge")
    cause = "it has not read what the stages before it wrote last"
    assert stale_stages("HEAD") == {"evaluate": cause}


def test_a_pipeline_that_cannot_be_read(repository: Clone) -> None:
    write(repository, {"dvc.yaml": "stages: ["})
    repository.commit("Broken")
    with pytest.raises(InputError, match=r"^DVC cannot plan the pipeline of HEAD: .*dvc\.yaml' is"):
        stale_stages("HEAD")


def test_complaint_by_cause() -> None:
    assert complaint({}) == ""
    assert complaint({"train_als": "a", "blend": "a", "evaluate": "b", "recommend": "a"}) == (
        "dvc.lock does not fit the code: stages train_als, blend and recommend are stale (a); "
        "stage evaluate is stale (b). Run 'dvc repro' and commit dvc.lock, metrics and plots."
    )
    assert complaint({"pipelines/payments/dvc.yaml:clean": "a"}) == (
        "dvc.lock does not fit the code: stage pipelines/payments/dvc.yaml:clean is stale (a). Run "
        "'dvc repro', 'dvc repro pipelines/payments/dvc.yaml' and commit dvc.lock, metrics and "
        "plots."
    )


# Files of revisions


def test_read_of_every_kind_of_revision(repository: Clone) -> None:
    wanted = ("plots/products/curve.csv", "models/blend.txt")  # git's and DVC's
    deeper = commit_of(repository, "deeper")
    repository.run("git", "tag", "v5", "deeper")
    assert read("main", *wanted) == [b"x,y\n1,2\n", b"2"]
    for revision in ("deeper", deeper, deeper[:8], "v5"):
        assert read(revision, *wanted) == [b"x,y\n1,5\n", b"5"]
    write(repository, {"models/blend.txt": "9", "plots/products/curve.csv": "new"})
    assert read("workspace", *wanted) == [b"new", b"9"]
    assert read("main", *wanted) == [b"x,y\n1,2\n", b"2"]


def test_read_of_an_experiment(repository: Clone) -> None:
    main = commit_of(repository, "main")
    name = f"refs/exps/{main[:2]}/{main[2:]}/wider"  # what `dvc exp run --name wider` leaves
    repository.run("git", "update-ref", name, "deeper")
    comparison = compare(AdderScores.read("main"), AdderScores.read("wider"))
    assert [(row.title, row.better, row.worse) for row in comparison.models] == [
        ("blend", 12, 0),
        ("popularity", 0, 0),
    ]


@pytest.mark.parametrize(
    ("revision", "path", "sentence"),
    [
        (
            "nope",
            "dvc.yaml",
            r"^unknown revision 'nope': name a commit, a branch, a tag, a DVC exp",
        ),
        (
            "empty",
            "metrics/products.json",
            r"^'empty' has no metrics/products\.json: nothing wrote",
        ),
        ("main", "models", r"^'main' has no models: nothing wrote"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_what_cannot_be_read(revision: str, path: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(revision, path)

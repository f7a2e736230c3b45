"""The best trials as experiments: which, under which names, and what is refused."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from src.errors import InputError
from src.reporting import write_json
from src.tuning import promote

TRIALS = """\
trial,state,models,depth,rate,with_part,map@7_adders,difference,error,best
0,complete,"[""als""]",5,0.3,0.5,0.9,0,0,0.9
1,complete,[],4,0.25,0.4,0.5,-0.4,0.1,0.9
2,complete,"[""als"", ""mlc""]",8,1e-05,0.4,0.7,-0.2,0.1,0.9
3,pruned,[],4,0.75,0.3,,,,0.9
4,complete,"[""als"", ""mlc""]",8,1e-05,0.4,0.7,-0.2,0.1,0.9
5,fail,[],4,0.99,,,,,0.9
6,complete,"[""als"", ""mlc""]",8,2,0.4,0.7,-0.2,0.1,0.9
"""
BEST = [
    {"blend.models": '["als", "mlc"]', "blend.depth": "8", "blend.rate": "1e-05"},
    {"blend.models": '["als", "mlc"]', "blend.depth": "8", "blend.rate": "2"},
    {"blend.models": "[]", "blend.depth": "4", "blend.rate": "0.25"},
]


@pytest.fixture
def study(workspace: Path) -> Path:
    """What a study of the blend wrote, in a pipeline of two, and one of payments."""
    pipeline = workspace / promote.PIPELINE
    pipeline.parent.mkdir(parents=True)
    pipeline.write_text(
        "stages: {svd: {params: [train_svd]}, blend: {params: [blend]}, "
        "payments_als: {params: [{pipelines/payments/params.yaml: [examples]}]}}\n"
    )
    write_json("metrics/tuning/blend.json", {"section": "blend"})
    table = workspace / "plots/tuning/blend/trials.csv"
    table.parent.mkdir(parents=True)
    table.write_text(TRIALS, encoding="utf-8")
    return workspace


@pytest.fixture
def repository(study: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with one experiment, tuned-blend-2, that has other settings."""
    for name in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{name}_NAME", "test")
        monkeypatch.setenv(f"{name}_EMAIL", "test@localhost")
    (study / "params.yaml").write_text("blend: {models: [als, mlc], depth: 8, rate: 1}\n")
    git("init", "--quiet")
    git("add", "params.yaml", "metrics")
    git("commit", "--quiet", "--message", "study")
    head = git("rev-parse", "HEAD")
    git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/tuned-blend-2", head)
    return study


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """DVC commands, noted down instead of run."""
    noted: list[tuple[str, ...]] = []
    monkeypatch.setattr(promote, "_dvc", lambda *arguments: noted.append(arguments))
    return noted


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["promote", *arguments])
    promote.main()


def options(settings: dict[str, str]) -> list[str]:
    return [word for key, value in settings.items() for word in ("-S", f"{key}={value}")]


@pytest.mark.usefixtures("study")
def test_the_best_distinct_complete_trials_but_the_current_settings() -> None:
    assert promote.best_trials("blend", 3) == BEST
    assert promote.best_trials("blend", 1) == BEST[:1]
    assert promote.best_trials("blend", 99) == BEST


def test_a_study_that_was_not_run(workspace: Path) -> None:
    assert list(workspace.iterdir()) == []
    sentence = (
        "metrics/tuning/als.json or plots/tuning/als/trials.csv is missing: "
        "run 'dvc repro pipelines/tuning/dvc.yaml:als'"
    )
    with pytest.raises(InputError, match=re.escape(sentence)):
        promote.best_trials("als", 1)


def test_a_study_that_tried_nothing(study: Path) -> None:
    table = study / "plots/tuning/blend/trials.csv"
    table.write_text("\n".join(TRIALS.splitlines()[:2]) + "\n")
    with pytest.raises(InputError, match="no complete trial besides the current settings"):
        promote.best_trials("blend", 1)


@pytest.mark.usefixtures("repository")
def test_experiments_are_run_apart_from_the_workspace(
    commands: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(monkeypatch, "blend")
    how = ("exp", "run", "--temp", "--allow-missing", "--name", "tuned-blend-1")
    assert commands == [(*how, *options(BEST[0]))]
    assert "dvc metrics diff HEAD tuned-blend-1" in capsys.readouterr().out


@pytest.mark.usefixtures("repository")
def test_a_study_with_fewer_trials_than_asked_for(
    commands: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(monkeypatch, "blend", "--top", "50", "--force")
    ran = [command[5] for command in commands if command[1] == "run"]
    assert ran == [f"tuned-blend-{rank}" for rank in (1, 2, 3)]
    said = "the study of blend offers only 3 of the 50 that --top asks for"
    assert said in capsys.readouterr().out


@pytest.mark.usefixtures("repository")
def test_names_that_exist_are_not_replaced_unasked(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence = "experiment tuned-blend-2 exists: --force replaces it"
    with pytest.raises(InputError, match=sentence):
        run(monkeypatch, "blend", "--top", "3")
    assert commands == []
    run(monkeypatch, "blend", "--top", "3", "--force", "--queue")
    queue = ("exp", "run", "--queue", "--allow-missing", "--name")
    assert commands == [
        ("exp", "remove", "tuned-blend-2"),
        *(
            (*queue, f"tuned-blend-{rank}", *options(settings))
            for rank, settings in enumerate(BEST, start=1)
        ),
    ]


@pytest.mark.usefixtures("repository")
def test_apply_runs_what_is_not_there(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, "blend", "--apply", "3")
    how = ("exp", "run", "--temp", "--allow-missing", "--name", "tuned-blend-3")
    assert commands == [(*how, *options(BEST[2])), ("exp", "apply", "tuned-blend-3")]


@pytest.mark.usefixtures("repository")
def test_apply_does_not_take_an_experiment_of_another_study(
    commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="tuned-blend-2 has other settings: --force replaces it"):
        run(monkeypatch, "blend", "--apply", "2")
    assert commands == []
    run(monkeypatch, "blend", "--apply", "2", "--force")
    assert [command[:3] for command in commands] == [
        ("exp", "remove", "tuned-blend-2"),
        ("exp", "run", "--temp"),
        ("exp", "apply", "tuned-blend-2"),
    ]


def test_apply_takes_an_experiment_that_is_there(
    repository: Path, commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "params.yaml").write_text("blend: {models: [als, mlc], depth: 8, rate: 2}\n")
    git("commit", "--quiet", "--message", "as the second trial", "params.yaml")
    head = git("rev-parse", "HEAD")
    git("update-ref", f"refs/exps/{head[:2]}/{head[2:]}/tuned-blend-2", head)
    run(monkeypatch, "blend", "--apply", "2")
    assert commands == [("exp", "apply", "tuned-blend-2")]


def test_apply_does_not_replace_uncommitted_changes(
    repository: Path, commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "metrics/tuning/blend.json").write_text('{"section": "blend", "trials": 9}')
    (repository / "notes.txt").write_text("not git's")
    run(monkeypatch, "blend", "--apply", "1")  # the study's own results, and foreign files
    assert commands.pop() == ("exp", "apply", "tuned-blend-1")
    (repository / "params.yaml").write_text("blend: {}\n")
    with pytest.raises(InputError, match="uncommitted changes in params"):
        run(monkeypatch, "blend", "--apply", "1")
    run(monkeypatch, "blend", "--apply", "1", "--force")
    assert commands.pop() == ("exp", "apply", "tuned-blend-1")


@pytest.mark.usefixtures("repository", "commands")
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--top", "0"], "--top is 0, but must be at least 1"),
        (["--apply", "0"], "--apply is 0, but the study of blend offers 1 to 1"),
        (["--apply", "4"], "--apply is 4, but the study of blend offers 1 to 3"),
    ],
)
def test_ranks_that_are_not_there(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        run(monkeypatch, "blend", *arguments)


@pytest.mark.usefixtures("study")
def test_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", "/")
    with pytest.raises(InputError, match="'git rev-parse HEAD' failed: fatal: not a git repo"):
        run(monkeypatch, "blend")


@pytest.mark.usefixtures("study")
def test_studies_are_the_stages_of_their_pipeline(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert promote.studies() == ["svd", "blend"]
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, "als")
    assert re.search("argument model: invalid choice: 'als'.*svd.*blend", capsys.readouterr().err)


def test_studies_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    assert promote.studies() == ["als", "kmeans", "mlc", "blend"]


@pytest.mark.usefixtures("workspace")
def test_no_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = r"^pipelines/tuning/dvc\.yaml is missing: run from the root of the repository$"
    with pytest.raises(InputError, match=sentence):
        run(monkeypatch, "blend")

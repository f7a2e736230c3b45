"""What CI is told: parsed, and its one script run against a host that is not there."""

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from src.compare.pull_request import MARKER

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))

each_workflow = pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)


def workflow(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506
    return content


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in workflow(file)["jobs"].values() for step in job["steps"]]


def step(name: str, file: str = "report") -> dict[str, Any]:
    every = steps(ROOT / f".github/workflows/{file}.yml")
    (found,) = (step for step in every if step.get("name") == name)
    return found


def run(step: dict[str, Any], folder: Path, variables: dict[str, str]) -> int:
    """Run a step as the Git host does, in a folder whose `bin` comes first; its exit code."""
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]
    variables = {"PATH": path, **variables}
    return subprocess.run(command, cwd=folder, env=variables, check=False).returncode


def tool(file: Path, script: str = ":") -> None:
    """A command that notes in the file `calls` how it was called, and then does something."""
    file.parent.mkdir(parents=True, exist_ok=True)
    noted = 'echo "$0 $*" | sed "s|^$PWD/||" >> "$PWD/calls"'
    file.write_text(f"#!/usr/bin/env bash\n{noted}\n{script}\n", encoding="utf-8")
    file.chmod(0o755)


def test_there_are_four_workflows() -> None:
    names = ["images.yml", "month.yml", "report.yml", "test.yml"]
    assert [file.name for file in WORKFLOWS] == names


@each_workflow
def test_actions_are_pinned_by_commit(file: Path) -> None:
    used = [step["uses"] for step in steps(file) if "uses" in step]
    assert "actions/checkout" in {name.partition("@")[0] for name in used}
    text = file.read_text(encoding="utf-8")
    for name in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", name)
        assert re.search(rf"uses: {re.escape(name)} # v\d+\.\d+\.\d+$", text, re.MULTILINE)


@each_workflow
def test_rights_are_few(file: Path) -> None:
    content = workflow(file)
    expected = {"contents": "read"}
    if file.stem == "report":
        expected["pull-requests"] = "write"
    if file.stem == "month":
        expected["contents"] = "write"
    assert content["permissions"] == expected
    assert not any("permissions" in job for job in content["jobs"].values())
    assert "pull_request_target" not in content["on"]
    for job in content["jobs"].values():
        assert int(job["timeout-minutes"]) <= 30
    for found in steps(file):
        if found.get("uses", "").startswith("actions/checkout@"):
            assert found["with"]["persist-credentials"] == "false"
        assert "${{" not in found.get("run", ""), "what others name must not become a script"


@each_workflow
def test_commands_are_there(file: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w./-]+):", makefile, re.MULTILINE))
    commands = [step["run"] for step in steps(file) if "run" in step]
    made = [
        line.split()[1]
        for command in commands
        for line in command.splitlines()
        if line.startswith("make ")
    ]
    assert set(made) <= targets
    if file.stem == "test":
        assert commands == [".ci/run"]
        assert (ROOT / ".ci/run").stat().st_mode & stat.S_IXUSR
    elif file.stem == "images":
        assert made == ["images"]
    else:
        assert made == [".venv/runtime", file.stem]


def test_the_report_sees_the_whole_history() -> None:
    checkout = steps(ROOT / ".github/workflows/report.yml")[0]
    assert checkout["with"] == {
        "ref": "${{ github.event.pull_request.head.sha }}",
        "fetch-depth": "0",
        "persist-credentials": "false",
    }


def test_a_stale_lock_is_reported_before_it_fails() -> None:
    for name in ("Summary", "Comment", "Keep the report with its pictures"):
        assert "!cancelled()" in step(name)["if"]
    ours = "github.event.pull_request.head.repo.full_name == github.repository"
    assert ours in step("Comment")["if"]


GH = """\
#!/usr/bin/env bash
echo "$*" >> calls
if [[ $* == *--paginate* ]]; then cat comments; fi
"""


@pytest.mark.parametrize(
    ("comments", "call"),
    [
        ("", "pr comment 7 --body-file report/report.md"),
        (
            "31\n45\n",
            "api --method PATCH repos/us/bank/issues/comments/31 "
            "--field body=@report/report.md --silent",
        ),
    ],
)
def test_one_comment_is_made_and_kept_up_to_date(workspace: Path, comments: str, call: str) -> None:
    (workspace / "gh").write_text(GH, encoding="utf-8")
    (workspace / "gh").chmod(0o755)
    (workspace / "comments").write_text(comments, encoding="utf-8")
    subprocess.run(
        ["bash", "-e", "-c", step("Comment")["run"]],
        env={
            "PATH": f"{workspace}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_REPOSITORY": "us/bank",
            "NUMBER": "7",
        },
        check=True,
    )
    asked, done = (workspace / "calls").read_text(encoding="utf-8").splitlines()
    assert asked == (
        "api --paginate repos/us/bank/issues/7/comments "
        f'--jq .[] | select(.body | startswith("{MARKER}")) | .id'
    )
    assert done == call


def test_stages_of_the_small_bank_run_in_the_environment_of_the_project(workspace: Path) -> None:
    """The python that comes first on the Git host has no libraries."""
    tool(workspace / ".venv/bin/dvc", "[ $1 = push ] || python -m a.stage")
    tool(workspace / ".venv/bin/python")
    for name in ("python", "git", "docker"):
        tool(workspace / "bin" / name)
    for name in ("pipelines/simulation/params.yaml", "deploy/.env.example"):
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_bytes((ROOT / name).read_bytes())
    assert run(step("A small bank, its models in the S3 of compose", "images"), workspace, {}) == 0
    assert (workspace / "calls").read_text(encoding="utf-8").splitlines() == [
        ".venv/bin/dvc repro",
        ".venv/bin/python -m a.stage",
        "bin/git config user.name images",
        "bin/git config user.email images@localhost",
        "bin/git commit --quiet --all --message A small bank",
        ".venv/bin/python -m src.month.promote HEAD",
        "bin/docker compose --file deploy/compose.yaml up --detach --wait s3",
        ".venv/bin/dvc push dvc.yaml",
    ]
    small = (workspace / "pipelines/simulation/params.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(small)["products"]["customers"] == 1100
    filled = (workspace / "deploy/.env").read_text(encoding="utf-8")
    assert len(re.findall(r"^(?:S3|GRAFANA|POSTGRES)_\w+=[0-9a-f]{32}$", filled, re.M)) == 4


@pytest.mark.parametrize("fails", ["make", ".venv/bin/dvc", None])
def test_a_month_is_published_only_with_its_data(workspace: Path, fails: str | None) -> None:
    for name in ("bin/make", ".venv/bin/dvc", "bin/git"):
        tool(workspace / name, "false" if fails and name.endswith(fails) else ":")
    variables = {
        "MONTH_FILE": "incoming/2016-06.csv",
        "GH_TOKEN": "token",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "us/bank",
    }
    assert (run(step("Month", "month"), workspace, variables) == 0) == (fails is None)
    calls = (workspace / "calls").read_text(encoding="utf-8").splitlines()
    assert (
        calls
        == [
            "bin/git config user.name month",
            "bin/git config user.email month@localhost",
            "bin/make month FILE=incoming/2016-06.csv",
            ".venv/bin/dvc push",
            "bin/git push https://x-access-token:token@github.com/us/bank HEAD",
        ][: {"make": 3, ".venv/bin/dvc": 4}.get(fails or "", 5)]
    )


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://bank/incoming/own.csv", "s3://bank/incoming/own.csv"),
        ("", "s3://bank/2016-05.csv"),
    ],
)
def test_the_new_file_is_the_one_named_or_that_of_the_month_before(
    workspace: Path, url: str, address: str
) -> None:
    tool(workspace / ".venv/bin/dvc")
    tool(workspace / "bin/date", '/bin/date --date="2016-06-03 last month" "${@: -1}"')
    variables = {"URL": url, "PATTERN": "s3://bank/%Y-%m.csv", "GITHUB_ENV": "variables"}
    assert run(step("The new file", "month"), workspace, variables) == 0
    file = f"incoming/{address.rpartition('/')[2]}"
    calls = (workspace / "calls").read_text(encoding="utf-8").splitlines()
    assert calls[-1] == f".venv/bin/dvc get-url {address} {file}"
    assert (workspace / "variables").read_text(encoding="utf-8") == f"MONTH_FILE={file}\n"


def test_a_refused_month_shows_no_report_of_another() -> None:
    assert "if" not in step("Summary", "month")

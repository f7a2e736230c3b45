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


def step(name: str) -> dict[str, Any]:
    (found,) = (
        step for step in steps(ROOT / ".github/workflows/report.yml") if step.get("name") == name
    )
    return found


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

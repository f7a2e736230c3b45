"""What a reviewer wants to know about a branch: `make report BASE=main` -> report/report.md.

The report is about commits: HEAD, and the one at which the branch left BASE. It needs no network.
Exit code 1 if dvc.lock does not fit the code; the report is written all the same.
"""

import argparse
import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dvc.repo import Repo

from src.compare import dvc_lock
from src.compare.backtests import months_section
from src.compare.differences import AdderScores, compare
from src.compare.git import git, unknown
from src.compare.presentation import draw, markdown, short, signed
from src.compare.revisions import raw_files_sentence
from src.drawing import save
from src.errors import InputError, run
from src.evaluation.differences import VERDICT_ON
from src.evaluation.report import models_of
from src.payments import paths as payments_paths
from src.products import paths
from src.reporting import atomic

FOLDER = Path("report")
PICTURE = "differences.png"
MARKER = "<!-- nextbest report -->"  # by which the comment on a pull request is found again
_OF_PAYMENTS = (  # task, models, metric and its title
    ("operations", ("booster", "network", "logistic"), "gini", "Gini"),
    ("examples", ("second_stage", "popularity"), "map@10", "MAP@10"),
)
_LONGEST = 30_000  # characters of a table: the comment on a pull request takes 65,536 in all


@dataclass(frozen=True)
class Side:
    """One of the two commits, and what its columns are called."""

    commit: str
    title: str


def report(base: Side, head: Side, complaint: str, images_url: str | None) -> str:
    """Compose the report below its heading, and put its pictures into report/.

    Parameters
    ----------
    base, head : Side
    complaint : str
        What is wrong with dvc.lock, or nothing.
    images_url : str, optional
        Where git's files can be seen, as ``{images_url}/{commit}/{path}``. Without it the report
        shows copies that are saved beside it.
    """
    shutil.rmtree(FOLDER / "plots", ignore_errors=True)
    (FOLDER / PICTURE).unlink(missing_ok=True)
    with Repo() as repository:
        params = changes(repository, "params", base, head)
        metrics = changes(repository, "metrics", base, head)
    stale = f"**{complaint}** What follows was committed; this code may give something else."
    raw = raw_files_sentence(head.commit).replace(head.commit, head.title)
    sections = [
        f"**{raw}.**" if raw else "",
        stale if complaint else "dvc.lock fits the code.",
        warnings(_metrics(head.commit)),
        "### Is it a difference?",
        verdict(base, head, images_url),
        months_section(base.commit, head.commit, (base.title, head.title)),
        "### Parameters",
        params or "No parameter changed.",
        "### Metrics",
        key_metrics(base, head),
        payments_metrics(base, head),
        _details("All metrics that changed", metrics),
        "### Plots",
        plots(base, head, images_url),
    ]
    return "\n\n".join(section for section in sections if section)


def warnings(metrics: dict[str, Any]) -> str:
    """What is odd about the data behind the metrics."""
    return "\n".join(f"- **Warning**: {line}." for line in metrics.get("warnings", []))


def verdict(base: Side, head: Side, images_url: str | None) -> str:
    """The paired comparison, or why there is none."""
    try:
        before, after = (
            replace(AdderScores.read(side.commit), revision=side.title) for side in (base, head)
        )
        comparison = compare(before, after)
    except InputError as error:
        cause = str(error).replace(base.commit, base.title).replace(head.commit, head.title)
        return (
            "**No verdict**: it needs the scores of every test customer at both commits. "
            f"{cause}.\n\nUntil then there are the intervals of each commit by itself, below; "
            "that two of them overlap says little, because the same customers are in both."
        )
    if comparison.identical:
        return markdown(comparison)
    save(FOLDER / PICTURE, draw(comparison))
    picture = f"![Differences and their intervals]({PICTURE})"
    if images_url:
        picture = f"*The picture of it, {PICTURE}, is in the report that the workflow run keeps.*"
    return f"{markdown(comparison)}\n\n{picture}"


def key_metrics(base: Side, head: Side) -> str:
    """MAP@7 of each model at both commits, with the interval of each by itself."""
    before, after = (_metrics(side.commit) for side in (base, head))
    names = sorted(models_of(after), key=lambda name: name != VERDICT_ON)
    if not names:
        return f"There is no {paths.METRICS}."
    rows = [(name, "map@7_adders", "MAP@7 among adders", 4) for name in names]
    rows[1:1] = [(name, "map@7", "MAP@7", 5) for name in names[:1]]
    lines = [f"| | {base.title} | {head.title} | difference |", "| --- | --: | --: | --: |"]
    for name, key, title, digits in rows:
        old, new = before.get(name), after[name]
        change = new[key] - old[key] if old else None
        cells = [
            f"{name}, {title}",
            *(_with_interval(model, key, digits) for model in (old, new)),
            "" if change is None else signed(change, digits) if change else "0",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def payments_metrics(base: Side, head: Side) -> str:
    """Key figures of payments at both commits, with intervals; nothing if there are none."""
    before, after = (_metrics(side.commit, payments_paths.METRICS) for side in (base, head))
    lines = [
        f"| payments, out of time | {base.title} | {head.title} | difference |",
        "| --- | --: | --: | --: |",
    ]
    for task, names, key, title in _OF_PAYMENTS:
        old_models, new_models = (one.get(task, {}).get("models", {}) for one in (before, after))
        for name in names:
            if name not in new_models:
                continue
            old, new = old_models.get(name), new_models[name]
            change = new[key] - old[key] if old else None
            cells = [
                f"{task}: {name}, {title}",
                *(_with_interval(model, key, 4) for model in (old, new)),
                "" if change is None else signed(change, 4) if change else "0",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) if after else ""


def _with_interval(model: dict[str, float] | None, key: str, digits: int) -> str:
    if not model:
        return "none"
    mean, low, high = (f"{model[key + end]:.{digits}f}" for end in ("", "_lo", "_hi"))
    return f"{mean} ({low} … {high})"


def plots(base: Side, head: Side, images_url: str | None) -> str:
    """Changed pictures side by side, other changed plots and unchanged ones by name."""
    listing = git("diff", "--name-only", "--no-renames", base.commit, head.commit, "--", "plots")
    changed = [path for path in listing.split() if path.endswith(".png")]
    data = [f"`{path}`" for path in listing.split() if not path.endswith(".png")]
    there = git("ls-tree", "-r", "--name-only", head.commit, "plots").split()
    same = [f"`{path}`" for path in there if path.endswith(".png") and path not in changed]
    parts = []
    for path in changed:
        cells = " | ".join(_picture(path, side, images_url) for side in (base, head))
        parts.append(f"`{path}`\n\n| {base.title} | {head.title} |\n| --- | --- |\n| {cells} |")
    if data:
        command = f"dvc plots diff {base.commit[:7]} {head.commit[:7]}"
        parts.append(f"Plotted data that changed: {', '.join(data)}. `{command}` draws them.")
    if same:
        parts.append(f"Unchanged: {', '.join(same)}.")
    return "\n\n".join(parts) or "There are none."


def _picture(path: str, side: Side, images_url: str | None) -> str:
    command = ["git", "show", f"{side.commit}:{path}"]
    content = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    if content.returncode:
        return "not there"
    copy = Path("plots", side.commit[:7], Path(path).relative_to("plots"))
    (FOLDER / copy).parent.mkdir(parents=True, exist_ok=True)
    (FOLDER / copy).write_bytes(content.stdout)
    where = f"{images_url}/{side.commit}/{path}" if images_url else copy
    return f"![{Path(path).stem}, {side.title}]({where})"


def changes(repository: Repo, what: Literal["params", "metrics"], base: Side, head: Side) -> str:
    """What `dvc params diff` or `dvc metrics diff` finds; nothing if nothing changed."""
    found = getattr(repository, what).diff(a_rev=base.commit, b_rev=head.commit).get("diff", {})
    rows = [
        f"| {file} | {key} | {_shown(values.get('old'))} | {_shown(values.get('new'))} |"
        for file, keys in found.items()
        for key, values in keys.items()
    ]
    titles = f"| file | {what[:-1]} | {base.title} | {head.title} |"
    return "\n".join([titles, "| --- | --- | --: | --: |", *sorted(rows)]) if rows else ""


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return str(round(value, 6) if isinstance(value, float) else value).replace("|", "\\|")


def _details(title: str, table: str) -> str:
    if len(table) > _LONGEST:
        table = table[:_LONGEST].rpartition("\n")[0] + "\n\nand more."
    return f"<details><summary>{title}</summary>\n\n{table}\n\n</details>" if table else ""


def _metrics(commit: str, path: str = paths.METRICS) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(git("show", f"{commit}:{path}") or "{}")
    return content


def _heading(base: Side, head: Side, tip: str) -> str:
    """Which commits are compared, and what is not in them."""
    branch = git("branch", "--show-current") or head.title
    lines = [f"## {branch} (`{head.commit[:7]}`) against {base.title} (`{base.commit[:7]}`)"]
    if since := int(git("rev-list", "--count", f"{base.commit}..{tip}")):
        commits = "1 commit" if since == 1 else f"{since} commits"
        lines.append(f"{base.title} has gone on by {commits} since this branch left it.")
    if git("status", "--porcelain"):
        lines.append("Uncommitted changes are not in this report.")
    return "\n\n".join(lines)


def main() -> None:
    """Write the report on this branch; end with exit code 1 if dvc.lock does not fit."""
    parser = argparse.ArgumentParser(
        prog="python -m src.compare.pull_request",
        description="Report on this branch: report/report.md.",
    )
    parser.add_argument("base", metavar="BASE", help="the branch that this one is to go into")
    parser.add_argument(
        "--images-url", metavar="URL", help="link pictures to URL/COMMIT/PATH, not to copies"
    )
    arguments = parser.parse_args()
    tip = git("rev-parse", "--verify", "--quiet", f"{arguments.base}^{{commit}}")
    if not tip:
        raise unknown(
            arguments.base,
            "name the branch that this one is to go into, as in 'make report BASE=origin/main'",
        )
    head = Side(git("rev-parse", "HEAD"), "this branch")
    common = git("merge-base", tip, head.commit)
    if not common and git("rev-parse", "--is-shallow-repository") == "true":
        raise unknown(arguments.base, "")
    base = Side(common or tip, short(arguments.base))
    try:
        complaint = dvc_lock.complaint(dvc_lock.stale_stages(head.commit))
    except InputError as error:
        complaint = str(error)
    text = report(base, head, complaint, arguments.images_url)
    with atomic(FOLDER / "report.md") as temporary:
        content = f"{MARKER}\n{_heading(base, head, tip)}\n\n{text}\n"
        temporary.write_text(content, encoding="utf-8")
    print(f"Report: {FOLDER}/report.md")
    if complaint:
        raise InputError(complaint)


if __name__ == "__main__":
    run(main)

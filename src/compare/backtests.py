"""The verdict over many test months, where both revisions hold a backtest."""

import json
from hashlib import md5
from typing import Any

from src.backtest import paths
from src.compare import resamples, revisions
from src.compare.presentation import short
from src.compare.resamples import Change
from src.errors import InputError
from src.evaluation.differences import VERDICT_ON
from src.evaluation.report import few_months
from src.params import read_yaml

PIPELINE = "pipelines/backtest/dvc.yaml"
_LOCK, _STAGE = "pipelines/backtest/dvc.lock", "predict"
_ROOT_LOCK, _ROOT_PARAMS = "dvc.lock", "params.yaml"


def differing(revision: str) -> list[str] | None:
    """What a revision's backtest was made from that is different in the revision itself.

    An experiment reruns the products pipeline only, and takes the lock of the backtest over from
    the commit that it began with.

    Returns
    -------
    list of str
        Files of data and code, then sections of params.yaml; empty if the backtest is its own.
        None if there is no backtest.
    """
    files = revisions.in_git(revision, _LOCK, _ROOT_LOCK, _ROOT_PARAMS)
    if len(files) < 3:
        return None
    lock, root, params = map(read_yaml, files.values())
    made_from: dict[str, Any] = lock["stages"][_STAGE]
    hashes = {dep["path"]: dep["md5"] for dep in made_from["deps"]}
    code = revisions.in_git(revision, *(path for path in hashes if path.startswith("src/")))
    outs = [out for stage in root["stages"].values() for out in stage.get("outs", [])]
    now = {out["path"]: out["md5"] for out in outs}
    now |= {path: md5(content).hexdigest() for path, content in code.items()}  # noqa: S324
    changed = [path for path, hashed in hashes.items() if now.get(path) != hashed]
    sections = made_from["params"][_ROOT_PARAMS]
    return changed + [
        f"{name} in {_ROOT_PARAMS}" for name, own in sections.items() if params.get(name) != own
    ]


def months_section(before: str, after: str, titles: tuple[str, str] | None = None) -> str:
    """The verdict over many test months as Markdown; empty if there are no two backtests.

    Parameters
    ----------
    before, after : str
        Revisions.
    titles : tuple of str, optional
        What they are called, if not by themselves.
    """
    both = before, after
    names = titles or both
    changed = [differing(revision) for revision in both]
    if None in changed:
        return ""
    for name, causes in zip(names, changed, strict=True):
        if causes:
            more = f", and {len(causes) - 1} more" if len(causes) > 1 else ""
            return _no_verdict(
                f"the backtest of '{name}' is an older one: {causes[0]} has changed since{more}. "
                f"Run 'dvc repro {PIPELINE}' there and commit what it wrote"
            )
    try:
        rows = resamples.changes(before, after, paths.RESAMPLES, ["adders"])
        months = _months(after)
    except InputError as error:
        cause = str(error)
        for revision, name in zip(both, names, strict=True):
            cause = cause.replace(f"'{short(revision)}'", f"'{name}'")
        return _no_verdict(cause)
    rows.sort(key=lambda row: row.title != VERDICT_ON)
    count = "1 test month" if len(months) == 1 else f"{len(months)} test months"
    few = few_months(len(months))
    parts = [f"### Over {count}", _conclusion(rows[0], names)]
    if any(row.verdict != "identical" for row in rows):
        parts += [
            resamples.table("MAP@7 among adders", *names, rows),
            f"*The mean of MAP@7 among the adders of each month, {months[0]} … {months[-1]}, all "
            "learnt from what lies before it; paired: months, and customers within them, were "
            "resampled alike in both.*",
        ]
    elif len(rows) > 1:
        parts.append("So do all other models.")
    return "\n\n".join([*parts, *([few] if few else [])])


def _no_verdict(cause: str) -> str:
    return f"**No verdict over several months**: {cause}."


def _conclusion(row: Change, names: tuple[str, str]) -> str:
    if row.verdict == "identical":
        return f"**No difference: identical.** {row.title} scores the same in every resample."
    if row.verdict == "no difference":
        return (
            f"**No difference: the interval contains 0.** {row.measured}. That does not prove both "
            "equal: the truth may be any value in the interval."
        )
    winner = short(names[row.verdict == "higher"])
    return f"**`{winner}` is better.** {row.measured}."


def _months(revision: str) -> list[str]:
    (content,) = revisions.read(revision, paths.METRICS)
    return list(json.loads(content)["by_month"])

"""The verdict over many test months, where both revisions hold a backtest."""

import io
from dataclasses import replace
from hashlib import md5
from typing import Any

import pandas as pd

from src.backtest import paths
from src.compare import revisions
from src.compare.differences import AdderScores, Comparison, compare_months
from src.compare.presentation import over_months
from src.errors import InputError
from src.params import read_yaml

PIPELINE = "pipelines/backtest/dvc.yaml"
_LOCK, _STAGE = "pipelines/backtest/dvc.lock", "predict"
_ROOT_LOCK, _ROOT_PARAMS = "dvc.lock", "params.yaml"


def backtests(before: str, after: str) -> Comparison | None:
    """Compare the backtests of two revisions; None if one of them holds none.

    Raises
    ------
    InputError
        A backtest does not belong to the rest of its revision, is out of reach, or has nothing in
        common with the other.
    """
    both = (before, after)
    changed = [differing(revision) for revision in both]
    if None in changed:
        return None
    for revision, names in zip(both, changed, strict=True):
        if names:
            raise InputError(
                f"the backtest of '{revision}' is an older one: {names[0]} has changed since"
                f"{f', and {len(names) - 1} more' if len(names) > 1 else ''}. Run 'dvc repro "
                f"{PIPELINE}' there and commit its lock"
            )
    return compare_months(*map(read, both))


def read(revision: str) -> AdderScores:
    """Read AP@7 by month and customer of a revision's backtest."""
    (content,) = revisions.read(revision, paths.ADDERS)
    table = pd.read_parquet(io.BytesIO(content)).set_index(["month", "customer"])
    return AdderScores(revision, {}, table, pd.DataFrame(index=table.index))


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
    names = titles or (before, after)
    try:
        comparison = backtests(before, after)
    except InputError as error:
        cause = str(error).replace(before, names[0]).replace(after, names[1])
        return f"**No verdict over several months**: {cause}."
    if comparison is None:
        return ""
    sides = (comparison.before, comparison.after)
    old, new = (replace(side, revision=name) for side, name in zip(sides, names, strict=True))
    return over_months(replace(comparison, before=old, after=new))

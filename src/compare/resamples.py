"""Paired differences of two revisions out of what each model reaches in the same resamples.

No customer's row is committed, and a clone in which an optional pipeline never ran has none in its
cache. But both revisions commit what each model reaches in the same resamples of the same
customers: the differences within a resample are the paired bootstrap.
"""

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from src.compare import revisions
from src.compare.presentation import short, signed
from src.errors import InputError
from src.evaluation.intervals import percentile_interval


@dataclass(frozen=True)
class Change:
    """A model in two revisions, and the 95 % interval of after minus before."""

    title: str
    before: float
    after: float
    low: float
    high: float
    verdict: Literal["identical", "no difference", "higher", "lower"]

    @property
    def measured(self) -> str:
        """The difference and its interval in words."""
        return (
            f"{self.title} {signed(self.after - self.before)}, 95 % interval {signed(self.low)} … "
            f"{signed(self.high)}"
        )


def changes(before: str, after: str, path: str, key: list[str]) -> list[Change]:
    """Pair the models that both revisions measured, in the order of after.

    Parameters
    ----------
    before, after : str
        Revisions.
    path : str
        A table that git holds: first a row of all customers, then one of each resample; a column
        for each model.
    key : list of str
        Its columns that tell resamples apart.

    Raises
    ------
    InputError
        A revision is unknown or has no such table, or the two have other resamples or no model in
        common.
    """
    old, new = (_read(revision, path) for revision in (before, after))
    if not old[key].equals(new[key]):
        raise InputError(
            f"'{short(before)}' and '{short(after)}' measured other customers or other days, or "
            "drew other resamples, and cannot be paired"
        )
    names = [str(name) for name in new if name in old and name not in key]
    if not names:
        raise InputError(f"'{short(before)}' and '{short(after)}' have no model in common")
    return [_change(name, old[name].to_numpy(), new[name].to_numpy()) for name in names]


def _read(revision: str, path: str) -> pd.DataFrame:
    (content,) = revisions.read(revision, path)
    return pd.read_csv(io.BytesIO(content))


def _change(title: str, before: np.ndarray, after: np.ndarray) -> Change:
    change = after - before
    interval = percentile_interval(change)
    verdict: Literal["identical", "no difference", "higher", "lower"]
    if not np.nan_to_num(change).any():
        verdict = "identical"
    elif interval.low <= 0 <= interval.high:
        verdict = "no difference"
    else:
        verdict = "higher" if interval.low > 0 else "lower"
    return Change(title, before[0], after[0], interval.low, interval.high, verdict)


def table(title: str, before: str, after: str, rows: list[Change]) -> str:
    """Render changes as a Markdown table."""
    lines = [
        f"| {title} | {short(before)} | {short(after)} | difference | 95 % interval | |",
        "| --- | --: | --: | --: | :-: | --- |",
    ]
    for row in rows:
        shown = [signed(row.after - row.before), f"{signed(row.low)} … {signed(row.high)}"]
        cells = [
            row.title,
            f"{row.before:.4f}",
            f"{row.after:.4f}",
            *(["0", ""] if row.verdict == "identical" else shown),
            row.verdict,
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)

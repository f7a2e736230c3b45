"""Paired differences of two revisions in payments, out of files that git holds.

No client's row is committed, and a clone in which payments never ran has none in its cache. But
both revisions write what each model reaches in the same resamples of the same clients: the
differences within a resample are the paired bootstrap.
"""

import io
from typing import Literal

import numpy as np
import pandas as pd

from src.compare import revisions
from src.compare.presentation import short, signed
from src.errors import InputError
from src.payments import paths

_MEASURED = {  # file -> what it holds; whom on; its first columns, which tell resamples apart
    paths.GINI_RESAMPLES: ("Gini of operations", ["observations", "repeated"]),
    paths.EXAMPLES_RESAMPLES: ("MAP@10 of new providers", ["targets"]),
}
_TAILS = (0.025, 0.975)


def markdown(before: str, after: str) -> str:
    """Compare the models of payments that both revisions measured, as Markdown."""
    return "\n\n".join(_section(before, after, path) for path in _MEASURED)


def _section(before: str, after: str, path: str) -> str:
    title, key = _MEASURED[path]
    try:
        old, new = (_read(revision, path) for revision in (before, after))
    except InputError as error:
        return f"*{title}: not compared. {error}.*"
    if not old[key].equals(new[key]):
        return (
            f"*{title}: not compared. `{short(before)}` and `{short(after)}` measured it on other "
            "clients or other days, or drew other resamples, and cannot be paired.*"
        )
    models = [name for name in new if name in old and name not in key]
    lines = [
        f"| {title} | {short(before)} | {short(after)} | difference | 95 % interval | |",
        "| --- | --: | --: | --: | :-: | --- |",
    ]
    for name in models:
        change = (new[name] - old[name]).to_numpy()
        low, high = np.nanquantile(change[1:], _TAILS)
        verdict = verdict_of(change, low, high)
        interval = f"{signed(low)} … {signed(high)}"
        shown = ["0", ""] if verdict == "identical" else [signed(change[0]), interval]
        cells = [str(name), f"{old[name][0]:.4f}", f"{new[name][0]:.4f}", *shown, verdict]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(
        [*lines, "", f"*Paired by client: {len(new) - 1} resamples of clients, the same in both.*"]
    )


def verdict_of(
    change: np.ndarray, low: float, high: float
) -> Literal["identical", "no difference", "higher", "lower"]:
    """What the values of after are, in words; `change` is after minus before in each row."""
    if not np.nan_to_num(change).any():
        return "identical"
    if low <= 0 <= high:
        return "no difference"
    return "higher" if low > 0 else "lower"


def _read(revision: str, path: str) -> pd.DataFrame:
    (content,) = revisions.read(revision, path)
    return pd.read_csv(io.BytesIO(content))

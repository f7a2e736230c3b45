"""Paired differences of two revisions: the same customers, scored by both."""

import io
import json
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from src.compare import revisions
from src.errors import InputError
from src.evaluation.differences import VERDICT_ON, Difference, paired
from src.products import paths

# Not params.yaml's: the same two revisions give the same answer from every working folder.
RESAMPLES = 2000
SEED = 7


@dataclass(frozen=True)
class AdderScores:
    """What one revision's evaluate left.

    Attributes
    ----------
    test : dict
        Section "test" of metrics/products.json: month, customers, adders, additions.
    models : DataFrame
        AP@7 by adder (index) and model (columns).
    slices : DataFrame
        Which slices an adder belongs to; no columns in revisions that did not write them.
    """

    revision: str
    test: dict[str, Any]
    models: pd.DataFrame
    slices: pd.DataFrame

    @classmethod
    def read(cls, revision: str) -> "AdderScores":
        """Read the scores of a revision.

        Raises
        ------
        InputError
            As `revisions.read`.
        """
        metrics, table = revisions.read(revision, paths.METRICS, paths.TEST_CUSTOMERS)
        adders = pq.read_table(io.BytesIO(table)).to_pandas().set_index("customer")
        return cls(
            revision,
            json.loads(metrics)["test"],
            adders.select_dtypes("float"),
            adders.select_dtypes("bool"),
        )


@dataclass(frozen=True)
class Comparison:
    """Two revisions, paired by customer."""

    before: AdderScores
    after: AdderScores
    models: list[Difference]  # the one that the verdict is on comes first
    slices: list[Difference]  # the same model within slices

    @property
    def identical(self) -> bool:
        """Whether no model scores any customer differently."""
        return all(row.verdict == "identical" for row in self.models)


def compare(before: AdderScores, after: AdderScores) -> Comparison:
    """Pair the adders of two revisions and bootstrap the differences of their scores.

    Raises
    ------
    InputError
        The test months differ, or no adder or no model is common to both.
    """
    both = f"'{before.revision}' and '{after.revision}'"
    if before.test["month"] != after.test["month"]:
        raise InputError(
            f"{both} were tested on {before.test['month']} and {after.test['month']}: only scores "
            "of the same month can be paired"
        )
    adders = before.models.index.intersection(after.models.index)
    names = [str(name) for name in after.models if name in before.models]
    if adders.empty or not names:
        what = "adder of the test month" if adders.empty else "model"
        raise InputError(f"{both} have no {what} in common: there is nothing to pair")
    names.sort(key=lambda name: name != VERDICT_ON)
    old, new = before.models.loc[adders], after.models.loc[adders]
    first, *_ = models = _differences({name: (old[name], new[name]) for name in names})
    slices = (before.slices if after.slices.columns.empty else after.slices).loc[adders]
    parts: list[Difference] = []
    for title in slices:
        members = slices[title]
        if members.any():
            pair = old.loc[members, first.title], new.loc[members, first.title]
            parts += _differences({str(title): pair})
    return Comparison(before, after, models, parts)


def _differences(pairs: dict[str, tuple[pd.Series, pd.Series]]) -> list[Difference]:
    """Before and after by title, all of the same adders."""
    months = {title: ([old.to_numpy()], [new.to_numpy()]) for title, (old, new) in pairs.items()}
    return paired(months, RESAMPLES, SEED)

"""What evaluate says about repetition: metrics, tables and figures of the test."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from src.evaluation.intervals import percentile_interval
from src.payments.calendar import date_of
from src.payments.operations import evaluation
from src.payments.operations.baselines import BASELINES
from src.payments.operations.factors import FACTORS
from src.payments.operations.models import OperationModels

_POINTS = 200  # of the curve of cards
_BINS = 10


@dataclass(frozen=True)
class Observed:
    """Scored observations of a part.

    Attributes
    ----------
    event : bool array, shape (observations,)
    client, cutoff, group : int array, shape (observations,)
        Codes; the cut-off is a day; a group is a client at a cut-off.
    chances : dict of model -> float array
    rules : dict of name -> float32 array
    """

    event: NDArray[np.bool_]
    client: NDArray[np.intp]
    cutoff: NDArray[np.int32]
    group: NDArray[np.intp]
    chances: dict[str, NDArray[np.float64]]
    rules: dict[str, NDArray[np.float32]]

    @classmethod
    def of(cls, table: pa.Table, models: OperationModels) -> "Observed":
        """Score the rows of a part, which observe wrote by cut-off and client."""
        client = table["client"].combine_chunks().dictionary_encode().indices.to_numpy()
        cutoff = table["cutoff"].cast(pa.int32()).to_numpy()
        new = (np.diff(client, prepend=-1) != 0) | (np.diff(cutoff, prepend=-1) != 0)
        columns = {factor.name: table[factor.name].to_numpy() for factor in FACTORS}
        rules = {one.name: f"rule_{one.name}" for one in BASELINES}
        return cls(
            event=table["repeated"].to_numpy(),
            client=client.astype(np.intp),
            cutoff=cutoff,
            group=np.cumsum(new) - 1,
            chances=models.score(columns),
            rules={
                name: table[column].to_numpy()
                for name, column in rules.items()
                if column in table.column_names and not table[column].null_count
            },
        )

    @property
    def scores(self) -> dict[str, NDArray[Any]]:
        """Chances of the models, and scores of the rules."""
        return {**self.chances, **self.rules}


def gini_resamples(test: Observed, drawn: list[NDArray[np.int64]]) -> pd.DataFrame:
    """Gini of all models in the same resamples of clients, so that another run can be paired.

    `drawn` is what `evaluation.resampled` gives for the clients of the test.

    Returns
    -------
    DataFrame
        First a row of all clients, then one of each resample: how many observations and repeated
        ones it holds, which tells two resamples apart; a column for each of `Observed.scores`.
    """
    size = len(drawn[0])
    sizes = np.bincount(test.client, minlength=size), np.bincount(test.client, test.event, size)
    everybody = np.ones(size, dtype=np.int64)
    counts = np.array([[times @ one for one in sizes] for times in (everybody, *drawn)])
    return pd.DataFrame(
        {
            "observations": counts[:, 0].astype(np.int64),
            "repeated": counts[:, 1].astype(np.int64),
            **evaluation.gini_resamples(test.scores, test.event, test.client, drawn),
        }
    )


def gini_table(
    valid: Observed, test: Observed, resamples: pd.DataFrame
) -> dict[str, dict[str, float]]:
    """Gini with its interval, top-four hit rate; of models also PSI against validation.

    `resamples` is what `gini_resamples` gives for the test.
    """
    table: dict[str, dict[str, float]] = {}
    for name in test.scores:
        interval = percentile_interval(resamples[name].to_numpy())
        hits = evaluation.top_hits(test.scores[name], test.event, test.group)
        table[name] = {
            **interval.named("gini"),
            f"hit_rate@{evaluation.TOP}": float(hits.mean()),
        }
        if name in test.chances:
            table[name]["psi"] = evaluation.score_stability(valid.chances[name], test.chances[name])
            table[name]["mean_chance"] = float(test.chances[name].mean())
    return table


def card_table(
    valid: Observed, test: Observed, coverage: float, drawn: list[NDArray[np.int64]]
) -> dict[str, dict[str, float]]:
    """Cards of each model by the threshold of validation, and by the most expected F1.

    `drawn` is what `evaluation.resampled` gives for the clients of the test.
    """
    groups = int(test.group.max()) + 1
    table: dict[str, dict[str, float]] = {}
    for name, chance in test.chances.items():
        threshold = evaluation.threshold_at(valid.chances[name], valid.event, coverage)
        table[name] = {"threshold": threshold}
        for rule, shown in (
            ("", chance >= threshold),
            ("f1_", evaluation.most_expected_f1(chance, test.group)),
        ):
            one = evaluation.cards(shown, test.event, test.client, groups, drawn)
            table[name] |= {
                f"{rule}cards": one.cards,
                **one.coverage.named(f"{rule}coverage"),
                **one.precision.named(f"{rule}precision"),
            }
    return table


def gini_by_cutoff(test: Observed) -> pd.DataFrame:
    """Gini of each model at each cut-off: model, cutoff, observations, repeated, gini."""
    rows = []
    for name, chance in test.chances.items():
        for day in np.unique(test.cutoff):
            here = test.cutoff == day
            event = test.event[here]
            value = evaluation.gini(chance[here], event)
            rows.append((name, str(date_of(day)), len(event), int(event.sum()), value))
    return pd.DataFrame(rows, columns=["model", "cutoff", "observations", "repeated", "gini"])


def card_curve(test: Observed) -> pd.DataFrame:
    """Coverage and precision of each model by length of the list of all cards."""
    tables = []
    for name, chance in test.chances.items():
        event = test.event[np.argsort(-chance, kind="stable")]
        hits = np.cumsum(event)
        steps = np.unique(np.searchsorted(hits, np.linspace(1, hits[-1], _POINTS)))
        tables.append(
            pd.DataFrame(
                {
                    "model": name,
                    "coverage": hits[steps] / hits[-1],
                    "precision": hits[steps] / (steps + 1),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def reliability(test: Observed) -> pd.DataFrame:
    """Mean chance and observed share of tenths of the observations, by model."""
    tables = []
    for name, chance in test.chances.items():
        order = np.argsort(chance, kind="stable")
        parts = np.array_split(order, _BINS)
        tables.append(
            pd.DataFrame(
                {
                    "model": name,
                    "observations": [len(part) for part in parts],
                    "predicted": [chance[part].mean() for part in parts],
                    "observed": [test.event[part].mean() for part in parts],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)

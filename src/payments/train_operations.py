"""train_operations: weights of evidence, and the models of repetition that read them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from src import params
from src.drawing import save
from src.errors import run
from src.payments import paths
from src.payments.operations import figures
from src.payments.operations.factors import FACTORS
from src.payments.operations.models import OperationModels, TrainOperations, fit_rows
from src.payments.operations.observations import Observe
from src.payments.schema import PARAMS
from src.reporting import write_csv

# A scorecard's scale: so many points where the odds are 1 to 100, and so many more if they double.
_POINTS, _AT_ODDS, _DOUBLE = 600, 1 / 100, 20


def scorecard(models: OperationModels) -> pd.DataFrame:
    """Every bin: observations, share repeated, weight of evidence, coefficient and points.

    ``points = 20 / ln 2 * coefficient * WOE``; they add up to 600 where the odds are 1 to 100, and
    to 20 more where they are twice as high. The first row holds what everybody has.
    """
    per_log_odds = _DOUBLE / np.log(2)
    start = models.logistic.intercept + models.correction - np.log(_AT_ODDS)
    rows: list[dict[str, object]] = [
        {"factor": "(everybody)", "bin": "", "points": _POINTS + per_log_odds * start}
    ]
    for bins in sorted(models.dictionary, key=lambda bins: -bins.iv):
        coefficient = models.logistic.coefficients.get(bins.name, 0.0)
        counts = zip(bins.labels, bins.events, bins.others, bins.woe, strict=True)
        rows += [
            {
                "factor": bins.name,
                "iv": bins.iv,
                "bin": label,
                "observations": events + others,
                "repeated": events,
                "woe": woe,
                "coefficient": coefficient,
                "points": per_log_odds * coefficient * woe,
            }
            for label, events, others, woe in counts
        ]
    return pd.DataFrame(rows)


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("train_operations", TrainOperations, PARAMS)
    drawn = params.load("observe", Observe, PARAMS).negatives
    names = [factor.name for factor in FACTORS]
    table = pq.read_table(
        paths.OBSERVATIONS, columns=["repeated", *names], filters=pc.field("part") == "train"
    )
    models = fit_rows(table, drawn, settings)
    Path(paths.OPERATION_MODELS).mkdir(parents=True, exist_ok=True)
    models.save(paths.OPERATION_MODELS)
    write_csv(paths.SCORECARD, scorecard(models))
    save(paths.WOE_PNG, figures.weights_of_evidence(models.dictionary))


if __name__ == "__main__":
    run(main)

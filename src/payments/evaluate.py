"""evaluate: every model on days that nothing before this stage has touched."""

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from src import params
from src.drawing import save
from src.errors import run
from src.models.shap import LeafShap
from src.payments import paths
from src.payments.operations import figures, results
from src.payments.operations.evaluation import CardSettings, resampled
from src.payments.operations.factors import FACTORS
from src.payments.operations.models import OperationModels, matrix
from src.payments.operations.observations import Observe
from src.payments.schema import PARAMS
from src.reporting import write_csv, write_json

_EXPLAINED = 20_000  # observations, evenly taken


class Evaluate(params.Section):
    """Parameters of the stage: bootstrap resamples of clients, and their seed."""

    resamples: int = Field(ge=10)
    seed: int = Field(ge=0)


def factor_table(models: OperationModels, columns: dict[str, np.ndarray]) -> pd.DataFrame:
    """Information value of each factor, and its mean contribution to the booster's log odds.

    Contributions are SHAP values (`models.shap`), their sizes averaged over observations.
    """
    rows = np.linspace(0, len(columns[FACTORS[0].name]) - 1, _EXPLAINED).astype(np.intp)
    inputs = matrix({name: values[np.unique(rows)] for name, values in columns.items()})
    explained = LeafShap.of(models.booster).values_of(
        inputs, np.zeros((len(inputs), 1), dtype=np.intp)
    )
    information = {bins.name: bins.iv for bins in models.dictionary}
    return pd.DataFrame(
        {
            "factor": [factor.name for factor in FACTORS],
            "title": [factor.en for factor in FACTORS],
            "iv": [information.get(factor.name, 0.0) for factor in FACTORS],
            "coefficient": [
                models.logistic.coefficients.get(factor.name, 0.0) for factor in FACTORS
            ],
            "mean_shap": np.abs(explained[:, 0]).mean(axis=0),
        }
    ).sort_values(["mean_shap", "factor"], ascending=[False, True])


def example_metrics() -> dict[str, object]:
    """What the stage examples found, as metrics: the last origin, the filter, masking."""
    table = pd.read_csv(paths.EXAMPLES)
    last = table[table["cutoff"] == table["cutoff"].max()]
    about = ["cutoff", "clients", "new_pairs", "reachable_pairs"]
    measured = last.drop(columns=about).set_index("model")
    both = pd.read_csv(paths.EXAMPLES_VALIDATIONS)
    masked = both[both["validation"] == "masked"].set_index("model")
    effects = pd.read_csv(paths.EXAMPLES_FILTER).set_index("model")
    return {
        "test": last[about].iloc[0].to_dict(),
        "models": measured.to_dict("index"),
        "masked": masked[["map@10", "hit@10"]].to_dict("index"),
        "filter": effects.to_dict("index"),
    }


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("evaluate", Evaluate, PARAMS)
    coverage = params.load("cards", CardSettings, PARAMS).coverage
    horizon = params.load("observe", Observe, PARAMS).horizon_days
    models = OperationModels.load(paths.OPERATION_MODELS)
    parts = {
        part: pq.read_table(paths.OBSERVATIONS, filters=pc.field("part") == part)
        for part in ("valid", "test")
    }
    valid, test = (results.Observed.of(table, models) for table in parts.values())
    drawn = resampled(test.client, settings.resamples, settings.seed)
    resamples = results.gini_resamples(test, drawn)
    repeats = results.gini_table(valid, test, resamples)
    cards = results.card_table(valid, test, coverage, drawn)
    days = np.unique(parts["test"]["cutoff"].to_numpy())
    write_json(
        paths.METRICS,
        {
            "operations": {
                "test": {
                    "first_cutoff": str(days[0]),
                    "last_cutoff": str(days[-1]),
                    "cutoffs": len(days),
                    "horizon_days": horizon,
                    "observations": len(test.event),
                    "repeated": int(test.event.sum()),
                },
                "models": repeats,
                "cards": cards,
            },
            "examples": example_metrics(),
        },
    )
    by_cutoff, curve = results.gini_by_cutoff(test), results.card_curve(test)
    bins = results.reliability(test)
    columns = {factor.name: parts["test"][factor.name].to_numpy() for factor in FACTORS}
    factors = factor_table(models, columns)
    write_csv(paths.GINI_RESAMPLES, resamples)
    write_csv(paths.GINI_BY_CUTOFF, by_cutoff)
    write_csv(paths.CARD_CURVE, curve)
    write_csv(paths.RELIABILITY, bins)
    write_csv(paths.FACTORS, factors)
    save(paths.GINI_PNG, figures.comparison(repeats, horizon))
    save(paths.GINI_BY_CUTOFF_PNG, figures.over_time(by_cutoff))
    save(paths.CARD_CURVE_PNG, figures.cards(curve, cards["booster"]))
    save(paths.RELIABILITY_PNG, figures.reliability(bins))
    save(paths.FACTORS_PNG, figures.factors(factors))


if __name__ == "__main__":
    run(main)

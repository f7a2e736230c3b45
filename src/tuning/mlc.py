"""mlc: a study of the classifier, which learns from the base months."""

from functools import lru_cache

from catboost import CatBoostError

from src import params
from src.errors import InputError, run
from src.models.contract import CannotFitError, Scores
from src.models.mlc import Mlc, MlcSettings
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.tuning import report
from src.tuning.objective import Objective
from src.tuning.space import PARAMS, Tuning
from src.tuning.study import Sweep, run_trials


def main() -> None:
    """Run the stage as both params files say."""
    tuning = params.load("mlc", Tuning, PARAMS)
    settings = params.load("train_mlc", MlcSettings)
    dataset = Dataset.open(params.load("schema", Schema)).before_test()
    objective = Objective.of(dataset)
    sample = lru_cache(maxsize=2)(dataset.sample)

    def score(settings: MlcSettings, part: float) -> Scores:
        customers, holdings = sample(settings.rows, settings.seed)
        # of rows: how a trial does with few iterations says nothing about many
        rows = slice(None, None, round(1 / part))
        try:
            return Mlc.fit(customers.of(rows), holdings[rows], settings).score(objective.customers)
        except (
            CatBoostError,
            CannotFitError,
        ) as fault:  # it diverges: a high rate, hardly any regularization
            raise InputError(str(fault)) from None

    sweep = Sweep("mlc", "train_mlc", tuning, settings, objective, score)
    report.write(sweep, run_trials(sweep))


if __name__ == "__main__":
    run(main)

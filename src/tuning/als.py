"""als: a study of ALS, which learns from the base months."""

from src import params
from src.errors import run
from src.models.als import FIRST_STAGE
from src.models.contract import Scores
from src.models.factorization import TrainAls
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.tuning import report
from src.tuning.objective import Objective
from src.tuning.space import PARAMS, Tuning
from src.tuning.study import Sweep, reduced, run_trials


def main() -> None:
    """Run the stage as both params files say."""
    tuning = params.load("als", Tuning, PARAMS)
    settings = params.load("train_als", TrainAls)
    dataset = Dataset.open(params.load("schema", Schema)).before_test()
    objective = Objective.of(dataset)

    def score(settings: TrainAls, part: float) -> Scores:
        model = FIRST_STAGE.fit(dataset, reduced(settings, "iterations", part))
        return model.score(objective.customers)

    sweep = Sweep("als", "train_als", tuning, settings, objective, score)
    report.write(sweep, run_trials(sweep))


if __name__ == "__main__":
    run(main)

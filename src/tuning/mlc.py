"""mlc: a study of the classifier, which learns from the base months."""

from functools import lru_cache

from src import params
from src.errors import run
from src.models.customers import Scores
from src.models.mlc import Mlc, MlcSettings
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.tuning import report
from src.tuning.judge import Judge
from src.tuning.space import PARAMS, Tuning
from src.tuning.study import Sweep, reduced, run_trials


def main() -> None:
    """Run the stage as both params files say."""
    tuning = params.load("mlc", Tuning, PARAMS)
    settings = params.load("train_mlc", MlcSettings)
    dataset = Dataset.open(params.load("schema", Schema)).before_test()
    judge = Judge.of(dataset)
    sample = lru_cache(maxsize=2)(dataset.sample)

    def score(settings: MlcSettings, part: float) -> Scores:
        customers, holdings = sample(settings.rows, settings.seed)
        model = Mlc.fit(customers, holdings, reduced(settings, "iterations", part))
        return model.score(judge.customers)

    sweep = Sweep("mlc", "train_mlc", tuning, settings, judge, score)
    report.write(sweep, run_trials(sweep))


if __name__ == "__main__":
    run(main)

"""kmeans: a study of K-means, which learns from the base months."""

from functools import lru_cache

from src import params
from src.errors import run
from src.models.contract import Scores
from src.models.kmeans import KMeans, KMeansSettings
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.tuning import report
from src.tuning.objective import Objective
from src.tuning.space import PARAMS, Tuning
from src.tuning.study import Sweep, reduced, run_trials


def main() -> None:
    """Run the stage as both params files say."""
    tuning = params.load("kmeans", Tuning, PARAMS)
    settings = params.load("train_kmeans", KMeansSettings)
    dataset = Dataset.open(params.load("schema", Schema)).before_test()
    objective = Objective.of(dataset)
    sample = lru_cache(maxsize=2)(dataset.sample)

    def score(settings: KMeansSettings, part: float) -> Scores:
        customers, holdings = sample(settings.rows, settings.seed)
        model = KMeans.fit(customers, holdings, reduced(settings, "epochs", part))
        return model.score(objective.customers)

    sweep = Sweep("kmeans", "train_kmeans", tuning, settings, objective, score)
    report.write(sweep, run_trials(sweep))


if __name__ == "__main__":
    run(main)

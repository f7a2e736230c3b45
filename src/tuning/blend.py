"""blend: a study of the ranker, which learns from the blend months but the last."""

import numpy as np
from catboost import CatBoostError

from src import params
from src.errors import InputError, run
from src.models.customers import Scores
from src.models.ranker import Ranker, RankerSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import adders, load_base
from src.tuning import report
from src.tuning.judge import Judge
from src.tuning.space import PARAMS, Tuning
from src.tuning.study import Sweep, reduced, run_trials


def main() -> None:
    """Run the stage as both params files say."""
    tuning = params.load("blend", Tuning, PARAMS)
    settings = params.load("blend", RankerSettings)
    dataset = Dataset.open(params.load("schema", Schema)).before_test()
    judge = Judge.of(dataset)
    base = load_base(paths.MODELS)
    choices = tuning.space["models"].choices if "models" in tuning.space else None
    named = {name for models in [settings.models, *(choices or [])] for name in models}
    if unknown := sorted(named - set(base)):
        raise InputError(
            f"blend.models or its choices in {PARAMS} name {', '.join(unknown)}; known are "
            f"{', '.join(base)}"
        )
    customers, additions, ages = adders(dataset)
    known = {name: model.score(customers) for name, model in base.items()}
    judged = {name: model.score(judge.customers) for name, model in base.items()}

    def score(settings: RankerSettings, part: float) -> Scores:
        # as src.products.scoring.fit_ranker, but the base models have scored all adders
        generator = np.random.default_rng(settings.seed)
        rows = min(settings.rows, len(customers))
        drawn = np.sort(generator.choice(len(customers), size=rows, replace=False))
        try:
            ranker = Ranker.fit(
                customers.of(drawn),
                {name: known[name][drawn] for name in settings.models},
                additions[drawn],
                settings.month_decay ** ages[drawn].astype(np.float64),
                dataset.products,
                reduced(settings, "iterations", part),
            )
        except CatBoostError as fault:  # it diverges: a high rate, hardly any regularization
            raise InputError(str(fault)) from None
        return ranker.score(judge.customers, judged)

    sweep = Sweep("blend", "blend", tuning, settings, judge, score)
    report.write(sweep, run_trials(sweep))


if __name__ == "__main__":
    run(main)

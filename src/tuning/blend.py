"""blend: a study of the ranker, which learns from all blend months except the last."""

from catboost import CatBoostError

from src import params
from src.errors import InputError, run
from src.models.contract import Scores
from src.models.ranker import RankerSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import load_first_stage
from src.products.second_stage import check_names, draw, find_adders, fit_ranker
from src.tuning import report
from src.tuning.objective import Objective
from src.tuning.space import PARAMS, Tuning
from src.tuning.study import Sweep, reduced, run_trials


def main() -> None:
    """Run the stage as both params files say."""
    tuning = params.load("blend", Tuning, PARAMS)
    settings = params.load("blend", RankerSettings)
    dataset = Dataset.open(params.load("schema", Schema)).before_test()
    objective = Objective.of(dataset)
    check_names(settings)
    choices = (tuning.space["models"].choices or []) if "models" in tuning.space else []
    for models in choices:
        named = settings.model_copy(update={"models": models})
        check_names(named, f"{PARAMS}: a choice of blend.space.models")
    names = {name for models in [settings.models, *choices] for name in models}
    first_stage = load_first_stage(paths.MODELS, names)
    adders = find_adders(dataset)
    scores = {name: model.score(adders.customers) for name, model in first_stage.items()}
    test = {name: model.score(objective.customers) for name, model in first_stage.items()}

    def score(settings: RankerSettings, part: float) -> Scores:
        drawn = draw(len(adders), settings)
        own = {name: values[drawn] for name, values in scores.items()}
        fewer = reduced(settings, "iterations", part)
        try:
            ranker = fit_ranker(adders.of(drawn), own, dataset.products, fewer)
        except CatBoostError as fault:  # it diverges: a high rate, hardly any regularization
            raise InputError(str(fault)) from None
        return ranker.score(objective.customers, test)

    sweep = Sweep("blend", "blend", tuning, settings, objective, score)
    report.write(sweep, run_trials(sweep))


if __name__ == "__main__":
    run(main)

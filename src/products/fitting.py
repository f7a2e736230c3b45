"""Fitting all models on the windows of a dataset, as the stages before evaluate do one by one."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from src import params
from src.models.contract import Model
from src.models.pool import Pool
from src.models.propensity import PropensitySettings
from src.models.ranker import RankerSettings
from src.models.registry import FIRST_STAGE
from src.products import propensity
from src.products.dataset import Dataset
from src.products.first_stage import fit
from src.products.scoring import Models
from src.products.second_stage import find_adders, fit_pool, fit_popularity, fit_ranker


def fit_all(dataset: Dataset) -> Models:
    """Fit all models as their sections of params.yaml say; nothing is learnt from a test month."""
    models = refit(dataset)
    settings = params.load("train_propensity", PropensitySettings)
    earlier = propensity.fit_earlier(dataset, settings)
    if not earlier:
        return models
    before, rows = dataset.before_test(), settings.calibration_rows
    blend = params.load("blend", RankerSettings)
    return replace(
        models,
        propensity=propensity.calibrate(models.propensity, earlier, before, rows),
        pool=fit_pool(dataset, models.first_stage, earlier, blend),
    )


def refit(dataset: Dataset) -> Models:
    """As `fit_all`, but what has to be learnt on months held back keeps its defaults.

    These are the calibration of propensity and the weights of the pool.
    """
    blend = params.load("blend", RankerSettings)
    unseen = [name for name in FIRST_STAGE if name not in blend.models]
    first_stage = {name: refit_one(name, dataset) for name in blend.models}
    adders = find_adders(dataset, blend)
    scores = {name: model.score(adders.customers) for name, model in first_stage.items()}
    with ThreadPoolExecutor(1) as beside_the_ranker:
        others = beside_the_ranker.map(lambda name: refit_one(name, dataset), unseen)
        ranker = fit_ranker(adders, scores, dataset.products, blend)
        first_stage |= dict(zip(unseen, others, strict=True))
    ordered = {name: first_stage[name] for name in FIRST_STAGE}
    chances = propensity.fit(dataset, params.load("train_propensity", PropensitySettings))
    return Models(fit_popularity(dataset), ordered, ranker, chances, Pool())


def refit_one(name: str, dataset: Dataset) -> Model:
    """Fit a first-stage model as its section says."""
    record = FIRST_STAGE[name]
    return fit(record, dataset, params.load(f"train_{name}", record.settings))

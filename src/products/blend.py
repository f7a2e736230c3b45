"""blend: learn the second-stage ranker on the blend months, and how to pool it with propensity.

The first-stage models whose scores it sees have learnt nothing of these months.
"""

from src import params
from src.drawing import save
from src.errors import run
from src.models.propensity import Propensity
from src.models.ranker import RankerSettings
from src.products import figures, paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import load_first_stage
from src.products.second_stage import (
    check_names,
    find_adders,
    fit_pool,
    fit_popularity,
    fit_ranker,
)
from src.reporting import write_csv, write_curve


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("blend", RankerSettings)
    schema = params.load("schema", Schema)
    dataset = Dataset.open(schema)
    check_names(settings)
    first_stage = load_first_stage(paths.MODELS, settings.models)
    fit_popularity(dataset).save(paths.POPULARITY)
    adders = find_adders(dataset, settings)
    scores = {name: model.score(adders.customers) for name, model in first_stage.items()}
    ranker = fit_ranker(adders, scores, dataset.products, settings)
    ranker.save(paths.RANKER)
    earlier = Propensity.load(paths.EARLIER_PROPENSITY)
    fit_pool(dataset, first_stage, earlier, settings).save(paths.POOL)
    write_curve(paths.BLEND_CURVE, "iteration", "loss", ranker.loss)
    importances = ranker.importances()
    write_csv(paths.IMPORTANCES, importances)
    save(paths.IMPORTANCES_PNG, figures.importances(importances, schema))


if __name__ == "__main__":
    run(main)

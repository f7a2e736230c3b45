"""blend: learn the ranker on the blend months, from scores of models that end before them."""

from src import params
from src.errors import InputError, run
from src.models.ranker import RankerSettings
from src.products import figures, paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import fit_popularity, fit_ranker, load_base
from src.reporting import write_csv, write_curve


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("blend", RankerSettings)
    schema = params.load("schema", Schema)
    dataset = Dataset.open(schema)
    base = load_base(paths.MODELS)
    unknown = sorted(set(settings.models) - set(base))
    if unknown:
        raise InputError(
            f"params.yaml: blend.models names {', '.join(unknown)}; known are {', '.join(base)}"
        )
    fit_popularity(dataset).save(paths.POPULARITY)
    ranker = fit_ranker(dataset, base, settings)
    ranker.save(paths.RANKER)
    write_curve(paths.BLEND_CURVE, "iteration", "loss", ranker.loss)
    importances = ranker.importances()
    write_csv(paths.IMPORTANCES, importances)
    figures.importances(paths.IMPORTANCES_PNG, importances, schema)


if __name__ == "__main__":
    run(main)

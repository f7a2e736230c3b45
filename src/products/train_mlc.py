"""train_mlc: classify holdings by profile, and list what the model would offer everybody."""

from src import params
from src.errors import run
from src.models.mlc import Mlc, MlcSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.offers import write_recommendations
from src.products.schema import Schema
from src.reporting import write_curve


def main() -> None:
    """Run the stage as params.yaml says."""
    dataset = Dataset.open(params.load("schema", Schema))
    settings = params.load("train_mlc", MlcSettings)
    customers, holdings = dataset.sample(settings.rows, settings.seed)
    model = Mlc.fit(customers, holdings, settings)
    model.save(paths.MLC)
    write_curve(paths.MLC_CURVE, "iteration", "loss", model.loss)
    write_recommendations(paths.MLC_RECS, model, dataset)


if __name__ == "__main__":
    run(main)

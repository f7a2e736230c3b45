"""train_mlc: classify holdings by profile, and list what the model would offer to every customer."""

from src import params
from src.errors import run
from src.models.mlc import MlcSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import write_recommendations
from src.products.training import fit_mlc
from src.reporting import write_curve


def main() -> None:
    """Run the stage as params.yaml says."""
    dataset = Dataset.open(params.load("schema", Schema))
    model = fit_mlc(dataset, params.load("train_mlc", MlcSettings))
    model.save(paths.MLC)
    write_curve(paths.MLC_CURVE, "iteration", "loss", model.loss)
    write_recommendations(paths.MLC_RECS, model, dataset)


if __name__ == "__main__":
    run(main)

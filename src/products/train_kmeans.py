"""train_kmeans: cluster profiles, and list what the model would offer to every customer."""

from src import params
from src.errors import run
from src.models.kmeans import FIRST_STAGE, KMeans, KMeansSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.first_stage import fit, write_offline_lists
from src.products.schema import Schema
from src.reporting import write_curve


def main() -> None:
    """Run the stage as params.yaml says."""
    dataset = Dataset.open(params.load("schema", Schema))
    model = fit(FIRST_STAGE, dataset, params.load("train_kmeans", KMeansSettings))
    assert isinstance(model, KMeans)  # noqa: S101
    model.save(paths.KMEANS)
    write_curve(paths.KMEANS_CURVE, "epoch", "inertia", model.inertia)
    write_offline_lists(paths.KMEANS_RECS, model, dataset)


if __name__ == "__main__":
    run(main)

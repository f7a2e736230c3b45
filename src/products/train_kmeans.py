"""train_kmeans: cluster profiles, and list what the model would offer to every customer."""

from src import params
from src.errors import run
from src.models.kmeans import KMeansSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import write_recommendations
from src.products.training import fit_kmeans
from src.reporting import write_curve


def main() -> None:
    """Run the stage as params.yaml says."""
    dataset = Dataset.open(params.load("schema", Schema))
    model = fit_kmeans(dataset, params.load("train_kmeans", KMeansSettings))
    model.save(paths.KMEANS)
    write_curve(paths.KMEANS_CURVE, "epoch", "inertia", model.inertia)
    write_recommendations(paths.KMEANS_RECS, model, dataset)


if __name__ == "__main__":
    run(main)

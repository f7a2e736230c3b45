"""train_kmeans: cluster profiles, and list what the model would offer to every customer."""

from src import params
from src.errors import run
from src.models.kmeans import KMeans, KMeansSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.offers import write_recommendations
from src.products.schema import Schema
from src.reporting import write_curve


def main() -> None:
    """Run the stage as params.yaml says."""
    dataset = Dataset.open(params.load("schema", Schema))
    settings = params.load("train_kmeans", KMeansSettings)
    customers, holdings = dataset.sample(settings.rows, settings.seed)
    model = KMeans.fit(customers, holdings, settings)
    model.save(paths.KMEANS)
    write_curve(paths.KMEANS_CURVE, "epoch", "inertia", model.inertia)
    write_recommendations(paths.KMEANS_RECS, model, dataset)


if __name__ == "__main__":
    run(main)

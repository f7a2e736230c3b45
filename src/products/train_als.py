"""train_als: factorise usage shares, and list what the model would offer to every customer."""

from src import params
from src.errors import run
from src.models.als import Als, AlsSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.offers import write_recommendations
from src.products.schema import Schema


def main() -> None:
    """Run the stage as params.yaml says."""
    dataset = Dataset.open(params.load("schema", Schema))
    model = Als.fit(dataset.base_history(), params.load("train_als", AlsSettings))
    model.save(paths.ALS)
    write_recommendations(paths.PERSONAL_ALS, model, dataset)


if __name__ == "__main__":
    run(main)

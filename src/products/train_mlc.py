"""train_mlc: classify holdings by profile, and list what the model would offer everybody."""

from src import params
from src.errors import run
from src.models.mlc import FIRST_STAGE, MlcSettings
from src.products.dataset import Dataset
from src.products.first_stage import train
from src.products.schema import Schema


def main() -> None:
    """Run the stage as params.yaml says."""
    dataset = Dataset.open(params.load("schema", Schema))
    train(FIRST_STAGE, dataset, params.load("train_mlc", MlcSettings))


if __name__ == "__main__":
    run(main)

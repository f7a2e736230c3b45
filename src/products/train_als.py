"""train_als: factorise usage shares, and list what the model would offer to every customer."""

from src import params
from src.errors import run
from src.models.als import FIRST_STAGE
from src.models.factorization import TrainAls
from src.products.dataset import Dataset
from src.products.first_stage import train
from src.products.schema import Schema


def main() -> None:
    """Run the stage as params.yaml says."""
    dataset = Dataset.open(params.load("schema", Schema))
    train(FIRST_STAGE, dataset, params.load("train_als", TrainAls))


if __name__ == "__main__":
    run(main)

"""train_als: factorise usage shares, and list what the model would offer to every customer."""

from src import params
from src.errors import run
from src.models.als import FIRST_STAGE, AlsSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.first_stage import fit, write_offline_lists
from src.products.schema import Schema


def main() -> None:
    """Run the stage as params.yaml says."""
    dataset = Dataset.open(params.load("schema", Schema))
    model = fit(FIRST_STAGE, dataset, params.load("train_als", AlsSettings))
    model.save(paths.ALS)
    write_offline_lists(paths.PERSONAL_ALS, model, dataset)


if __name__ == "__main__":
    run(main)

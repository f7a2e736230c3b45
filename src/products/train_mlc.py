"""train_mlc: classify holdings by profile, and list what the model would offer everybody."""

from src import params
from src.errors import run
from src.models.mlc import FIRST_STAGE, Mlc, MlcSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.first_stage import fit, write_offline_lists
from src.products.schema import Schema
from src.reporting import write_curve


def main() -> None:
    """Run the stage as params.yaml says."""
    dataset = Dataset.open(params.load("schema", Schema))
    model = fit(FIRST_STAGE, dataset, params.load("train_mlc", MlcSettings))
    assert isinstance(model, Mlc)  # noqa: S101
    model.save(paths.MLC)
    write_curve(paths.MLC_CURVE, "iteration", "loss", model.loss)
    write_offline_lists(paths.MLC_RECS, model, dataset)


if __name__ == "__main__":
    run(main)

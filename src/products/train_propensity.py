"""train_propensity: the chance that each customer adds each product, and that they add anything."""

from src import params
from src.errors import run
from src.models.propensity import PropensitySettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.propensity import calibrate, fit, fit_earlier
from src.products.schema import Schema


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("train_propensity", PropensitySettings)
    dataset = Dataset.open(params.load("schema", Schema))
    propensity = fit(dataset, settings)
    earlier = fit_earlier(dataset, settings)
    (earlier or propensity).save(paths.EARLIER_PROPENSITY)
    if earlier:
        before = dataset.before_test()
        propensity = calibrate(propensity, earlier, before, settings.calibration_rows)
    propensity.save(paths.PROPENSITY)


if __name__ == "__main__":
    run(main)

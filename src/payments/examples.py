"""examples: which provider that they have never paid will each client pay? Models, measured."""

from typing import Any

import numpy as np
import pandas as pd

from src import params
from src.drawing import save
from src.errors import InputError, run
from src.payments import paths
from src.payments.calendar import date_of
from src.payments.payments import Payments
from src.payments.providers import figures
from src.payments.providers.evaluation import check, rolling_origins, validations
from src.payments.providers.windows import ExampleSettings
from src.payments.schema import PARAMS
from src.payments.windows import Split, Windows
from src.reporting import write_csv


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("examples", ExampleSettings, PARAMS)
    check(settings)
    payments = Payments.open(paths.CLEAN)
    windows = Windows.of(payments, params.load("split", Split, PARAMS))
    if windows.test + settings.horizon_days > windows.end:
        raise InputError(
            f"examples.horizon_days is {settings.horizon_days}, but the test has "
            f"{windows.end - windows.test} days: shorten it, or lengthen split.test_days, in "
            f"{PARAMS}"
        )
    used = payments.between(windows.first, windows.end)
    tables = []
    for origin in rolling_origins(used, windows.test, settings):
        table = origin.table(settings)
        targets = origin.window.targets
        reachable = targets.provider >= 0
        first: dict[str, Any] = {
            "cutoff": str(date_of(origin.window.known.cut_off)),
            "clients": len(np.unique(targets.client[reachable])),
            "new_pairs": len(targets),
            "reachable_pairs": int(reachable.sum()),
        }
        tables.append(table.assign(**first)[[*first, *table.columns]])
    by_origin = pd.concat(tables, ignore_index=True)
    both = validations(origin.window, used, settings)
    looked_at = origin.second_stage.importances()
    origin.second_stage.save(paths.EXAMPLE_MODEL)
    write_csv(paths.EXAMPLES, by_origin)
    write_csv(paths.EXAMPLES_RESAMPLES, origin.resamples(settings))
    write_csv(paths.EXAMPLES_FILTER, origin.filtered(settings))
    write_csv(paths.EXAMPLES_VALIDATIONS, both)
    write_csv(paths.EXAMPLES_IMPORTANCES, looked_at)
    save(paths.EXAMPLES_PNG, figures.comparison(tables[-1]))
    save(paths.EXAMPLES_ORIGINS_PNG, figures.origins(by_origin))
    save(paths.EXAMPLES_VALIDATIONS_PNG, figures.validations(both))
    save(paths.EXAMPLES_IMPORTANCES_PNG, figures.importances(looked_at))


if __name__ == "__main__":
    run(main)

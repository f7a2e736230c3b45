"""observe: every operation at many cut-offs, its factors, and whether it was repeated."""

from src import params
from src.errors import run
from src.payments import paths
from src.payments.calendar import Calendar
from src.payments.operations.observations import Observe, observe
from src.payments.payments import Payments
from src.payments.schema import PARAMS
from src.payments.windows import Split, Windows
from src.reporting import write_parquet


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("observe", Observe, PARAMS)
    calendar = params.load("calendar", Calendar, PARAMS)
    payments = Payments.open(paths.CLEAN)
    windows = Windows.of(payments, params.load("split", Split, PARAMS))
    write_parquet(paths.OBSERVATIONS, observe(payments, windows, settings, calendar))


if __name__ == "__main__":
    run(main)

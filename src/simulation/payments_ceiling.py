"""How close the served chances come to the true ones: `python -m src.simulation.payments_ceiling`.

The simulator knows the chance with which every client pays each of their providers on the day after
the last. To rank operations by it is the best that any model can do, on average.
"""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from src.errors import InputError, run
from src.payments import paths
from src.simulation.payments import TRUTH


def expected_gini(score: NDArray[np.floating], chance: NDArray[np.floating]) -> float:
    """Gini that a ranking can expect, shape of both (operations,).

    ``2 * AUC - 1`` with every operation an event by its chance and none by the rest; equal scores
    count half. (The expected area among pairs divided by the expected number of pairs, which is the
    expectation itself where operations are many.)
    """
    order = np.argsort(score, kind="stable")
    events, others = chance[order].astype(np.float64), 1.0 - chance[order]
    ends = np.flatnonzero(np.diff(score[order], append=np.inf) != 0)
    events, others = (
        np.diff(np.cumsum(weights)[ends], prepend=0.0) for weights in (events, others)
    )
    below = np.cumsum(others) - others / 2
    return float(2 * (events @ below) / (events.sum() * others.sum()) - 1)


def main() -> None:
    """Print the Gini that the true chances and the served ones can expect."""
    for path in (TRUTH, Path(paths.OPERATIONS)):
        if not path.exists():
            raise InputError(f"{path} is missing: run 'make payments' on simulated data first")
    truth = pq.read_table(TRUTH).to_pandas()
    served = pq.read_table(paths.OPERATIONS, columns=["client", "provider", "chance"]).to_pandas()
    if served["client"].dtype.kind != "i":
        raise InputError(
            f"{paths.OPERATIONS} is about clients of other data than {TRUTH}: is ingest.path in "
            "pipelines/payments/params.yaml the simulated file?"
        )
    truth["provider"] = truth["provider"].astype("string")
    served["provider"] = served["provider"].astype("string")
    both = served.merge(truth, how="left", on=["client", "provider"], suffixes=("", "_true"))
    true = both["chance_true"].fillna(0.0).to_numpy()
    best = expected_gini(true, true)
    found = expected_gini(both["chance"].to_numpy(), true)
    print(f"{len(both):,} operations on the simulated day after the last, expected Gini:")
    print(f"true chances    {best:.3f}")
    print(f"served chances  {found:.3f}, {found / best:.1%} of it")


if __name__ == "__main__":
    run(main)

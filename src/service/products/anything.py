"""The chance that known customers add anything next month, and what speaks for it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src.errors import InputError
from src.products import paths
from src.service.products.known import Known
from src.service.products.parquet import Table, ids_of
from src.service.products.reasons import StoredReasons


@dataclass(frozen=True)
class Anything:
    """What recommend wrote, rows as in `Known.profiles`.

    Attributes
    ----------
    chances : float32 array, shape (customers of the last month,)
    reasons : StoredReasons
    """

    chances: NDArray[np.float32]
    reasons: StoredReasons

    @classmethod
    def read(cls, known: Known, names: list[str]) -> "Anything":
        """Read both tables.

        Parameters
        ----------
        names : list of str
            Features of propensity.

        Raises
        ------
        InputError
            A file is missing or damaged, or is not about the known customers.
        """
        owners = known.history.customers[known.position >= 0]
        for path in (paths.CHANCES, paths.WHO_REASONS):
            table = Table.open(path)
            table.require(["customer"])
            if not np.array_equal(ids_of(table.read("customer")), owners):
                raise InputError(
                    f"{path} is not about the {len(owners):,} customers of the last month; "
                    "run dvc repro or dvc pull"
                )
        table = Table.open(paths.CHANCES)
        table.require(["anything"])
        chances = table.read("anything").to_numpy()
        if not ((chances >= 0) & (chances <= 1)).all():
            raise InputError(f"{paths.CHANCES}: column anything is no chance in some rows")
        return cls(chances, StoredReasons.read(paths.WHO_REASONS, names))

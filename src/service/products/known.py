"""Known customers: history and last profile, row by row in the order of ids."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from src.errors import InputError
from src.models.customers import Customers
from src.models.history import History
from src.products.windows import Windows
from src.service.products.parquet import Table, ids_of
from src.tables.months import Month

_AT_ONCE = 8  # columns: read side by side, they are a table of their own for a moment


@dataclass(frozen=True)
class Known:
    """What the bank knows of its customers after the last month.

    Attributes
    ----------
    history : History
        Of all customers, in 32 bits if the months fit.
    profiles : DataFrame
        Of the customers of the last month, in the order of ids.
    position : int32 array, shape (customers,)
        Row of each customer in `profiles`; -1 for those who had left.
    lookback_months : int
        Months that describe a customer.
    """

    history: History
    profiles: pd.DataFrame
    position: NDArray[np.int32]
    lookback_months: int

    @classmethod
    def read(
        cls, history_path: str, profiles_path: str, products: list[str], windows: Windows
    ) -> "Known":
        """Read the tables that split and recommend wrote.

        Raises
        ------
        InputError
            A file is missing or damaged, or the profiles are not those of the last month.
        """
        history = read_history(history_path, products, windows.last)
        profiles_table = Table.open(profiles_path)
        profiles_table.require(["customer"])
        table = profiles_table.file.read()
        owners = ids_of(table["customer"])
        present = history.known()
        if not np.array_equal(history.customers[present], owners):
            raise InputError(
                f"{profiles_path} does not describe the {int(present.sum()):,} customers of the "
                f"last month of {history_path}; run dvc repro or dvc pull"
            )
        position = np.full(len(history.customers), -1, dtype=np.int32)
        position[present] = np.arange(len(owners), dtype=np.int32)
        profiles = table.drop_columns("customer").to_pandas(self_destruct=True)
        return cls(history, profiles, position, windows.lookback_months)

    def __len__(self) -> int:
        return len(self.position)

    def row(self, customer: int | str) -> int | None:
        """Row of a customer among all; None for an unknown one."""
        ids = self.history.customers
        row = int(np.searchsorted(ids, customer))
        return row if row < len(ids) and ids[row] == customer else None

    def customer(self, row: int) -> Customers | None:
        """A batch of one; None for a customer who had left before the last month."""
        profile = int(self.position[row])
        if profile < 0:
            return None
        one = slice(profile, profile + 1)
        stored = self.history.of(slice(row, row + 1))
        bits = (stored.present, stored.active, stored.held)
        wide = (part.astype(np.int64) for part in bits)
        history = History(stored.customers, stored.last, *wide)
        return Customers(self.profiles.iloc[one], history.recent(self.lookback_months))


def read_history(path: str, products: list[str], last: Month) -> History:
    """Read what split wrote, as `History.read` does, in less memory.

    A few columns at a time; and in 32 bits, unless there are more months.

    Raises
    ------
    InputError
        The file is missing or damaged, or lacks a product of the schema.
    """
    table = Table.open(path)
    table.require(["customer", "present", *products])
    months = int(table.read("present").to_numpy().max(initial=0)).bit_length()
    kind: type[np.int32 | np.int64] = np.int32 if months < 32 else np.int64
    present = table.read("present").to_numpy().astype(kind)
    active = np.zeros_like(present)
    if "was_active" in table.names:
        active = table.read("was_active").to_numpy().astype(kind)
    # Column by column, as it is written: ten times faster with a million rows.
    held = np.empty((len(present), len(products)), dtype=kind, order="F")
    for start in range(0, len(products), _AT_ONCE):
        names = products[start : start + _AT_ONCE]
        for item, column in enumerate(table.read_some(names), start):
            held[:, item] = column.to_numpy()
    ids, lasts = ids_of(table.read("customer")), np.broadcast_to(last, len(present))
    return History(ids, lasts, present, active, held)  # type: ignore[arg-type]

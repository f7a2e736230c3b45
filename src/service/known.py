"""Known customers: history, last profile and offline lists, row by row in the order of ids."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from src.errors import InputError
from src.models.customers import Customers
from src.models.history import History, Ids

_NEEDED = {"customer", "rank", "product", "score"}


@dataclass(frozen=True)
class Known:
    """What the bank knows of its customers after the last month.

    Attributes
    ----------
    history : History
        Of all customers, in 32 bits where the months fit.
    profiles : DataFrame
        Of the customers of the last month, in the order of ids.
    position : int32 array, shape (customers,)
        Row of each customer in `profiles`; -1 for those who had left.
    memory : int
        Months that the models learnt from.
    """

    history: History
    profiles: pd.DataFrame
    position: NDArray[np.int32]
    memory: int

    @classmethod
    def read(
        cls, history_path: str, profiles_path: str, products: list[str], memory: int
    ) -> "Known":
        """Read the tables that split and recommend wrote.

        Raises
        ------
        InputError
            A file is missing or damaged, or the profiles are not those of the last month.
        """
        check_parquet(history_path)
        check_parquet(profiles_path)
        history = read_history(history_path, products)
        table = pq.read_table(profiles_path)
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
        return cls(history, profiles, position, memory)

    def __len__(self) -> int:
        return len(self.position)

    def row(self, customer: int | str) -> int | None:
        """Row of a customer among all; None for a stranger."""
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
        history = History(stored.customers, *(part.astype(np.int64) for part in bits))
        return Customers(self.profiles.iloc[one], history.recent(self.memory))


def read_history(path: str, products: list[str]) -> History:
    """Read what split wrote, as `History.read` does, in a third of the memory.

    One column at a time; and in 32 bits, unless there are more months.
    """
    names = pq.read_schema(path).names
    months = int(read_column(path, "present").to_numpy().max(initial=0)).bit_length()
    kind: type[np.int32 | np.int64] = np.int32 if months < 32 else np.int64
    present = read_column(path, "present").to_numpy().astype(kind)
    active = np.zeros_like(present)
    if "was_active" in names:
        active = read_column(path, "was_active").to_numpy().astype(kind)
    held = np.empty((len(present), len(products)), dtype=kind)
    for item, product in enumerate(products):
        held[:, item] = read_column(path, product).to_numpy()
    return History(ids_of(read_column(path, "customer")), present, active, held)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Lists:
    """Offline lists of one kind.

    Attributes
    ----------
    items : int16 array, shape (customers, k)
        Best first, -1 behind the last; rows as in `Known`.
    scores : float32 array, shape (customers, k)
    """

    items: NDArray[np.int16]
    scores: NDArray[np.float32]

    @classmethod
    def read(cls, path: str, products: list[str], customers: Ids) -> "Lists":
        """Read lists of recommend, and check them.

        Raises
        ------
        InputError
            The file is missing, damaged, empty, or says something that a list cannot say.
        """
        check_parquet(path)
        absent = sorted(_NEEDED - set(pq.read_schema(path).names))
        if absent:
            raise InputError(f"{path} has no column {', '.join(absent)}")
        if not pq.read_metadata(path).num_rows:
            raise InputError(f"{path} has no row")
        rank = read_column(path, "rank").to_numpy()
        owners = ids_of(read_column(path, "customer"))
        if owners.dtype != customers.dtype:
            raise InputError(f"{path}: column customer is not of the type of the known ids")
        begins = rank == 1
        counts = begins[0] and (begins[1:] | (rank[1:] == rank[:-1] + 1)).all()
        if not counts or ((owners[1:] == owners[:-1]) == begins[1:]).any():
            raise InputError(f"{path}: column rank does not count 1, 2, … for every customer")
        starts = np.flatnonzero(begins)
        rows = _rows(owners[starts], customers, path)
        lengths = np.zeros(len(customers), dtype=np.int16)
        lengths[rows] = np.diff(starts, append=len(owners))
        del owners, begins
        shown = np.arange(lengths.max()) < lengths[:, None]
        scores = read_column(path, "score").to_numpy()
        if not np.isfinite(scores).all():
            raise InputError(f"{path}: column score is not finite in some rows")
        lists = cls(np.full(shown.shape, -1, np.int16), np.zeros(shown.shape, np.float32))
        lists.items[shown] = codes_of(read_column(path, "product"), products, f"{path}: product")
        lists.scores[shown] = scores
        return lists

    def of(self, row: int) -> tuple[list[int], list[float]]:
        """Items and scores of one customer."""
        items = self.items[row].tolist()
        end = items.index(-1) if items[-1] < 0 else len(items)
        return items[:end], self.scores[row, :end].tolist()

    def contains(self, items: NDArray[np.int16]) -> NDArray[np.bool_]:
        """Whether each of some items (customers, k) stands in its customer's list."""
        found = np.zeros(items.shape, dtype=bool)
        for rank in range(self.items.shape[1]):
            found |= items == self.items[:, rank : rank + 1]
        return found & (items >= 0)


def check_parquet(path: str) -> None:
    """Say whether a file is there and whole.

    Raises
    ------
    InputError
        It is not.
    """
    if not Path(path).is_file():
        raise InputError(f"{path} is missing; run dvc repro or dvc pull")
    try:
        pq.read_metadata(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} is not a whole parquet file ({error}); get it again") from None


def read_column(path: str, name: str) -> pa.ChunkedArray:
    """Read one column of a file: all at once would take three times the memory.

    Raises
    ------
    InputError
        A cell has no value.
    """
    column = pq.read_table(path, columns=[name])[name]
    if column.null_count:
        raise InputError(f"{path}: column {name} has no value in {column.null_count:,} rows")
    return column


def _rows(owners: Ids, customers: Ids, path: str) -> NDArray[np.intp]:
    """Rows of the owners of lists among the known customers, both ascending."""
    rows = np.minimum(np.searchsorted(customers, owners), len(customers) - 1)
    strangers = customers[rows] != owners
    if strangers.any():
        raise InputError(
            f"{path}: {int(strangers.sum()):,} customers are not known (for example "
            f"{owners[strangers][0]})"
        )
    if (rows[1:] <= rows[:-1]).any():
        raise InputError(f"{path}: its rows are not in the order of customers")
    return rows


def ids_of(column: pa.ChunkedArray) -> Ids:
    """Ids as History has them: int64, or text as objects."""
    return column.to_numpy()  # type: ignore[no-any-return]


def codes_of(column: pa.ChunkedArray, names: list[str], what: str) -> NDArray[np.int16]:
    """Places of a column's texts among `names`; -1 where there is none.

    Raises
    ------
    InputError
        A text is not among them.
    """
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    encoded = encoded.unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):  # of no rows
        return np.zeros(0, dtype=np.int16)
    place = {name: index for index, name in enumerate(names)}
    found = encoded.dictionary.to_pylist()
    unknown = sorted(str(name) for name in found if name not in place)
    if unknown:
        raise InputError(f"{what} '{unknown[0]}' is not known")
    codes = np.array([*(place[name] for name in found), -1], dtype=np.int16)
    return np.asarray(codes[encoded.indices.fill_null(len(found)).to_numpy()])

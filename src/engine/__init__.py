"""The table engine: the only room that knows which one runs.

Everything above it builds Ibis expressions and asks an `Engine` for six things: read one of
our tables, read raw files, collect a result, write one sorted table, let models work on rows part
by part, and factorise a matrix that no machine holds. Both engines write the same bytes; which one
runs is said in engine.yaml. (Only one of them factorises.)
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol, Self, TypeVar

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from src import params
from src.errors import ResourceError
from src.lists import Divisible

SETTINGS = "engine.yaml"

CellType = Literal["text", "date", "number", "flag"]  # as what the cells of a raw column are read


class SparkSettings(params.Section):
    """Where a Spark cluster is, and what a run may take of it."""

    master: str = Field(pattern=r"^(spark://[^:/]+:[0-9]+|local\[[0-9*]+\])$")
    cores: int = Field(ge=1)
    executor_cores: int = Field(ge=1)
    executor_memory: str = Field(pattern="^[0-9]+[mg]$")
    driver_memory: str = Field(pattern="^[0-9]+[mg]$")
    shuffle_partitions: int = Field(ge=1)
    wait_seconds: int = Field(ge=1)
    rows_in_one_file: int = Field(ge=1)
    scratch: str


class EngineSettings(params.Section):
    """The section of engine.yaml."""

    name: Literal["duckdb", "spark"]
    spark: SparkSettings


class UnreadableError(ResourceError):
    """The engine cannot read a file: it is damaged, has other bytes or other types, or is gone.

    Attributes
    ----------
    where : str or None
        File and line, as far as the engine reports them.
    fault : str
        The rest of a sentence on a raw file: what is wrong with it, and what to do.
    """

    def __init__(self, cause: str, where: str | None, fault: str) -> None:
        super().__init__(cause)
        self.where = where
        self.fault = fault


class Saved(Protocol):
    """What is on disk between two processes: one model, or several."""

    def save(self, folder: str | Path) -> None:
        """Write files into a folder."""

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read them; the same work gives the same bits as before."""


class Movable(Divisible, Protocol):
    """Rows that can be taken to another process."""

    def to_arrow(self) -> pa.Table:
        """The rows as a table."""

    @classmethod
    def from_arrow(cls, table: pa.Table) -> Self:
        """The rows of such a table."""


Models = TypeVar("Models", bound=Saved)
Rows = TypeVar("Rows", bound=Movable)


class Engine(Protocol):
    """What every engine can do.

    Raises
    ------
    UnreadableError
        From whatever first reads the cells: `collect` or `write`.
    ResourceError
        The memory or the disk does not suffice.
    """

    def table(self, path: str | Path) -> ir.Table:
        """Open a table that the pipeline wrote: a parquet file, or a folder of `src.parts`."""

    def raw_parquet(self, files: Sequence[str]) -> ir.Table:
        """Open raw parquet files as one table; columns are matched by name."""

    def raw_csv(
        self,
        files: Sequence[str],
        columns: Mapping[str, CellType | None],
        missing: Sequence[str],
        separator: str,
    ) -> ir.Table:
        """Open raw CSV files, gzipped or not, whose columns are in the same order.

        Parameters
        ----------
        files : sequence of str
        columns : mapping of name -> type
            Every column of the files, in order. A cell that is not of its type is an
            UnreadableError. A column without a type is left out, whatever it holds.
        missing : sequence of str
            Spellings of a cell without a value.
        separator : str
            Between the cells of a line.

        The blanks around a text may be left out.
        """

    def computed_once(self, rows: ir.Table) -> ir.Table:
        """Let each column be computed once for a row, however many expressions use it.

        The engine may otherwise put its expression in place of every use.
        """

    def collect(self, rows: ir.Table) -> pa.Table:
        """Bring a result into memory."""

    def write(
        self, rows: ir.Table, path: str | Path, order: Sequence[str] = (), compression: str = "zstd"
    ) -> None:
        """Write one parquet file, rows sorted by the columns of `order`, or as they come.

        What is too large for one file becomes a folder of `src.parts`, here and in `write_runs`.
        """

    def cached(self, rows: ir.Table) -> AbstractContextManager[ir.Table]:
        """Keep a result within the engine, to be used more than once inside the block."""

    def runs(self, path: str | Path, key: str) -> list[ir.Table]:
        """Divide one of our tables, sorted by `key`, into runs of whole keys.

        As many as the engine likes for work that needs memory; below each other they are the table.
        """

    def write_runs(self, runs: Iterable[ir.Table], path: str | Path, order: Sequence[str]) -> None:
        """Write runs below each other as one parquet file, each sorted by `order`."""

    def by_parts(
        self,
        work: Callable[[Models, Rows], dict[str, pa.Table]],
        models: Models,
        rows: Rows,
        title: str,
    ) -> Iterator[dict[str, pa.Table]]:
        """Do some work on each part of some rows, side by side; the results in order.

        Parameters
        ----------
        work : callable
            Makes tables, by name, of some of the rows. What it makes of a row does not depend on
            the others. It may run in another process, with what `models` has saved.
        models : Saved
            What it needs for every part.
        rows : Movable
        title : str
            What is done, for a person who waits for it.
        """

    def factorize(
        self,
        shares: Iterable[pa.Table],
        items: int,
        *,
        factors: int,
        iterations: int,
        regularization: float,
        alpha: float,
        seed: int,
    ) -> NDArray[np.float32]:
        """Factorise implicit preferences by alternating least squares (Hu, Koren, Volinsky 2008).

        What is made as small as possible is sum c (p - xy)^2 + regularization * (sum x^2 +
        sum y^2) over all customers and items, where p is 1 and c is ``alpha * share`` for what has
        a share, and p is 0 and c is 1 for all else.

        Parameters
        ----------
        shares : iterable of tables
            ``customer`` (int32), ``item`` (int32, from 0) and ``share`` (float32, above 0), all
            rows of a customer in one table. Together they may be larger than the memory.
        items : int
        factors, iterations, regularization, alpha, seed
            See `AlsSettings` of the models.

        Returns
        -------
        float32 array, shape (items, factors)
            Factors y of the items, 0 where nobody has a share; NaN where there is no solution.

        Raises
        ------
        InputError
            The engine has no such trainer.
        """

    def write_csv(self, rows: pa.Table, path: str | Path, *, header: bool) -> None:
        """Write rows as CSV, in their order; cells are quoted where they need it."""


def connect() -> Engine:
    """Start the engine that engine.yaml names; where there is no such file, the one in the process.

    Raises
    ------
    InputError
        The file says what is not possible.
    ResourceError
        The engine cannot be started: it is not installed, or its cluster does not answer.
    """
    from src.engine.duckdb import DuckDB

    if not Path(SETTINGS).exists():
        return DuckDB.connect()
    settings = params.load("engine", EngineSettings, SETTINGS)
    if settings.name == "duckdb":
        return DuckDB.connect()
    from src.engine.spark import Spark

    return Spark.connect(settings.spark)

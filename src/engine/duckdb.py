"""DuckDB in this process: the engine for one machine."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from uuid import uuid4

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend
from numpy.typing import NDArray
from tqdm import tqdm

from src.engine import SETTINGS, CellType, Models, Rows, UnreadableError
from src.errors import InputError, ResourceError
from src.lists import by_batches
from src.parts import ROW_GROUP, files

_TYPES: dict[CellType, str] = {
    "text": "VARCHAR",
    "date": "DATE",
    "number": "DOUBLE",
    "flag": "BOOLEAN",
}
_UNREADABLE = (duckdb.IOException, duckdb.ConversionException, duckdb.InvalidInputException)
_SHARE = 0.1  # of the memory that is free when a stage starts
_LEAST, _MOST = 1.0, 2.0  # GB; a stage takes up to half a GB beside it
_ROW_GROUPS_AT_ONCE = 16


@dataclass(frozen=True)
class DuckDB:
    """See `Engine`."""

    backend: Backend

    @classmethod
    def connect(cls) -> "DuckDB":
        """Start an in-process DuckDB.

        Environment: NEXTBEST_MEMORY (``2GB``; by default a tenth of what is free, 1 to 2 GB)
        bounds the engine's memory; what does not fit is spilled to NEXTBEST_TMP (default
        ``data/tmp``). Neither changes a result.
        """
        spill = Path(os.environ.get("NEXTBEST_TMP", "data/tmp"))
        spill.mkdir(parents=True, exist_ok=True)
        return cls(
            ibis.duckdb.connect(
                memory_limit=os.environ.get("NEXTBEST_MEMORY") or _share_of(free_memory()),
                temp_directory=str(spill),
                preserve_insertion_order=True,
            )
        )

    def table(self, path: str | Path) -> ir.Table:
        """Open a table that the pipeline wrote."""
        with translated():
            return self.backend.read_parquet(files(path))

    def raw_parquet(self, files: Sequence[str]) -> ir.Table:
        """Open raw parquet files as one table; columns are matched by name."""
        with translated():
            return self.backend.read_parquet(
                list(files), union_by_name=True, hive_partitioning=False
            )

    def raw_csv(
        self,
        files: Sequence[str],
        columns: Mapping[str, CellType | None],
        missing: Sequence[str],
        separator: str,
    ) -> ir.Table:
        """Open raw CSV files whose columns are in the same order."""
        with translated():
            rows = self.backend.read_csv(
                list(files),
                columns={name: _TYPES[kind or "text"] for name, kind in columns.items()},
                auto_detect=False,
                header=True,
                delim=separator,
                quote='"',
                escape='"',
                nullstr=list(missing),
            )
            return rows.select([name for name, kind in columns.items() if kind])

    def computed_once(self, rows: ir.Table) -> ir.Table:
        """Let each column be computed once for a row, however many expressions use it."""
        with translated():
            return self.backend.create_view(f"computed_{uuid4().hex}", rows)

    def collect(self, rows: ir.Table) -> pa.Table:
        """Bring a result into memory."""
        with translated():
            return rows.to_pyarrow()

    def write(
        self, rows: ir.Table, path: str | Path, order: Sequence[str] = (), compression: str = "zstd"
    ) -> None:
        """Write one parquet file, rows sorted by the columns of `order`, or as they come."""
        ordered = rows.order_by(list(order)) if order else rows
        with translated():
            self.backend.to_parquet(ordered, path, compression=compression)

    @contextmanager
    def cached(self, rows: ir.Table) -> Iterator[ir.Table]:
        """Keep a result within the engine, to be used more than once inside the block."""
        name = f"kept_{uuid4().hex}"
        with translated():
            kept = self.backend.create_table(name, rows, temp=True)
        try:
            yield kept
        finally:
            self.backend.raw_sql(f"DROP TABLE {name}")  # drop_table of Ibis 12 writes no name

    def runs(self, path: str | Path, key: str) -> list[ir.Table]:
        """Divide a sorted table into runs of whole keys, each of about two million rows.

        Joins do not keep an order, and to sort all rows again takes three times the memory and
        twice the time of sorting run by run. The bounds are where row groups of the file begin.
        """
        return divided(self.table(path), path, key)

    def write_runs(self, runs: Iterable[ir.Table], path: str | Path, order: Sequence[str]) -> None:
        """Write runs below each other as one parquet file, each sorted by `order`."""
        write_tables((self.collect(rows.order_by(list(order))) for rows in runs), path)

    def by_parts(
        self,
        work: Callable[[Models, Rows], dict[str, pa.Table]],
        models: Models,
        rows: Rows,
        title: str,
    ) -> Iterator[dict[str, pa.Table]]:
        """Do some work on each part of some rows, on all processors; the results in order."""
        return by_batches(lambda part: work(models, part), rows, title)

    def factorize(
        self,
        shares: Iterable[pa.Table],  # noqa: ARG002
        items: int,  # noqa: ARG002
        **_: float,
    ) -> NDArray[np.float32]:
        """Say that a cluster is needed."""
        raise InputError(
            f"there is no cluster to factorise on: name one in {SETTINGS} (name: spark), or set "
            "'trainer' to 'implicit' in params.yaml"
        )

    def write_csv(self, rows: pa.Table, path: str | Path, *, header: bool) -> None:
        """Write rows as CSV, in their order; cells are quoted where they need it."""
        with translated():
            self.backend.to_csv(ibis.memtable(rows), path, header=header)


def divided(rows: ir.Table, path: str | Path, key: str) -> list[ir.Table]:
    """Divide the table of a file, sorted by `key`, between row groups and between keys."""
    first = []
    for file in files(path):
        metadata = pq.read_metadata(file)
        place = metadata.schema.names.index(key)
        groups = range(0, metadata.num_row_groups, _ROW_GROUPS_AT_ONCE)
        first += [metadata.row_group(group).column(place).statistics.min for group in groups]
    runs = []
    for low, high in zip_longest(first, first[1:]):
        run = rows if low == first[0] else rows.filter(rows[key] >= low)
        runs.append(run if high is None else run.filter(run[key] < high))
    return runs


def write_tables(tables: Iterable[pa.Table], path: str | Path) -> None:
    """Write tables below each other as one parquet file."""
    with ExitStack() as stack, ThreadPoolExecutor(1) as pool:
        writer, writing = None, None
        for table in tqdm(tables, "written", unit="run", disable=None):
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema, compression="zstd")
                stack.enter_context(writer)
            if writing:
                writing.result()
            # While the engine works on the next run, which it does not do on all processors.
            writing = pool.submit(writer.write_table, table, row_group_size=ROW_GROUP)
        if writing:
            writing.result()


def free_memory() -> float:
    """Memory that a new process can have, in GB; infinity if the system does not say."""
    free = []
    try:
        meminfo = Path("/proc/meminfo").read_text(encoding="ascii")
        if found := re.search(r"^MemAvailable:\s+(\d+) kB", meminfo, re.MULTILINE):
            free.append(int(found[1]) * 1024)
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii")
        if limit.isdigit():  # "max" where there is none
            free.append(int(limit) - int(used))
    except OSError:  # not Linux, or no control group
        pass
    return min(free, default=float("inf")) / 1e9


def _share_of(free: float) -> str:
    return f"{min(max(_SHARE * free, _LEAST), _MOST):.1f}GB"


@contextmanager
def translated() -> Iterator[None]:
    """Raise what DuckDB raises in the words of `Engine`; faults of our own stay as they are."""
    try:
        yield
    except (duckdb.Error, RuntimeError) as error:
        report = str(error)
        if "Query interrupted" in report or isinstance(error, duckdb.InterruptException):
            raise KeyboardInterrupt from None
        if isinstance(error, duckdb.OutOfMemoryException):
            raise ResourceError(_first_line(report)) from None
        if isinstance(error, _UNREADABLE):
            raise _unreadable(report) from None
        raise


def _unreadable(report: str) -> UnreadableError:
    """Say in one sentence what a long report says about a file."""
    file = re.search(r"^\s*file = (.+)$", report, re.MULTILINE)
    line = re.search(r"Line: (\d+)\s+Original Line: (.*)", report)
    width = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", report)
    where = file[1] if file else None
    if where and line:
        where += f", line {line[1]}"
    if where and width:
        where += f" ({width[2]} columns instead of {width[1]})"
    cause = f": '{line[2][:60]}…'" if line else f": {report.splitlines()[0]}"
    fault = (
        f"is not UTF-8{cause}; save the file as UTF-8"
        if "not utf-8" in report
        else f"is cut short or damaged{cause}; get the file again"
    )
    return UnreadableError(_first_line(report), where, fault)


def _first_line(report: str) -> str:
    """The one line of a long report that a user needs."""
    line = report.splitlines()[0]
    inner = re.search(r'"exception_message":"(.+?)"[,}]', line.replace('\\"', "'"))
    return inner[1] if inner else line

"""Spark: the engine for tables that outgrow one machine.

Only what the cluster does is here. Raw files are read, and the one file of a table is written, by
DuckDB: within the tasks, a file each, and from sorted parts. So both engines read the same cells,
say the same of what is damaged, and write the same bytes.
"""

import atexit
import json
import os
import re
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from src import parts
from src.engine import CellType, Models, Rows, Saved, SparkSettings, UnreadableError
from src.engine.duckdb import DuckDB, divided, translated, write_tables
from src.errors import ResourceError
from src.lists import batches
from src.parts import ROW_GROUP
from src.reporting import atomic, remove

try:
    from ibis.backends.pyspark import Backend
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException
    from pyspark.ml.recommendation import ALS
    from pyspark.sql import SparkSession
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.storagelevel import StorageLevel
except ImportError:
    raise ResourceError(
        "PySpark is not installed: 'make .venv-spark/installed' makes an environment with it "
        "(requirements-spark.txt)"
    ) from None

_ROOT = Path(__file__).parents[2]
_JAVA = 17
_ANSWER = 5  # seconds in which a master has to answer
_SCRATCH = "spark-"
_LOST = Event()  # all executors
_RATINGS_IN_BLOCK = 2_000_000  # of customers' items: 24 MB, some seconds an iteration
_ALMOST_NOTHING = 1e-6
_SINGULAR = "SingularMatrixException"
_MARK = "a raw file cannot be read: "
_UNREADABLE = (
    r"FAILED_READ_FILE|CANNOT_READ_FILE|PATH_NOT_FOUND|UNABLE_TO_INFER_SCHEMA|is not a Parquet file"
)
_RESOURCES = (
    r"No space left on device|OutOfMemoryError|maxResultSize|Job aborted|Job \d+ cancelled|"
    r"SparkContext was shut down|Master removed our application|Connection refused|Answer from Java"
)


@dataclass(frozen=True)
class Spark:
    """See `Engine`."""

    backend: Backend
    local: DuckDB
    scratch: Path
    rows_in_one_file: int

    @classmethod
    def connect(cls, settings: SparkSettings) -> "Spark":
        """Start an application on the cluster, or take the one that this process has.

        Raises
        ------
        ResourceError
            There is no Java, no master, or no executor within the time that the settings allow.
        """
        scratch = Path(settings.scratch).resolve()
        scratch.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(scratch)
        folder = Path(mkdtemp(prefix=_prefix(), dir=scratch))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        session = SparkSession.getActiveSession() or _started(settings, folder)
        return cls(
            ibis.pyspark.connect(session), DuckDB.connect(), folder, settings.rows_in_one_file
        )

    def table(self, path: str | Path) -> ir.Table:
        """Open a table that the pipeline wrote."""
        # The cluster passes over names that begin with a dot, as those of files in the making do,
        # and reads whatever else lies in a folder.
        link = self.scratch / f"{uuid4().hex}.parquet"
        if Path(path).is_dir():
            link.mkdir()
            for number, file in enumerate(parts.files(path)):
                (link / f"{number:05d}.parquet").symlink_to(file.resolve())
        else:
            link.symlink_to(Path(path).resolve())
        with _translated():
            return self.backend.read_parquet(link.as_uri())

    def raw_parquet(self, files: Sequence[str]) -> ir.Table:
        """Open raw parquet files as one table; columns are matched by name."""
        found = self.local.raw_parquet(files).schema()
        kinds = {name: _kept(kind) for name, kind in found.items() if not kind.is_nested()}

        def read(file: str) -> Iterator[pa.RecordBatch]:
            engine = DuckDB.connect()
            rows = engine.raw_parquet([file])
            cells = {name: rows[name] if name in rows.columns else ibis.null() for name in kinds}
            return _batches(
                engine, rows.select(**{name: cells[name].cast(kinds[name]) for name in kinds})
            )

        return self._read_in_tasks(files, read, ibis.schema(kinds))

    def raw_csv(
        self,
        files: Sequence[str],
        columns: Mapping[str, CellType | None],
        missing: Sequence[str],
        separator: str,
    ) -> ir.Table:
        """Open raw CSV files whose columns are in the same order."""
        kinds, spellings = dict(columns), list(missing)

        def read(file: str) -> Iterator[pa.RecordBatch]:
            engine = DuckDB.connect()
            return _batches(engine, engine.raw_csv([file], kinds, spellings, separator))

        schema = self.local.raw_csv(files, kinds, spellings, separator).schema()
        return self._read_in_tasks(files, read, schema)

    def _read_in_tasks(
        self,
        files: Sequence[str],
        read: Callable[[str], Iterator[pa.RecordBatch]],
        schema: ibis.Schema,
    ) -> ir.Table:
        """Read each file in a task of its own."""
        arrow = schema.to_pyarrow()
        paths = [(str(Path(file).absolute()),) for file in files]

        def rows_of(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for file in batch["file"].to_pylist():
                    try:
                        for found in read(file):
                            yield found.cast(arrow)
                    except UnreadableError as error:
                        told = json.dumps([str(error), error.where, error.fault])
                        raise RuntimeError(_MARK + told) from None

        with _translated():
            session = self.backend._session
            each = session.sparkContext.parallelize(paths, len(paths))
            names = session.createDataFrame(each, "file string")
            types = from_arrow_schema(arrow, prefer_timestamp_ntz=True)
            return self._named(names.mapInArrow(rows_of, types))

    def _named(self, frame: object) -> ir.Table:
        name = f"rows_{uuid4().hex}"
        frame.createTempView(name)  # type: ignore[attr-defined]
        return self.backend.table(name)

    def computed_once(self, rows: ir.Table) -> ir.Table:
        """Let each column be computed once for a row, however many expressions use it."""
        with _translated():
            return self.backend.create_view(f"computed_{uuid4().hex}", rows)

    def collect(self, rows: ir.Table) -> pa.Table:
        """Bring a result into memory: by way of Arrow, as pandas rounds integers beside a null."""
        with _translated():
            return self._frame(rows).toArrow().cast(rows.schema().to_pyarrow())

    def _frame(self, rows: ir.Table):  # type: ignore[no-untyped-def]
        self.backend._run_pre_execute_hooks(rows)
        return self.backend._session.sql(self.backend.compile(rows))

    def write(
        self, rows: ir.Table, path: str | Path, order: Sequence[str] = (), compression: str = "zstd"
    ) -> None:
        """Write one parquet file, rows sorted by the columns of `order`, or as they come.

        The cluster writes sorted parts into a new folder. From there they go through the writer of
        the other engine, in row groups as it makes them of rows that it has sorted itself. If they
        are too many for one file, tasks write a folder of them.
        """
        schema = rows.schema()
        # A column that has statistics has no null to that writer, which then writes other bytes.
        known = [name for name, kind in schema.items() if not kind.nullable]
        whole = self.scratch / f"{uuid4().hex}.parquet"
        with self._sorted_parts(rows, order) as found:
            target = Path(path).absolute()
            remove(target)
            if self._too_many(found):
                self._write_folder(found, schema.to_pyarrow(), target, order, compression)
                return
            try:
                with pq.ParquetWriter(
                    whole, schema.to_pyarrow(), compression="lz4", write_statistics=known
                ) as writer:
                    for row_group in _row_groups(found, schema.to_pyarrow()):
                        writer.write_batch(row_group)
                self.local.write(self.local.table(whole), path, compression=compression)
            finally:
                whole.unlink(missing_ok=True)

    def _too_many(self, files: Sequence[Path]) -> bool:
        rows = sum(int(pq.read_metadata(file).num_rows) for file in files)
        return rows > self.rows_in_one_file

    def _write_folder(
        self,
        sources: list[Path],
        schema: pa.Schema,
        folder: Path,
        order: Sequence[str],
        compression: str,
    ) -> None:
        """Write the rows of some sorted files as parts of a folder, each in a task of its own.

        Where the cluster divides rows differs from run to run, so parts are cut anew: the same
        table is the same folder.
        """
        key = order[0] if order else None
        cuts = parts.cuts(sources, self.rows_in_one_file, key)

        def write(numbers: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for number in (one for batch in numbers for one in batch["part"].to_pylist()):
                rows = cuts[number], cuts[number + 1]
                target = folder / f"part-{number:05d}.parquet"
                said = parts.write_part(sources, schema, rows, target, key, compression)
                numbered = pa.array([number], pa.int32())
                yield pa.record_batch([numbered, pa.array([json.dumps(said)])], ["part", "said"])

        made = sorted(self._in_tasks(len(cuts) - 1, write, "part int, said string"))
        said = [json.loads(content) for _, content in made]
        for leftover in set(folder.iterdir()) - {folder / part["name"] for part in said}:
            leftover.unlink()  # of a task that was killed
        parts.write_manifest(folder, said, key)

    def _in_tasks(
        self,
        count: int,
        work: Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]],
        columns: str,
    ) -> list[Any]:
        """Do some work, given the number of a part, in a task for each; the rows that it gives."""
        with _translated():
            session = self.backend._session
            each = session.sparkContext.parallelize([(n,) for n in range(count)], max(count, 1))
            frame = session.createDataFrame(each, "part int")
            return list(frame.mapInArrow(work, columns).collect())

    @contextmanager
    def _sorted_parts(self, rows: ir.Table, order: Sequence[str]) -> Iterator[list[Path]]:
        """Files that below each other are the sorted table; they are gone after the block."""
        folder = self.scratch / uuid4().hex
        try:
            with _translated():
                frame = self._frame(rows.order_by(list(order)) if order else rows)
                frame.write.parquet(folder.as_uri())
            if not (folder / "_SUCCESS").exists():
                raise ResourceError(f"{folder}: the cluster did not finish what it was writing")
            yield sorted(folder.glob("part-*.parquet"))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def cached(self, rows: ir.Table) -> Iterator[ir.Table]:
        """Keep a result within the engine, to be used more than once inside the block."""
        with _translated():
            kept = self._frame(rows).persist(StorageLevel.MEMORY_AND_DISK)
            table = self._named(kept)
        try:
            yield table
        finally:
            self.backend._session.catalog.dropTempView(table.get_name())
            kept.unpersist()

    def runs(self, path: str | Path, key: str) -> list[ir.Table]:
        """Divide a sorted table into runs of whole keys, as the other engine does.

        The cluster could work on all rows at once, but the row groups of a file that is written
        run by run begin where the runs do. Those of a folder do not.
        """
        if Path(path).is_dir():
            return [self.table(path)]
        return divided(self.table(path), path, key)

    def write_runs(self, runs: Iterable[ir.Table], path: str | Path, order: Sequence[str]) -> None:
        """Write runs below each other as one parquet file, each sorted by `order`."""
        with ExitStack() as kept:
            found = []
            for rows in runs:
                schema = rows.schema().to_pyarrow()
                found.append(kept.enter_context(self._sorted_parts(rows, order)))
            everything = [file for files in found for file in files]
            target = Path(path).absolute()
            remove(target)
            if self._too_many(everything):
                self._write_folder(everything, schema, target, order, "zstd")
                return

            def tables() -> Iterator[pa.Table]:
                for files in found:
                    run = [pq.read_table(file).cast(schema) for file in files]
                    yield pa.concat_tables(run or [schema.empty_table()])

            write_tables(tables(), path)

    def by_parts(
        self,
        work: Callable[[Models, Rows], dict[str, pa.Table]],
        models: Models,
        rows: Rows,
        title: str,
    ) -> Iterator[dict[str, pa.Table]]:
        """Do some work on each part of some rows, each in a task; the results in order.

        The parts are the other engine's, so that the chunks of the tables are, too, on which the
        bytes of a file depend. Models, rows and results are files below `scratch`; only functions,
        classes and the small values that they enclose are sent as the cluster sends its own, by
        pickle.
        """
        kind, of_models = type(rows), type(models)
        folder = self.scratch / uuid4().hex
        given, saved, found = (folder / name for name in ("rows", "models", "results"))

        def tables_of(numbers: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for number in (one for batch in numbers for one in batch["part"].to_pylist()):
                part = kind.from_arrow(_read_stream(given / f"{number}.arrow"))
                # One thread, as in the other engine: with more, sums have another order.
                with threadpool_limits(limits=1, user_api="blas"):
                    tables = work(_loaded(of_models, saved), part)
                for name, table in tables.items():
                    _write_stream(found / f"{number}-{name}.arrow", table)
                numbered = pa.array([number] * len(tables), pa.int32())
                yield pa.record_batch([numbered, pa.array(tables, pa.string())], ["part", "name"])

        try:
            for each in (given, saved, found):
                each.mkdir(parents=True)
            models.save(saved)
            count = 0
            for part in batches(rows, title):
                _write_stream(given / f"{count}.arrow", part.to_arrow())
                count += 1
            names: dict[int, list[str]] = {}
            for number, name in self._in_tasks(count, tables_of, "part int, name string"):
                names.setdefault(number, []).append(name)
            for number in range(count):
                yield {
                    name: _read_stream(found / f"{number}-{name}.arrow") for name in names[number]
                }
        finally:
            shutil.rmtree(folder, ignore_errors=True)

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
        """Factorise by MLlib's ALS; the shares go to the cluster by files below `scratch`.

        MLlib's confidence is 1 + alpha * rating, so a rating is share - 1 / alpha (no less than
        almost nothing: a share is never less certain than what is not held).

        It multiplies its regularization r by the number of ratings of each customer and item
        ("ALS-WR", Zhou et al. 2008; `computeFactors` of Spark's ALS.scala). Had every customer a
        ratings and every item b, the penalty would be r (a sum x^2 + b sum y^2), which is
        r sqrt(ab) (sum x'^2 + sum y'^2) of x' = x / s, y' = s y with s = (b / a)^(1/4), while all
        products xy stay. So r is regularization / sqrt(ab) of the means a and b, and y' is what is
        returned: customers can be folded in with `regularization`. As counts differ, popular items
        are drawn to 0 more than the contract says, rare ones less.

        One block of customers gives the same bits again; of several, MLlib adds up in whatever
        order tasks end and blocks arrive, so the last digits may differ from run to run.
        """
        folder = self.scratch / uuid4().hex
        given, kept = folder / "shares", folder / "kept"
        ratings = customers = 0
        found: set[int] = set()
        try:
            given.mkdir(parents=True)
            for number, table in enumerate(shares):
                rating = pc.subtract(table["share"], 1 / alpha)
                rating = pc.max_element_wise(rating, _ALMOST_NOTHING)
                own = table.drop(["share"]).append_column("rating", rating.cast(pa.float32()))
                pq.write_table(own, given / f"{number:05d}.parquet")
                ratings += len(table)
                customers += pc.count_distinct(table["customer"]).as_py()
                found |= set(pc.unique(table["item"]).to_pylist())
            factorized = np.zeros((items, factors), dtype=np.float32)
            if not ratings:
                return factorized
            per_customer, per_item = ratings / customers, ratings / len(found)
            blocks = -(-ratings // _RATINGS_IN_BLOCK)
            model = ALS(
                rank=factors,
                maxIter=iterations,
                regParam=regularization / (per_customer * per_item) ** 0.5,
                implicitPrefs=True,
                alpha=alpha,
                seed=seed,
                numUserBlocks=blocks,
                numItemBlocks=min(blocks, items),
                userCol="customer",
                itemCol="item",
                ratingCol="rating",
                finalStorageLevel="NONE",  # nobody asks for the customers' factors
            )
            with _translated():
                session = self.backend._session
                # Or what can be computed again, and its plan, would grow with every iteration.
                session.sparkContext.setCheckpointDir(kept.as_uri())
                rated = session.read.parquet(given.as_uri()).coalesce(blocks)
                try:
                    learnt = model.fit(rated).itemFactors.toArrow()
                except Py4JError as error:
                    if _SINGULAR not in str(error):
                        raise
                    return np.full_like(factorized, np.nan)
            rows = np.stack(learnt["features"].to_numpy())
            factorized[learnt["id"].to_numpy()] = rows * (per_item / per_customer) ** 0.25
            return factorized
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def write_csv(self, rows: pa.Table, path: str | Path, *, header: bool) -> None:
        """Write rows as CSV, in their order; cells are quoted where they need it."""
        self.local.write_csv(rows, path, header=header)


@lru_cache(maxsize=1)
def _loaded(kind: type[Saved], folder: Path) -> Any:
    """Models in a task: its process works on many parts, one after the other."""
    return kind.load(folder)


def _write_stream(path: Path, table: pa.Table) -> None:
    """Write a table as it is, chunks and dictionaries; whole, as a task may be killed."""
    with atomic(path) as temporary, pa.ipc.new_stream(temporary, table.schema) as stream:
        stream.write_table(table)


def _read_stream(path: Path) -> pa.Table:
    """Read such a table where it lies: what is not looked at takes no memory."""
    return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()


def _batches(engine: DuckDB, rows: ir.Table) -> Iterator[pa.RecordBatch]:
    """Rows as they are read, in a task, which has one processor; texts without blanks around them.

    The cluster's own ``trim`` knows one kind of blank only.
    """
    engine.backend.raw_sql("SET threads = 1")
    texts = {name: trim(rows[name]) for name, kind in rows.schema().items() if kind.is_string()}
    rows = rows.mutate(**texts)
    with translated():  # errors come while batches do
        yield from engine.backend.raw_sql(engine.backend.compile(rows)).to_arrow_reader(ROW_GROUP)


def _row_groups(files: Sequence[Path], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The rows of some files in batches that are the row groups of the one file."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    for file in files:
        for batch in pq.ParquetFile(file).iter_batches(columns=schema.names):
            waiting.append(batch.cast(schema))
            count += len(batch)
            while count >= ROW_GROUP:
                rows = pa.Table.from_batches(waiting)
                yield from rows.slice(0, ROW_GROUP).combine_chunks().to_batches()
                waiting = rows.slice(ROW_GROUP).to_batches()
                count -= ROW_GROUP
    if count:
        yield from pa.Table.from_batches(waiting).combine_chunks().to_batches()


def _kept(kind: dt.DataType) -> dt.DataType:
    """A type that the cluster has, and that holds every value of one that it lacks."""
    if kind.is_unsigned_integer():
        return dt.Decimal(20, 0) if kind.is_uint64() else dt.int64
    if kind.is_timestamp() or kind.is_numeric() or kind.is_boolean() or kind.is_date():
        return kind
    return dt.string


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def trim(text: str) -> str:  # type: ignore[empty-body]
    """SQL's own."""


# the cluster


def _started(settings: SparkSettings, scratch: Path) -> SparkSession:
    """Start an application that leaves nothing outside `scratch`; wait for its first executor."""
    _check_java()
    if settings.master.startswith("spark:"):
        _check_master(settings.master)
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    options = {
        "spark.app.name": "nextbest",
        "spark.master": settings.master,
        "spark.cores.max": settings.cores,
        "spark.executor.cores": settings.executor_cores,
        "spark.executor.memory": settings.executor_memory,
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.maxResultSize": 0,  # what is collected fits, or the driver says so
        "spark.executorEnv.PYTHONPATH": _ROOT,
        "spark.executorEnv.NEXTBEST_TMP": scratch,
        "spark.sql.shuffle.partitions": settings.shuffle_partitions,
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # What follows from conditions on twenty columns takes the planner longer than the rows.
        "spark.sql.constraintPropagation.enabled": "false",
        "spark.sql.timestampType": "TIMESTAMP_NTZ",  # a time is what was written, without a zone
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": scratch,
        "spark.local.dir": scratch,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }
    if host := os.environ.get("SPARK_LOCAL_IP"):
        options |= {"spark.driver.host": host, "spark.driver.bindAddress": host}
    builder = SparkSession.builder
    for name, value in options.items():
        builder = builder.config(name, str(value))
    with _translated():
        session = builder.getOrCreate()
        session.sparkContext.setLogLevel("FATAL")  # what is an error is raised
        if settings.master.startswith("spark:"):
            _wait_for_executor(session, settings)
            Thread(target=_watch, args=(session, settings), name="executors", daemon=True).start()
    return session


def _check_java() -> None:
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin" if home else None)
    if java is None:
        raise ResourceError(
            f"there is no Java{f' in JAVA_HOME ({home})' if home else ''}: Spark wants version "
            f"{_JAVA} or newer (Debian: apt-get install openjdk-17-jre-headless)"
        )


def _check_master(master: str) -> None:
    """Ask whether anybody listens: Spark itself would try for minutes."""
    address = urlsplit(master)
    try:
        socket.create_connection((address.hostname, address.port), timeout=_ANSWER).close()
    except OSError as error:
        raise ResourceError(
            f"no Spark master answers at {master} ({error.strerror or error}): start the cluster "
            f"('scripts/spark_cluster.sh start' starts one on this machine), or name another "
            "master in engine.yaml"
        ) from None


def _wait_for_executor(session: SparkSession, settings: SparkSettings) -> None:
    """Spark itself would wait for ever."""
    end = time.monotonic() + settings.wait_seconds
    status = session.sparkContext._jsc.sc()
    while status.getExecutorMemoryStatus().size() < 2:  # the driver is the first
        if time.monotonic() > end:
            session.stop()
            raise ResourceError(
                f"{settings.master} gave no executor of {settings.executor_cores} cores and "
                f"{settings.executor_memory} within {settings.wait_seconds} seconds: its workers "
                "are too small, all busy with other applications, or gone"
            )
        time.sleep(0.2)


def _watch(session: SparkSession, settings: SparkSettings) -> None:
    """Cancel jobs when all executors are lost and none comes: they would wait for ever, too."""
    context = session.sparkContext._jsc.sc()
    seen = time.monotonic()
    try:
        while not context.isStopped():
            if context.getExecutorMemoryStatus().size() > 1:
                seen = time.monotonic()
                _LOST.clear()
            elif time.monotonic() - seen > settings.wait_seconds:
                _LOST.set()
                context.cancelAllJobs()
            time.sleep(1)
    except (Py4JError, OSError):  # the driver's JVM has gone
        pass


def _prefix() -> str:
    return f"{_SCRATCH}{socket.gethostname()}-{os.getpid()}-"


def _remove_leftovers(scratch: Path) -> None:
    """Remove what processes of this machine that were killed have left."""
    for folder in scratch.glob(f"{_SCRATCH}{socket.gethostname()}-*"):
        owner = folder.name.removeprefix(f"{_SCRATCH}{socket.gethostname()}-").partition("-")[0]
        if not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


# what goes wrong


@contextmanager
def _translated() -> Iterator[None]:
    """Raise what Spark raises in the words of `Engine`; faults of our own stay as they are."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        report = str(error)
        if _MARK in report:
            told = report.partition(_MARK)[2].splitlines()[0]
            raise UnreadableError(*json.JSONDecoder().raw_decode(told)[0]) from None
        if re.search(_UNREADABLE, report):
            cause = _first_line(report)
            fault = f"is cut short or damaged: {cause}; get the file again"
            raise UnreadableError(cause, None, fault) from None
        if _LOST.is_set():
            raise ResourceError(
                "Spark: all executors are lost, and no other came: their workers are gone, or the "
                "memory of an executor does not suffice (their logs say which)"
            ) from None
        if re.search(_RESOURCES, report) or "JAVA_GATEWAY" in report:
            raise ResourceError(f"Spark: {_cause(report)}") from None
        raise


def _first_line(report: str) -> str:
    return next((line.strip() for line in report.splitlines() if line.strip()), "no reason given")


def _cause(report: str) -> str:
    """The line of a long report that names the resource."""
    lines = [line.strip() for line in report.splitlines()]
    named = [line for line in lines if re.search(_RESOURCES, line)]
    return (named or [_first_line(report)])[0][:300]

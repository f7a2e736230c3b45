"""The Ibis connection: the only place that knows which engine runs the table work."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

EngineError = duckdb.Error  # anything that the engine raises
EngineLimit = (duckdb.IOException, duckdb.OutOfMemoryException)  # a file, the disk or the memory


def connect() -> "Backend":
    """Connect to an in-process DuckDB.

    Environment: NEXTBEST_MEMORY (default ``1GB``) bounds the engine's memory; what does not fit
    is spilled to NEXTBEST_TMP (default ``data/tmp``). Neither changes a result.
    """
    import ibis  # takes a while, and the service needs no engine

    spill = Path(os.environ.get("NEXTBEST_TMP", "data/tmp"))
    spill.mkdir(parents=True, exist_ok=True)
    return ibis.duckdb.connect(
        memory_limit=os.environ.get("NEXTBEST_MEMORY", "1GB"),
        temp_directory=str(spill),
        preserve_insertion_order=True,
    )

"""Rows in a random order that memory need not hold: an external shuffle.

Rows are dealt at random into buckets, files that are small enough to be read whole. One bucket
after the other, each in a random order, is a random order of all, and no row is read alone.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Bucket:
    """Some of the rows, on disk: what a model looks at, and what was held.

    Attributes
    ----------
    path : Path
        Of both files, without their endings.
    size, columns, items : int
    """

    path: Path
    size: int
    columns: int
    items: int

    def rows(self) -> NDArray[np.float32]:
        """Read what a model looks at; (rows, columns)."""
        found = np.fromfile(self.path.with_suffix(".rows"), dtype=np.float32)
        return found.reshape(self.size, self.columns)

    def holdings(self) -> NDArray[np.bool_]:
        """Read what was held; (rows, items)."""
        found = np.fromfile(self.path.with_suffix(".held"), dtype=np.bool_)
        return found.reshape(self.size, self.items)


@contextmanager
def dealt(
    parts: Iterable[tuple[NDArray[np.float32], NDArray[np.bool_]]], buckets: int, seed: int
) -> Iterator[list[Bucket]]:
    """Deal rows into buckets, files below NEXTBEST_TMP (default ``data/tmp``) within the block.

    Parameters
    ----------
    parts : iterable of (float32 array, bool array), shapes (rows, columns) and (rows, items)
        One part at a time is in memory.
    buckets : int
        One is the rows as they come. Those that would be empty are left out.
    seed : int
    """
    parent = Path(os.environ.get("NEXTBEST_TMP", "data/tmp"))
    parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    sizes = np.zeros(buckets, dtype=np.int64)
    columns = items = 0
    with TemporaryDirectory(prefix="rows-", dir=parent) as folder:
        paths = [Path(folder) / f"{bucket}" for bucket in range(buckets)]
        for rows, held in parts:
            columns, items = rows.shape[1], held.shape[1]
            chosen = generator.integers(buckets, size=len(rows))
            sizes += np.bincount(chosen, minlength=buckets)
            order = np.argsort(chosen, kind="stable")
            starts = np.searchsorted(chosen[order], range(1, buckets))
            for path, own in zip(paths, np.split(order, starts), strict=True):
                with path.with_suffix(".rows").open("ab") as file:  # more than may stay open
                    rows[own].tofile(file)
                with path.with_suffix(".held").open("ab") as file:
                    held[own].tofile(file)
        yield [
            Bucket(path, int(size), columns, items)
            for path, size in zip(paths, sizes, strict=True)
            if size
        ]

"""Lists of items to offer: top-k of scores, held ones left out, batch by batch."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, Self, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from src.ranking import top_k

LIST_LENGTH = 7  # as in MAP@7
_AT_ONCE = 20_000


class Divisible(Protocol):
    """Rows that can be cut into parts."""

    def __len__(self) -> int:
        """Number of rows."""

    def of(self, rows: slice) -> Self:
        """Some of the rows."""


Rows = TypeVar("Rows", bound=Divisible)
Result = TypeVar("Result")


def batches(rows: Rows, title: str) -> Iterator[Rows]:
    """Cut rows into batches whose features fit in memory; a bar on a terminal."""
    starts = range(0, len(rows), _AT_ONCE)
    for start in tqdm(starts, desc=title, unit="batch", disable=None):
        yield rows.of(slice(start, start + _AT_ONCE))


def by_batches(work: Callable[[Rows], Result], rows: Rows, title: str) -> Iterator[Result]:
    """Do some work on each batch, side by side on all processors; results in order.

    BLAS keeps to one thread meanwhile: whoever limits its threads for a while, as ALS does, would
    otherwise change them for the other batches, too.
    """
    threads = os.cpu_count() or 1
    running: deque[Future[Result]] = deque()
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        for batch in batches(rows, title):
            running.append(pool.submit(work, batch))
            if len(running) > threads:  # no more at once than memory is needed for
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def as_column(matrix: NDArray[Any]) -> pa.FixedSizeListArray:
    """A matrix as a column of a table, without a copy: each row is a list."""
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])


def as_matrix(column: pa.ChunkedArray) -> NDArray[Any]:
    """The matrix of such a column."""
    # To combine a single chunk would copy it.
    lists = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    values: NDArray[Any] = lists.flatten().to_numpy()
    return values.reshape(len(column), column.type.list_size)


def lists_of(
    customers: NDArray[Any],
    scores: NDArray[np.float32],
    held: NDArray[np.bool_],
    items: list[str],
    k: int,
) -> pa.Table:
    """Top-k lists as rows, held items left out.

    Parameters
    ----------
    customers : array, shape (customers,)
        Ids.
    scores : float32 array, shape (customers, items)
    held : bool array, shape (customers, items)
    items : list of str
        Names.
    k : int
        Length of a list, at most the number of items.

    Returns
    -------
    pa.Table
        customer, rank (1 is best), product, score; by customer and rank.
    """
    ranking = top_k(scores, min(k, len(items)), held)
    rows, ranks = np.nonzero(ranking >= 0)
    chosen: NDArray[np.int16] = ranking[rows, ranks]
    return pa.table(
        {
            "customer": customers[rows],
            "rank": (ranks + 1).astype(np.int8),
            "product": pa.DictionaryArray.from_arrays(pa.array(chosen), items),
            "score": scores[rows, chosen],
        }
    )

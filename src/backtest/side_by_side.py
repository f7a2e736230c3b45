"""Work in several processes that end with this one, however it ends.

Processes and not threads: BLAS has one number of threads per process, so what is fitted at the same
time could otherwise add up its sums in another order.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVarTuple

from src.errors import ResourceError

Arguments = TypeVarTuple("Arguments")


def side_by_side(
    work: Callable[[*Arguments], None], tasks: Sequence[tuple[*Arguments]], workers: int
) -> Iterator[tuple[*Arguments]]:
    """Do each task, several at once; yields those that are done, as they are done.

    After a failure no further task is begun, and those that run are finished. An interrupt ends
    them.

    Parameters
    ----------
    work : callable
        A function of a module. With one worker it is called in this process.
    tasks : sequence of tuple
        Arguments of `work`.
    workers : int

    Raises
    ------
    ResourceError
        A process was killed.
    """
    if workers <= 1:
        for task in tasks:
            work(*task)
            yield task
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_begin) as pool:
        running = {pool.submit(work, *task): task for task in tasks}
        try:
            for future in as_completed(running):
                future.result()
                yield running[future]
        except BrokenProcessPool:
            raise ResourceError(
                "a process of the backtest was killed, most likely because the memory did not "
                "suffice: lower predict.workers in pipelines/backtest/params.yaml"
            ) from None
        except Exception:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        except BaseException:
            _end_children()
            raise


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the parent says what is to be said
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent: Any = multiprocessing.parent_process()
    parent.join()
    os._exit(1)


def _end_children() -> None:
    for child in multiprocessing.active_children():
        child.terminate()

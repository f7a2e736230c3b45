"""The best new providers of a million simulated clients: `python -m benchmarks.payments_ranking`.

Factors are drawn at random, and so are the pairs that are known already (`--known` of each client).
Prints how long ALS takes to learn from those pairs, how long it takes to rank all clients, and, on
the first `--compared` clients in the same batches, three ways in turn: as in the project, NumPy's
`argpartition`, and the bare matrix product, which no exact ranking can do without. Peak memory is
that of the process up to then.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.machine import Stolen
from src import params
from src.models.factorization import new_als
from src.payments.providers.factors import AlsSettings
from src.payments.providers.known import Matrix
from src.payments.providers.ranking import NEVER, Ranking, top_k_of_factors
from src.payments.providers.windows import ExampleSettings
from src.payments.schema import PARAMS

K = 10
BATCH = 1_000
SEED = 7

Factors = NDArray[np.float32]
Result = TypeVar("Result")


def random_factors(rows: int, factors: int, generator: np.random.Generator) -> Factors:
    """Draw from the normal distribution."""
    return generator.standard_normal((rows, factors), dtype=np.float32)


def random_pairs(
    clients: int, providers: int, known: int, generator: np.random.Generator
) -> Matrix:
    """So many providers of each client (fewer where one is drawn twice), the first ones most."""
    drawn = np.floor(providers * generator.random((clients, known), dtype=np.float32) ** 3)
    columns = drawn.astype(np.int32).ravel()
    rows = np.arange(0, clients * known + 1, known, dtype=np.int32)
    pairs = Matrix((np.ones(len(columns), np.float32), columns, rows), shape=(clients, providers))
    pairs.sum_duplicates()
    pairs.data[:] = 1
    return pairs


def by_argpartition(clients: Factors, providers: Factors, known: Matrix) -> Ranking:
    """Rank by NumPy alone."""
    ranking = np.empty((len(clients), K), dtype=np.int32)
    others = len(providers) - K
    for start in range(0, len(clients), BATCH):
        rows = slice(start, start + BATCH)
        scores = clients[rows] @ providers.T
        own = known[rows]
        scores[np.repeat(np.arange(len(scores)), np.diff(own.indptr)), own.indices] = NEVER
        best = np.argpartition(scores, others, axis=1)[:, others:]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1)
        ranking[rows] = np.take_along_axis(best, order, axis=1)
    return ranking


def bare_product(clients: Factors, providers: Factors) -> None:
    """Multiply the factors and forget the result."""
    for start in range(0, len(clients), BATCH):
        clients[start : start + BATCH] @ providers.T


def learn(pairs: Matrix, settings: AlsSettings) -> None:
    """Fit ALS and forget it."""
    with threadpool_limits(limits=1, user_api="blas"):
        new_als(settings).fit(sp.csr_matrix(pairs), show_progress=False)


def sums(clients: Factors, providers: Factors, ranking: Ranking) -> Factors:
    """Sum of the scores of each list: products differ by rounding when batches differ."""
    return np.asarray((clients * providers[ranking].sum(axis=1)).sum(axis=1))


def timed(work: Callable[[], Result]) -> tuple[float, float, Result]:
    """Seconds, seconds of the processors, and the result."""
    began, used = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - began, time.process_time() - used, result


def peak() -> float:
    """GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def benchmark(clients: int, providers: int, factors: int, known: int, compared: int) -> None:
    """Print everything."""
    stolen = Stolen()
    generator = np.random.default_rng(SEED)
    pairs = random_pairs(clients, providers, known, generator)
    print(f"{clients:,} simulated clients, {providers:,} providers, {pairs.nnz:,} known pairs")

    configured = params.load("examples", ExampleSettings, PARAMS).models.als
    settings = configured.model_copy(update={"factors": factors})
    seconds, _, _ = timed(lambda: learn(pairs, settings))
    print(f"ALS, {settings.iterations} iterations: {seconds:.0f} s, peak {peak():.2f} GB")

    left = random_factors(clients, factors, generator)
    right = random_factors(providers, factors, generator)
    nobody = np.zeros(providers, dtype=bool)
    seconds, _, _ = timed(lambda: top_k_of_factors(left, right, pairs, K, nobody))
    print(f"top {K} of all clients: {seconds:.1f} s, peak {peak():.2f} GB\n")

    some, own = left[:compared], pairs[:compared]
    print(f"| {compared:,} clients | s | processor, s | of the product |")
    print("| --- | --: | --: | --: |")
    for _ in range(3):
        product, by_product, _ = timed(lambda: bare_product(some, right))
        ours, by_us, ranking = timed(lambda: top_k_of_factors(some, right, own, K, nobody))
        numpy, by_numpy, expected = timed(lambda: by_argpartition(some, right, own))
        print(f"| matrix product | {product:.2f} | {by_product:.2f} | 1.00 |")
        print(f"| top {K} | {ours:.2f} | {by_us:.2f} | {ours / product:.2f} |")
        print(
            f"| argpartition | {numpy:.2f} | {by_numpy:.2f} | {numpy / product:.2f} |", flush=True
        )
        same = (ranking == expected).all(axis=1).sum()
        apart = np.abs(sums(some, right, ranking) - sums(some, right, expected)).max()
        print(
            f"\nargpartition ÷ top {K}: {numpy / ours:.1f}; {same:,} lists are the same, and "
            f"the sum of a list's scores differs by at most {apart:.0e}\n"
        )
    print(f"{os.cpu_count()} cores; the host took {stolen.share():.0%} of the time.")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clients", type=int, default=1_000_000)
    parser.add_argument("--providers", type=int, default=20_000)
    parser.add_argument("--factors", type=int, default=64)
    parser.add_argument("--known", type=int, default=10, help="pairs of each client")
    parser.add_argument("--compared", type=int, default=40_000)
    chosen = parser.parse_args()
    benchmark(chosen.clients, chosen.providers, chosen.factors, chosen.known, chosen.compared)


if __name__ == "__main__":
    main()

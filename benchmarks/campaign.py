"""Contacts for up to a million customers: `python -m benchmarks.campaign`.

Chances are drawn at random, for 24 products of very different rates, three channels, limits of all
kinds, 5 % of customers contacted. Up to `--exact` customers, the linear programme of all of them is
solved beside the prices. Peak memory is that of the process up to then.
"""

import argparse
import os
import resource
import time

import numpy as np

from benchmarks.machine import Stolen
from src.campaign.allocation import Allocation, allocate
from src.campaign.problem import Limits, Problem

PRODUCTS = 24
SEED = 7


def random_problem(customers: int, generator: np.random.Generator) -> Problem:
    """Chances of the spread that calibrated ones have; a tenth of them held."""
    rates = np.exp(generator.normal(-6, 1.5, PRODUCTS)).astype(np.float32)
    chances = np.empty((customers, PRODUCTS), dtype=np.float32)
    for item, rate in enumerate(rates):
        own = np.exp(np.float32(1.5) * generator.standard_normal(customers, dtype=np.float32))
        chances[:, item] = np.minimum(rate * own, np.float32(0.9))
        chances[generator.random(customers, dtype=np.float32) < 0.1, item] = 0
    total = customers // 20
    least = np.zeros(PRODUCTS, dtype=np.int64)
    least[:4] = total // 50
    limits = Limits(
        each=1,
        total=total,
        most=np.full(PRODUCTS, total // 6),
        least=least,
        channel_most=np.array([total // 2, total // 3, total]),
        channel_least=np.array([0, 0, total // 5]),
    )
    worth = np.exp(generator.normal(3, 1, PRODUCTS))
    return Problem(chances, worth, np.tile([0.0, 0.5, 2.0], (PRODUCTS, 1)), limits)


def timed(problem: Problem, exact_up_to: int) -> tuple[Allocation, float, float]:
    """The allocation, seconds, and seconds of the processors."""
    began, used = time.perf_counter(), time.process_time()
    found = allocate(problem, exact_up_to)
    return found, time.perf_counter() - began, time.process_time() - used


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, nargs="+", default=[20_000, 100_000, 1_000_000])
    parser.add_argument("--exact", type=int, default=100_000)
    chosen = parser.parse_args()
    stolen = Stolen()
    print("| customers | by | s | processor, s | peak, GB | contacts | value | proven gap |")
    print("| --: | --- | --: | --: | --: | --: | --: | --: |")
    for customers in chosen.customers:
        problem = random_problem(customers, np.random.default_rng(SEED))
        ways = {"prices": 0} | ({"programme": customers} if customers <= chosen.exact else {})
        for name, exact_up_to in ways.items():
            found, seconds, used = timed(problem, exact_up_to)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            print(
                f"| {customers:,} | {name} | {seconds:.1f} | {used:.1f} | {peak:.2f} "
                f"| {len(found.contacts):,} | {found.value:,.1f} | {found.gap:.5%} |",
                flush=True,
            )
    print(f"\n{os.cpu_count()} cores; the host took {stolen.share():.0%} of the time.")


if __name__ == "__main__":
    main()

"""How close the simulated bank comes to the facts: ``python -m benchmarks.simulation 100000``.

Prints Markdown. The ceiling is the MAP@7 among adders of a ranking by the true probabilities.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from src.evaluation.metrics import average_precision
from src.ranking import top_k
from src.simulation import calibration
from src.simulation.calibration import TOTAL_CUSTOMERS, Calibration, Flags, Integers
from src.simulation.portfolios import Held
from src.simulation.products import ProductsSimulation, simulate

ADDERS = (
    23782, 25197, 25496, 21203, 33318, 26097, 24326, 28479,
    32208, 28036, 33684, 26268, 36071, 27735, 26736, 27875,
)  # fmt: skip
ADDING_ONE_TWO_MORE = (0.797, 0.154, 0.049)  # shares of the adders of all months
LAST_YEAR = 5  # 2015-06 is the snapshot of index 5
COMMON = 0.005


def main(customers: int) -> None:
    """Simulate, measure, print."""
    facts = calibration.load()
    scale = customers / TOTAL_CUSTOMERS
    with tempfile.TemporaryDirectory() as folder:
        snapshots, truth = Path(folder) / "train_ver2.csv", Path(folder) / "truth.parquet"
        start = time.perf_counter()
        simulate(
            ProductsSimulation(customers=customers, months=17, seed=20160528), snapshots, truth
        )
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        size = snapshots.stat().st_size / 2**20
        months = _read(facts, snapshots)
        chances = pq.read_table(truth)
    print(f"{customers:,} customers: {seconds:.1f} s, {peak:.2f} GiB at most, {size:,.0f} MiB\n")
    additions = [_additions(*months[i - 1], *months[i]) for i in range(1, 17)]
    _print_months(facts, scale, months, additions)
    _print_products(facts, scale, months, additions)
    _print_rankings(months, additions, chances)


def _read(facts: Calibration, path: Path) -> list[tuple[Integers, Held]]:
    types = {name: pa.int8() for name in facts.products} | {"ncodpers": pa.int64()}
    options = pa_csv.ConvertOptions(
        include_columns=["fecha_dato", *types],
        column_types=types | {"fecha_dato": pa.string()},
        null_values=["NA"],
    )
    table = pa_csv.read_csv(path, convert_options=options)
    dates = table["fecha_dato"].to_numpy()
    held = np.stack([table[name].fill_null(0).to_numpy() for name in facts.products])
    ends = np.searchsorted(dates, facts.months, side="right")
    starts = [0, *ends[:-1]]
    numbers = table["ncodpers"].to_numpy()
    return [(numbers[a:b], held[:, a:b]) for a, b in zip(starts, ends, strict=True)]


def _additions(before: Integers, had: Held, now: Integers, has: Held) -> tuple[Flags, Flags]:
    _, left, right = np.intersect1d(before, now, assume_unique=True, return_indices=True)
    masked = had[:, left] == 1
    return (has[:, right] == 1) & ~masked, masked


def _print_months(
    facts: Calibration,
    scale: float,
    months: list[tuple[Integers, Held]],
    additions: list[tuple[Flags, Flags]],
) -> None:
    print("| month | customers | facts | adders | facts | adding 1 | 2 | 3+ |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    added_sizes = []
    for index, (added, _) in enumerate(additions, start=1):
        sizes = added.sum(axis=0)
        added_sizes.append(sizes[sizes > 0])
        print(
            f"| {facts.months[index][:7]} | {len(months[index][0]):,} "
            f"| {facts.customers[index] * scale:,.0f} | {len(added_sizes[-1]):,} "
            f"| {ADDERS[index - 1] * scale:,.0f} | {_shares(added_sizes[-1])} |"
        )
    real = " | ".join(f"{share:.3f}" for share in ADDING_ONE_TWO_MORE)
    print(
        f"| all | | | {sum(map(len, added_sizes)):,} | {sum(ADDERS) * scale:,.0f} "
        f"| {_shares(np.concatenate(added_sizes))} |\n| facts | | | | | {real} |\n"
    )


def _shares(sizes: Integers) -> str:
    counts = np.bincount(np.minimum(sizes, 3), minlength=4)[1:]
    return " | ".join(f"{count / max(len(sizes), 1):.3f}" for count in counts)


def _print_products(
    facts: Calibration,
    scale: float,
    months: list[tuple[Integers, Held]],
    additions: list[tuple[Flags, Flags]],
) -> None:
    owned = np.stack([held.sum(axis=1) for _, held in months]).mean(axis=0)
    added = np.stack([added.sum(axis=1) for added, _ in additions])[LAST_YEAR - 1 :].sum(axis=0)
    print("| product | owners | facts | ratio | additions, 12 months | facts | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for product, name in enumerate(facts.products):
        owners = facts.owned[:, product].mean() * scale
        adders = facts.additions[LAST_YEAR:, product].sum() * scale
        if facts.owned[:, product].sum() >= COMMON * facts.customers.sum():
            print(
                f"| {name} | {owned[product]:,.0f} | {owners:,.0f} | {owned[product] / owners:.2f} "
                f"| {added[product]:,} | {adders:,.0f} | {added[product] / adders:.2f} |"
            )
    print()


def _print_rankings(
    months: list[tuple[Integers, Held]], additions: list[tuple[Flags, Flags]], truth: pa.Table
) -> None:
    stayers = np.intersect1d(months[-2][0], months[-1][0], assume_unique=True)
    if not np.array_equal(stayers, truth["customer"].to_numpy()):
        raise ValueError("truth.parquet does not hold the customers of both last months")
    added, masked = additions[-1]
    adders = added.any(axis=0)
    chances = np.stack([truth[name].to_numpy() for name in truth.column_names[1:]])
    counts = np.stack([added.sum(axis=1) for added, _ in additions[:-1]])
    rankings = {
        "additions of all earlier months, held masked": counts.sum(axis=0),
        "additions of the month before, held masked": counts[-1],
        "true probabilities (the ceiling)": chances[:, adders].T,
    }
    print("| ranking | MAP@7 among adders | over all |\n|---|---:|---:|")
    relevant, hidden = added[:, adders].T, masked[:, adders].T
    for name, scores in rankings.items():
        wide = np.broadcast_to(scores, relevant.shape).astype(np.float32)
        score = average_precision(top_k(wide, 7, hidden), relevant, 7)
        print(f"| {name} | {score.mean():.4f} | {score.sum() / len(stayers):.4f} |")
    found, expected = added.sum(), chances.sum(dtype=np.float64)
    print(f"\nLast month: {adders.sum():,} adders, {found:,} additions, {expected:,.1f} expected")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)

"""How close each model comes to the best possible one: `python -m src.simulation.ceiling`.

The simulator knows the probability with which every customer adds every product in the last month.
Ranking by it is the best that any model can do, on average; the rest is chance.
"""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from src import params
from src.errors import InputError, run
from src.evaluation import metrics
from src.evaluation.report import models_of
from src.models.history import History
from src.products import paths
from src.products.schema import Schema
from src.products.windows import Windows
from src.ranking import top_k

TRUTH = "data/simulation/truth.parquet"

# May 2016 among the 27,875 adders of the real data: popularity and the best published solution.
REAL = {"popularity": 0.6475, "best published": 0.907}
_K = 7


def ceiling(schema: Schema) -> float:
    """MAP@7 among adders of the last month, ranked by the true probabilities.

    Raises
    ------
    InputError
        The truth is missing, or belongs to other customers than the history.
    """
    for path in (TRUTH, paths.HISTORY):
        if not Path(path).exists():
            raise InputError(f"{path} is missing: run 'dvc repro' on simulated data first")
    products = list(schema.products)
    truth = pq.read_table(TRUTH)
    unknown = [product for product in products if product not in truth.column_names]
    if unknown or schema.id_type != "integer":
        raise InputError(
            f"{TRUTH} knows the simulator's products and integer ids, not those of the schema "
            f"section of params.yaml ({', '.join(unknown) or schema.id_type} ids)"
        )
    last = Windows.read().last
    history = History.read(paths.HISTORY, products, last)
    additions = history.additions()
    adds = np.asarray(additions.any(axis=1))
    rows = np.searchsorted(truth["customer"].to_numpy(), history.customers[adds])
    rows = np.minimum(rows, truth.num_rows - 1)
    if not (truth["customer"].to_numpy()[rows] == history.customers[adds]).all():
        raise InputError(
            f"{TRUTH} and {paths.HISTORY} are about different customers: is ingest.path in "
            "params.yaml the simulated file?"
        )
    probabilities = np.column_stack([truth[product].to_numpy()[rows] for product in products])
    held = history.before(last).holdings()[adds]
    ranking = top_k(probabilities.astype(np.float32), min(_K, len(products)), held)
    return float(metrics.average_precision(ranking, additions[adds], _K).mean())


def table(best: float, scores: dict[str, dict[str, float]]) -> str:
    """Render each model's MAP@7 among adders as a share of the ceiling, real figures beside."""
    real_best = REAL["best published"]
    lines = [
        "| model | simulated MAP@7 among adders | of the ceiling | real, May 2016 | of the best |",
        "| --- | --: | --: | --: | --: |",
    ]
    for name in models_of(scores):
        score = scores[name]["map@7_adders"]
        real = REAL.get(name)
        beside = f"{real:.3f} | {real / real_best:.1%}" if real else " | "
        lines.append(f"| {name} | {score:.3f} | {score / best:.1%} | {beside} |")
    lines.append(
        f"| ceiling (real: best published) | {best:.3f} | 100.0% | {real_best:.3f} | 100.0% |"
    )
    return "\n".join(lines)


def main() -> None:
    """Print the table for the last run of the products pipeline."""
    best = ceiling(params.load("schema", Schema))
    print(table(best, json.loads(Path(paths.METRICS).read_text(encoding="utf-8"))))


if __name__ == "__main__":
    run(main)

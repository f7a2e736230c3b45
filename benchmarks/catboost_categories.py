"""How CatBoost takes categories: seconds per iteration and loss, measured in one run.

Run after `dvc repro`: `python -m benchmarks.catboost_categories [rows]`. Learns holdings
(MultiLogloss, as train_mlc does) on a sample of the base window, measures the loss on another.
"""

import os
import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier, Pool
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from src import params
from src.models.encoding import Encoder
from src.products.dataset import Dataset
from src.products.schema import Schema

ITERATIONS = 30


@dataclass(frozen=True)
class Way:
    """One way to hand categories over."""

    title: str
    native: bool  # as CatBoost's categorical features, else as integer codes
    options: dict[str, Any]


WAYS = [
    Way("CatBoost's default", native=True, options={}),
    Way("one_hot_max_size=255", native=True, options={"one_hot_max_size": 255}),
    Way("integer codes", native=False, options={}),
    Way(
        "integer codes, half of the rows per tree (train_mlc)",
        native=False,
        options={"bootstrap_type": "Bernoulli", "subsample": 0.5},
    ),
]


def matrix(profile: pd.DataFrame, encoder: Encoder, *, native: bool) -> Any:
    """Encoded profile; with categories as text for CatBoost's own handling."""
    if not native:
        return encoder.transform(profile)
    frame = profile[encoder.names].copy()
    for name in encoder.categories:
        frame[name] = frame[name].astype(str).astype(object)
    return frame


def measure(
    way: Way,
    train: tuple[Any, NDArray[np.int8]],
    test: tuple[Any, NDArray[np.int8]],
    names: list[str],
) -> tuple[float, float]:
    """Seconds per iteration, and mean log loss per label on the other sample."""
    categories = names if way.native else None
    booster = CatBoostClassifier(
        loss_function="MultiLogloss",
        iterations=ITERATIONS,
        depth=5,
        learning_rate=0.3,
        random_seed=7,
        thread_count=os.cpu_count() or 1,
        allow_writing_files=False,
        verbose=False,
        **way.options,
    )
    pool = Pool(train[0], train[1], cat_features=categories)
    started = time.perf_counter()
    booster.fit(pool)
    seconds = (time.perf_counter() - started) / ITERATIONS
    chances = booster.predict(Pool(test[0], cat_features=categories), prediction_type="Probability")
    losses = [
        log_loss(test[1][:, label], chances[:, label], labels=[0, 1])
        for label in range(test[1].shape[1])
    ]
    return seconds, float(np.mean(losses))


def main() -> None:
    """Print a Markdown table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    dataset = Dataset.open(params.load("schema", Schema))
    sample, holdings = dataset.sample(2 * rows, 7)
    shuffled = np.random.default_rng(7).permutation(len(sample))
    half = len(sample) // 2
    learn, test = np.sort(shuffled[:half]), np.sort(shuffled[half:])
    varied = holdings[learn].any(axis=0) & holdings[test].any(axis=0)
    labels = holdings[:, varied].astype(np.int8)
    encoder = Encoder.fit(sample.profile)
    print(f"{half:,} rows, {varied.sum()} labels, {ITERATIONS} iterations of depth 5\n")
    print("| categories | s per iteration | times faster | log loss on other rows |")
    print("| --- | --: | --: | --: |")
    slowest = None
    for way in WAYS:
        encoded = matrix(sample.profile, encoder, native=way.native)
        take = encoded.iloc if way.native else encoded
        seconds, loss = measure(
            way,
            (take[learn], labels[learn]),
            (take[test], labels[test]),
            list(encoder.categories),
        )
        slowest = slowest or seconds
        print(f"| {way.title} | {seconds:.3f} | {slowest / seconds:.1f} | {loss:.5f} |", flush=True)


if __name__ == "__main__":
    main()

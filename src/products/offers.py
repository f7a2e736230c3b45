"""Lists of products to offer, held ones left out."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from src.models.customers import Customers, Model, Scores
from src.products.dataset import Dataset
from src.ranking import top_k
from src.reporting import write_parquet

LIST_LENGTH = 7  # as in MAP@7
_AT_ONCE = 50_000


def batches(customers: Customers, title: str) -> Iterator[Customers]:
    """Cut customers into batches whose features fit in memory; a bar on a terminal."""
    starts = range(0, len(customers), _AT_ONCE)
    for start in tqdm(starts, desc=title, unit="batch", disable=None):
        yield customers.of(slice(start, start + _AT_ONCE))


def write_recommendations(path: str, model: Model, dataset: Dataset) -> None:
    """Write a model's lists for every customer, as known before the test month."""
    customers = dataset.customers(dataset.window("test")[0])
    parts = [
        recommendations(batch, model.score(batch), dataset.products, LIST_LENGTH)
        for batch in batches(customers, "offline lists")
    ]
    write_parquet(path, pa.concat_tables(parts))


def recommendations(customers: Customers, scores: Scores, products: list[str], k: int) -> pa.Table:
    """Top-k lists as rows, held products left out.

    Returns
    -------
    pa.Table
        customer, rank (1 is best), product, score; by customer and rank.
    """
    ranking = top_k(scores, min(k, len(products)), customers.history.holdings())
    rows, ranks = np.nonzero(ranking >= 0)
    items: NDArray[np.int16] = ranking[rows, ranks]
    return pa.table(
        {
            "customer": customers.history.customers[rows],
            "rank": (ranks + 1).astype(np.int8),
            "product": pa.DictionaryArray.from_arrays(pa.array(items), products),
            "score": scores[rows, items],
        }
    )

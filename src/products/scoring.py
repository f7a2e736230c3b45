"""One path from customers to scores: blend, evaluate, recommend and the service take it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from src.models.als import Als
from src.models.customers import Customers, Model, Scores
from src.models.interleave import interleave
from src.models.kmeans import KMeans
from src.models.mlc import Mlc
from src.models.popularity import Popularity
from src.models.ranker import Ranker
from src.products.dataset import Dataset
from src.ranking import top_k
from src.reporting import write_parquet

# A base model is one line here: its name in params.yaml and in the metrics, its class, its file.
# The order is the one in which interleaving takes turns.
BASE_MODELS: dict[str, tuple[type[Model], str]] = {
    "mlc": (Mlc, "mlc.cbm"),
    "kmeans": (KMeans, "kmeans.npz"),
    "als": (Als, "als.npz"),
}
LIST_LENGTH = 7  # of a recommendation, as in MAP@7
_AT_ONCE = 50_000


@dataclass(frozen=True)
class Models:
    """All models of one folder."""

    popularity: Popularity
    base: dict[str, Model]
    ranker: Ranker

    @classmethod
    def load(cls, folder: str | Path) -> "Models":
        """Read the folder that the train stages and blend, or recommend, wrote."""
        return cls(
            Popularity.load(Path(folder) / "popularity.npz"),
            load_base(folder),
            Ranker.load(Path(folder) / "ranker.cbm"),
        )

    def save(self, folder: str | Path) -> None:
        """Write every model into a folder."""
        self.popularity.save(Path(folder) / "popularity.npz")
        for name, (_, file) in BASE_MODELS.items():
            self.base[name].save(Path(folder) / file)
        self.ranker.save(Path(folder) / "ranker.cbm")

    def score(self, customers: Customers) -> dict[str, Scores]:
        """Scores of every model by name; float32, (customers, products)."""
        base = {name: model.score(customers) for name, model in self.base.items()}
        return {
            "popularity": self.popularity.score(customers),
            **base,
            "interleave": interleave(list(base.values())),
            "blend": self.ranker.score(customers, base),
        }


def load_base(folder: str | Path) -> dict[str, Model]:
    """Read the base models."""
    return {
        name: model.load(Path(folder) / file) for name, (model, file) in BASE_MODELS.items()
    }


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


def recommendations(
    customers: Customers, scores: Scores, products: list[str], k: int
) -> pa.Table:
    """Top-k lists as rows, held products left out.

    Returns
    -------
    pa.Table
        customer, rank (1 is best), product, score; by customer and rank.
    """
    ranking = top_k(scores, k, customers.history.holdings())
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

"""One path from customers to scores: blend, evaluate, recommend and the service take it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src.models.als import Als
from src.models.customers import Customers, Model, Scores
from src.models.interleave import interleave
from src.models.kmeans import KMeans
from src.models.mlc import Mlc
from src.models.popularity import Popularity
from src.models.ranker import Ranker, RankerSettings
from src.products.dataset import Dataset

# A base model is one line here: its name in params.yaml and in the metrics, its class, its file.
# The order is the one in which interleaving takes turns.
BASE_MODELS: dict[str, tuple[type[Model], str]] = {
    "mlc": (Mlc, "mlc.cbm"),
    "kmeans": (KMeans, "kmeans.npz"),
    "als": (Als, "als.npz"),
}


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
    return {name: model.load(Path(folder) / file) for name, (model, file) in BASE_MODELS.items()}


def fit_popularity(dataset: Dataset) -> Popularity:
    """Count the additions of all base and blend months."""
    months = [*dataset.window("base"), *dataset.window("blend")]
    return Popularity.fit(np.sum([dataset.additions(ago).sum(axis=0) for ago in months], axis=0))


def adders(dataset: Dataset) -> tuple[Customers, NDArray[np.bool_], NDArray[np.intp]]:
    """Adders of the blend months, each as known one month earlier.

    Returns
    -------
    Customers
        By month and customer.
    bool array, shape (adders, products)
        What they added.
    int array, shape (adders,)
        Months from the one they added in to the last blend month.
    """
    months = dataset.window("blend")
    parts, additions = [], []
    for ago in months:
        added = dataset.additions(ago)
        adds = np.asarray(added.any(axis=1))
        parts.append(dataset.customers(ago, adds))
        additions.append(added[adds])
    ages = np.repeat(np.array(months) - min(months), [len(part) for part in parts])
    return Customers.stack(parts), np.concatenate(additions), ages


def fit_ranker(dataset: Dataset, base_models: dict[str, Model], settings: RankerSettings) -> Ranker:
    """Learn from the adders of the blend months, at most `settings.rows` of them."""
    customers, additions, ages = adders(dataset)
    generator = np.random.default_rng(settings.seed)
    rows = min(settings.rows, len(customers))
    drawn = np.sort(generator.choice(len(customers), size=rows, replace=False))
    customers = customers.of(drawn)
    return Ranker.fit(
        customers,
        {name: base_models[name].score(customers) for name in settings.models},
        additions[drawn],
        settings.month_decay ** ages[drawn].astype(np.float64),
        dataset.products,
        settings,
    )

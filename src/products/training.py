"""How each model learns from a dataset; the train stages and recommend call the same functions."""

import numpy as np

from src.models.als import Als, AlsSettings
from src.models.customers import Customers, Model, Scores
from src.models.kmeans import KMeans, KMeansSettings
from src.models.mlc import Mlc, MlcSettings
from src.models.popularity import Popularity
from src.models.ranker import Ranker, RankerSettings
from src.products.dataset import Dataset


def fit_als(dataset: Dataset, settings: AlsSettings) -> Als:
    """Factorise the usage shares at the end of the base window."""
    last = min(dataset.window("base"))
    history = dataset.history.before(last - 1).recent(dataset.depth)
    return Als.fit(history.of(history.present != 0).usage_share(), settings)


def fit_kmeans(dataset: Dataset, settings: KMeansSettings) -> KMeans:
    """Cluster a sample of the base window's customer-months."""
    customers, holdings = dataset.sample(dataset.window("base"), settings.rows, settings.seed)
    return KMeans.fit(customers, holdings, settings)


def fit_mlc(dataset: Dataset, settings: MlcSettings) -> Mlc:
    """Classify a sample of the base window's customer-months."""
    customers, holdings = dataset.sample(dataset.window("base"), settings.rows, settings.seed)
    return Mlc.fit(customers, holdings, settings)


def fit_popularity(dataset: Dataset) -> Popularity:
    """Count the additions of all base and blend months."""
    months = [*dataset.window("base"), *dataset.window("blend")]
    counts = sum(dataset.additions(ago).sum(axis=0) for ago in months)
    return Popularity.fit(np.asarray(counts))


def fit_ranker(
    dataset: Dataset, base_models: dict[str, Model], settings: RankerSettings
) -> Ranker:
    """Learn from the adders of the blend months, each as known one month earlier."""
    months = dataset.window("blend")
    batches, additions, weights = [], [], []
    for ago in months:
        added = dataset.additions(ago)
        adds = added.any(axis=1)
        batches.append(dataset.customers(ago, adds))
        additions.append(added[adds])
        weights.append(np.full(adds.sum(), settings.month_decay ** (ago - min(months))))
    adders = Customers.stack(batches)
    scores: dict[str, Scores] = {
        name: base_models[name].score(adders) for name in settings.models
    }
    return Ranker.fit(
        adders,
        scores,
        np.concatenate(additions),
        np.concatenate(weights),
        dataset.products,
        settings,
    )

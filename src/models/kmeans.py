"""K-means: customers grouped by their profile; a product scores by its owners in the cluster."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from threadpoolctl import threadpool_limits

from src.evaluation.holdings import ndcg_by_cluster
from src.models.contract import Curve, FirstStage, Phrase, Scores
from src.models.customers import Customers
from src.models.encoding import Encoder, counted
from src.models.shuffled import Bucket, dealt
from src.params import Section
from src.reporting import write_arrays

AT_ONCE = 500_000  # rows of a sample in memory, 0.6 kB each
_ROWS_AT_ONCE = 65_536


class KMeansSettings(Section):
    """Hyperparameters.

    `rows` bounds the training sample (customer-months); above `minibatch_above` of them the
    centers are learnt from batches. Categories rarer than `min_frequency` have no indicator; the
    `log_columns`, as far as the profile has them, are taken by their logarithm.
    """

    clusters: int = Field(ge=2, le=10_000)
    epochs: int = Field(ge=1)
    rows: int = Field(ge=100)
    minibatch_above: int = Field(ge=0)
    batch: int = Field(ge=10)
    min_frequency: float = Field(gt=0, lt=1)
    log_columns: list[str]
    seed: int = Field(ge=0)


@dataclass(frozen=True)
class KMeans:
    """Cluster centers of standardised profiles, and what their members hold.

    Attributes
    ----------
    encoder : Encoder
        Categories and column order.
    widths : tuple of int
        Number of indicator columns of each category.
    log_columns : tuple of str
        Numbers that are taken by their logarithm.
    mean, scale : float32 arrays, shape (columns,)
        Standardisation of the numeric and indicator columns.
    cluster_centers : float32 array, shape (clusters, columns)
    holdings : float32 array, shape (clusters, items)
        Share of each cluster's customer-months in which the item is held.
    inertia : tuple of float
        Mean squared distance to the nearest center after each epoch (the training curve).
    """

    encoder: Encoder
    widths: tuple[int, ...]
    log_columns: tuple[str, ...]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    cluster_centers: NDArray[np.float32]
    holdings: NDArray[np.float32]
    inertia: tuple[float, ...]

    @classmethod
    def fit(
        cls, customers: Customers, holdings: NDArray[np.bool_], settings: KMeansSettings
    ) -> "KMeans":
        """Cluster profiles; `holdings` is bool, (customers, items), of the same month."""
        return cls.learn(len(customers), [(customers, holdings)], settings)

    @classmethod
    def learn(
        cls,
        rows: int,
        parts: Iterable[tuple[Customers, NDArray[np.bool_]]],
        settings: KMeansSettings,
    ) -> "KMeans":
        """Cluster `rows` profiles, which come in parts; memory holds a part of them at a time."""
        # Seconds to import, and only needed to learn: the service starts without. Here, because
        # only libraries that are loaded already are held to one thread below.
        import sklearn.cluster  # noqa: F401

        counts: dict[str, Counter[str]] = {}
        seen = Encoder((), {})

        def encoded() -> Iterator[tuple[NDArray[np.float32], NDArray[np.bool_]]]:
            nonlocal seen
            for customers, holdings in parts:
                numeric, found = counted(customers.profile)
                for name, own in found.items():
                    counts.setdefault(name, Counter()).update(own)
                # Codes in the order of appearance, as their ranks are known at the end only.
                appeared = {name: tuple(own) for name, own in counts.items()}
                seen = Encoder(tuple(numeric), appeared)
                yield seen.transform(customers.profile), holdings

        with dealt(encoded(), max(-(-rows // AT_ONCE), 1), settings.seed) as buckets:
            return cls._of(buckets, seen, counts, settings)

    @classmethod
    def _of(
        cls,
        buckets: list[Bucket],
        seen: Encoder,
        counts: dict[str, Counter[str]],
        settings: KMeansSettings,
    ) -> "KMeans":
        """Learn from encoded profiles on disk."""
        size = sum(bucket.size for bucket in buckets)
        encoder = Encoder.of(seen.numeric, counts)
        widths = tuple(
            sum(counts[name][value] / size >= settings.min_frequency for value in values)
            for name, values in encoder.categories.items()
        )
        logs = tuple(name for name in encoder.numeric if name in settings.log_columns)
        ranks = [
            np.array([*(own.index(value) for value in seen.categories[name]), -1], np.float32)
            for name, own in encoder.categories.items()
        ]

        def points(bucket: Bucket) -> NDArray[np.float32]:
            rows = bucket.rows()
            for column, places in enumerate(ranks, start=len(encoder.numeric)):
                rows[:, column] = places[rows[:, column].astype(np.intp)]
            return _indicators(encoder, widths, logs, rows)

        last = lru_cache(maxsize=1)(points)  # where there is one bucket, it is read once
        exact = sum(last(own).sum(axis=0, dtype=np.float64) for own in buckets) / size
        squares = sum(((last(own) - exact) ** 2).sum(axis=0) for own in buckets)
        last.cache_clear()
        mean, deviation = exact.astype(np.float32), np.sqrt(squares / size).astype(np.float32)
        scale = np.where(deviation > 0, deviation, np.float32(1))

        @lru_cache(maxsize=1)
        def standardised(bucket: Bucket) -> NDArray[np.float32]:
            return np.asarray((points(bucket) - mean) / scale)

        # One thread: with several, sums are added up in whatever order the threads finish.
        with threadpool_limits(limits=1):
            cluster_centers, inertia = _learn(buckets, standardised, settings)
            sizes = np.zeros(len(cluster_centers), dtype=np.int64)
            held = np.zeros((buckets[0].items, len(sizes)))
            for bucket in buckets:
                labels = _nearest(standardised(bucket), cluster_centers)
                sizes += np.bincount(labels, minlength=len(sizes))
                for item, own in enumerate(bucket.holdings().T):
                    held[item] += np.bincount(labels, weights=own, minlength=len(sizes))
        prior = held.sum(axis=1) / size
        table = (held.T + prior) / (sizes + 1)[:, None]  # an empty cluster has what all hold
        shares = table.astype(np.float32)
        return cls(encoder, widths, logs, mean, scale, cluster_centers, shares, inertia)

    def clusters(self, customers: Customers) -> NDArray[np.int32]:
        """Nearest center of each customer, shape (customers,)."""
        nearest = np.empty(len(customers), dtype=np.int32)
        for start in range(0, len(customers), _ROWS_AT_ONCE):
            rows = slice(start, start + _ROWS_AT_ONCE)
            encoded = self.encoder.transform(customers.profile.iloc[rows])
            points = _indicators(self.encoder, self.widths, self.log_columns, encoded)
            points = (points - self.mean) / self.scale
            nearest[rows] = _nearest(points, self.cluster_centers)
        return nearest

    def score(self, customers: Customers) -> Scores:
        """Score every item for every customer; see `Model`."""
        return self.holdings[self.clusters(customers)]

    def save(self, path: str | Path) -> None:
        """Write .npz."""
        write_arrays(
            path,
            encoder=self.encoder.to_json(),
            widths=self.widths,
            log_columns=np.array(self.log_columns, dtype=np.str_),
            mean=self.mean,
            scale=self.scale,
            cluster_centers=self.cluster_centers,
            holdings=self.holdings,
            inertia=self.inertia,
        )

    @classmethod
    def load(cls, path: str | Path) -> "KMeans":
        """Read .npz."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                Encoder.from_json(str(arrays["encoder"])),
                tuple(int(width) for width in arrays["widths"]),
                tuple(str(name) for name in arrays["log_columns"]),
                arrays["mean"],
                arrays["scale"],
                arrays["cluster_centers"],
                arrays["holdings"],
                tuple(float(value) for value in arrays["inertia"]),
            )


def _indicators(
    encoder: Encoder,
    widths: tuple[int, ...],
    log_columns: tuple[str, ...],
    encoded: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Numbers, some by their logarithm, and one indicator per frequent category."""
    numbers = len(encoder.numeric)
    points = np.empty((len(encoded), numbers + sum(widths)), dtype=np.float32)
    for index, name in enumerate(encoder.numeric):
        values = encoded[:, index]
        points[:, index] = np.log1p(np.maximum(values, 0)) if name in log_columns else values
    start = numbers
    for index, width in enumerate(widths, start=numbers):
        points[:, start : start + width] = encoded[:, index, None] == np.arange(width)
        start += width
    return points


def _learn(
    buckets: list[Bucket],
    points: Callable[[Bucket], NDArray[np.float32]],
    settings: KMeansSettings,
) -> tuple[NDArray[np.float32], tuple[float, ...]]:
    """Cluster centers, and the mean squared distance after each epoch."""
    if not points(buckets[0]).shape[1]:  # nothing is known of anybody: all are one cluster
        return np.zeros((1, 0), dtype=np.float32), (0.0,) * settings.epochs
    from sklearn.cluster import KMeans as ScikitKMeans
    from sklearn.cluster import MiniBatchKMeans

    size = sum(bucket.size for bucket in buckets)
    clusters = min(settings.clusters, size)
    inertia: list[float] = []
    if size <= settings.minibatch_above:
        cluster_centers: str | NDArray[np.float32] = "k-means++"
        everything = np.concatenate([points(bucket) for bucket in buckets])
        for _ in range(settings.epochs):  # one at a time: scikit-learn keeps no curve
            model = ScikitKMeans(
                clusters, init=cluster_centers, n_init=1, max_iter=1, random_state=settings.seed
            ).fit(everything)
            cluster_centers = model.cluster_centers_.astype(np.float32)
            inertia.append(model.inertia_ / size)
        return np.asarray(cluster_centers), tuple(inertia)
    generator = np.random.default_rng(settings.seed)
    batch = max(settings.batch, clusters)  # the first one is where the centers begin
    batches = MiniBatchKMeans(clusters, n_init=3, random_state=settings.seed)
    for _ in range(settings.epochs):
        for bucket in buckets:
            order = generator.permutation(bucket.size)
            for start in range(0, len(order), batch):
                batches.partial_fit(points(bucket)[order[start : start + batch]])
        distances = sum(-batches.score(points(bucket)) for bucket in buckets)
        inertia.append(float(distances / size))
    return batches.cluster_centers_.astype(np.float32), tuple(inertia)


def _nearest(
    points: NDArray[np.float32], cluster_centers: NDArray[np.float32]
) -> NDArray[np.int32]:
    """Index of the nearest center; the term that all centers share is left out."""
    offset = (cluster_centers * cluster_centers).sum(axis=1)
    nearest = np.empty(len(points), dtype=np.int32)
    for start in range(0, len(points), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        nearest[rows] = np.argmin(offset - 2 * (points[rows] @ cluster_centers.T), axis=1)
    return nearest


FIRST_STAGE = FirstStage(
    name="kmeans",
    turn=2,
    model=KMeans,
    settings=KMeansSettings,
    file="kmeans.npz",
    offline_lists="kmeans_clusters_recs.parquet",
    fit=lambda data, settings: KMeans.learn(
        *data.samples(settings.rows, settings.seed, AT_ONCE), settings
    ),
    looks_at=frozenset({"profile"}),
    title=Phrase("customer’s cluster", "кластер клиента"),
    score_means=Phrase("share that holds it", "доля имеющих продукт"),
    fallback="what the customer's cluster holds",
    phrase=Phrase("{p} of similar customers hold {t}", "{p} похожих клиентов имеют «{t}»"),
    metrics=lambda model, customers, _scores, held: ndcg_by_cluster(
        model.clusters(customers), model.holdings, held
    ),
    curve=Curve("epoch", "inertia", "inertia"),
)

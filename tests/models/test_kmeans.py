from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.cluster import KMeans as ScikitKMeans

from src.models import kmeans
from src.models.customers import Customers
from src.models.kmeans import KMeans, KMeansSettings
from tests.histories import strangers

pytestmark = pytest.mark.usefixtures("workspace")


def settings(**changes: object) -> KMeansSettings:
    usual = {
        "clusters": 2,
        "epochs": 5,
        "rows": 100,
        "minibatch_above": 1000,
        "batch": 10,
        "min_frequency": 0.01,
        "log_columns": ["tenure", "income"],
        "seed": 7,
    }
    return KMeansSettings.model_validate(usual | changes)


def customers(**columns: object) -> Customers:
    profile = pd.DataFrame(columns)
    return Customers(profile, strangers(len(profile)))


# Two ages, three young customers and four old ones; two products.
AGES = customers(age=[20.0, 21.0, 22.0, 60.0, 61.0, 62.0, 63.0])
HOLDINGS = np.array([[1, 0], [1, 0], [0, 0], [0, 1], [1, 1], [0, 1], [0, 1]], dtype=bool)


def blobs(size: int) -> tuple[Customers, NDArray[np.bool_]]:
    """Overlapping groups, so that Lloyd needs some epochs."""
    generator = np.random.default_rng(3)
    group = np.arange(size) % 4
    return (
        customers(
            age=generator.normal(20 + 12 * group, 6), tenure=generator.gamma(2, 10 + 5 * group)
        ),
        generator.random((size, 3)) < (0.1 + 0.2 * group)[:, None],
    )


@pytest.mark.parametrize("minibatch_above", [1000, 0], ids=["lloyd", "minibatch"])
def test_a_cluster_likes_what_its_members_hold(minibatch_above: int) -> None:
    model = KMeans.fit(AGES, HOLDINGS, settings(minibatch_above=minibatch_above))
    young, *_, old = model.clusters(AGES)
    assert model.clusters(AGES).tolist() == [young] * 3 + [old] * 4
    # one customer-month of prior, the shares of all: 3/7 and 4/7
    assert model.holdings[young] == pytest.approx([(2 + 3 / 7) / (3 + 1), (0 + 4 / 7) / (3 + 1)])
    assert model.holdings[old] == pytest.approx([(1 + 3 / 7) / (4 + 1), (4 + 4 / 7) / (4 + 1)])
    others = customers(age=[19.0, 70.0])
    assert model.score(others).tolist() == model.holdings[[young, old]].tolist()


def test_an_empty_cluster_likes_what_all_like(monkeypatch: pytest.MonkeyPatch) -> None:
    far = np.array([[-1.0], [1.0], [99.0]], dtype=np.float32)
    monkeypatch.setattr(kmeans, "_learn", lambda *_: (far, (0.5,)))
    model = KMeans.fit(AGES, HOLDINGS, settings(clusters=3))
    assert model.clusters(AGES).tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert model.holdings[2] == pytest.approx([3 / 7, 4 / 7])


def test_columns_are_standardised_and_some_are_logarithms() -> None:
    one = customers(
        age=[20.0, 40.0], income=[0.0, np.e - 1], tenure=[-5.0, np.e**2 - 1], same=[1.0, 1.0]
    )
    chosen = ["tenure", "income", "a column of another bank"]
    model = KMeans.fit(one, np.array([[True], [False]]), settings(log_columns=chosen))
    assert model.log_columns == ("income", "tenure")
    assert model.mean == pytest.approx([(20 + 40) / 2, (0 + 1) / 2, (0 + 2) / 2, 1])
    assert model.scale == pytest.approx([10, 1 / 2, 1, 1])  # a constant column is not divided by 0


def test_logarithms_are_those_of_the_file(tmp_path: Path) -> None:
    one = customers(age=[20.0, 40.0], income=[0.0, np.e - 1])
    fitted = KMeans.fit(one, np.array([[True], [False]]), settings(log_columns=["age"]))
    fitted.save(tmp_path / "kmeans.npz")
    assert KMeans.load(tmp_path / "kmeans.npz").log_columns == ("age",)


def test_only_frequent_categories_have_an_indicator() -> None:
    one = customers(
        segment=pd.Categorical([*"aaaaaaabbc"]), sex=pd.Categorical([*"VVVVVHHHHH"], [*"HVX"])
    )
    model = KMeans.fit(one, np.ones((10, 1), dtype=bool), settings(min_frequency=0.2))
    assert model.widths == (2, 2)
    assert model.mean == pytest.approx([7 / 10, 2 / 10, 5 / 10, 5 / 10])  # a, b; H, V
    rare = customers(segment=pd.Categorical(["c", "new"]), sex=pd.Categorical(["V", "V"]))
    encoded = model.encoder.transform(rare.profile)
    indicators = kmeans._indicators(model.encoder, model.widths, (), encoded)
    assert indicators.tolist() == [[0, 0, 0, 1]] * 2


def test_lloyd_is_scikit_learns() -> None:
    people, holdings = blobs(200)
    model = KMeans.fit(people, holdings, settings(clusters=4, epochs=50))
    points = np.column_stack([people.profile["age"], np.log1p(people.profile["tenure"])])
    points = ((points - points.mean(axis=0)) / points.std(axis=0)).astype(np.float32)
    twin = ScikitKMeans(4, n_init=1, max_iter=50, random_state=7).fit(points)
    assert np.sort(model.cluster_centers, axis=0) == pytest.approx(
        np.sort(twin.cluster_centers_, axis=0), abs=1e-2
    )
    assert model.inertia[-1] == pytest.approx(twin.inertia_ / 200, rel=1e-3)


def test_the_curve_of_lloyd_tells_every_epoch_and_never_rises() -> None:
    model = KMeans.fit(*blobs(200), settings(clusters=4, epochs=6))
    assert len(model.inertia) == 6
    assert all(later <= earlier * (1 + 1e-6) for earlier, later in pairwise(model.inertia))
    assert model.inertia[-1] < model.inertia[0]


@pytest.mark.parametrize("minibatch_above", [1000, 0], ids=["lloyd", "minibatch"])
def test_the_last_of_the_curve_is_the_model(minibatch_above: int) -> None:
    people, holdings = blobs(150)
    model = KMeans.fit(people, holdings, settings(minibatch_above=minibatch_above, epochs=3))
    assert len(model.inertia) == 3
    points = np.column_stack([people.profile["age"], np.log1p(people.profile["tenure"])])
    points = (points - model.mean) / model.scale
    distance = ((points[:, None] - model.cluster_centers) ** 2).sum(axis=2)
    assert model.inertia[-1] == pytest.approx(distance.min(axis=1).mean(), rel=1e-4)
    assert model.clusters(people).tolist() == distance.argmin(axis=1).tolist()


def test_more_clusters_than_a_batch_holds() -> None:
    model = KMeans.fit(*blobs(60), settings(clusters=12, minibatch_above=0, batch=10))
    assert model.cluster_centers.shape == (12, 2)


@pytest.mark.parametrize("minibatch_above", [1000, 0], ids=["lloyd", "minibatch"])
def test_no_more_clusters_than_customers(minibatch_above: int) -> None:
    model = KMeans.fit(AGES, HOLDINGS, settings(clusters=50, minibatch_above=minibatch_above))
    assert model.cluster_centers.shape == (7, 1)


def test_blocks_of_customers_find_their_own_centers(monkeypatch: pytest.MonkeyPatch) -> None:
    model = KMeans.fit(AGES, HOLDINGS, settings())
    whole = model.clusters(AGES).tolist()
    monkeypatch.setattr(kmeans, "_ROWS_AT_ONCE", 2)
    assert model.clusters(AGES).tolist() == whole


# more than memory holds


Part = tuple[Customers, NDArray[np.bool_]]


def halves(people: Customers, holdings: NDArray[np.bool_]) -> list[Part]:
    """The same customers in two parts."""
    middle = len(people) // 2
    return [
        (people.of(rows), holdings[rows]) for rows in (slice(None, middle), slice(middle, None))
    ]


def test_parts_are_counted_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A category that only the second part has, and one that is frequent only there."""
    monkeypatch.setattr(kmeans, "AT_ONCE", 3)
    people = customers(
        age=[20.0, 21.0, 22.0, 60.0, 61.0, 62.0, 63.0],
        segment=pd.Categorical(["a", "a", "b", "c", "c", "c", "b"]),
    )
    parts = [(people.of(slice(0, 3)), HOLDINGS[:3]), (people.of(slice(3, 7)), HOLDINGS[3:])]
    model = KMeans.learn(7, parts, settings(min_frequency=0.25))
    assert model.encoder.categories == {"segment": ("c", "a", "b")}  # 3, then 2 and 2 by name
    assert model.widths == (3,)
    assert model.mean == pytest.approx([309 / 7, 3 / 7, 2 / 7, 2 / 7])
    assert model.scale[1:] == pytest.approx(np.sqrt([3 / 7 * 4 / 7, 2 / 7 * 5 / 7, 2 / 7 * 5 / 7]))
    young, *_, old = model.clusters(people)
    assert model.clusters(people).tolist() == [young] * 3 + [old] * 4
    assert model.holdings[young] == pytest.approx([(2 + 3 / 7) / (3 + 1), (0 + 4 / 7) / (3 + 1)])
    assert model.holdings[old] == pytest.approx([(1 + 3 / 7) / (4 + 1), (4 + 4 / 7) / (4 + 1)])


@pytest.mark.parametrize("minibatch_above", [1000, 0], ids=["lloyd", "minibatch"])
def test_parts_of_one_bucket_are_the_whole_to_the_bit(minibatch_above: int, tmp_path: Path) -> None:
    people, holdings = blobs(200)
    own = settings(minibatch_above=minibatch_above)
    KMeans.fit(people, holdings, own).save(tmp_path / "whole.npz")
    KMeans.learn(200, halves(people, holdings), own).save(tmp_path / "parts.npz")
    assert (tmp_path / "parts.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()


def test_lloyd_finds_the_same_centers_in_several_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    people, holdings = blobs(200)
    whole = KMeans.fit(people, holdings, settings(clusters=4, epochs=50))
    monkeypatch.setattr(kmeans, "AT_ONCE", 40)
    parts = KMeans.learn(200, halves(people, holdings), settings(clusters=4, epochs=50))
    assert parts.mean.tolist() == whole.mean.tolist()
    assert parts.scale.tolist() == whole.scale.tolist()
    assert parts.inertia[-1] == pytest.approx(whole.inertia[-1], rel=0.02)


def test_batches_of_several_buckets_are_as_good(monkeypatch: pytest.MonkeyPatch) -> None:
    people, holdings = blobs(2000)
    own = settings(clusters=4, minibatch_above=0, batch=50)
    whole = KMeans.fit(people, holdings, own)
    monkeypatch.setattr(kmeans, "AT_ONCE", 300)
    parts, again = (KMeans.learn(2000, halves(people, holdings), own) for _ in range(2))
    assert parts.inertia == again.inertia
    assert parts.inertia != whole.inertia
    assert parts.inertia[-1] < 1.1 * whole.inertia[-1]
    assert parts.holdings.mean() == pytest.approx(whole.holdings.mean(), abs=0.05)

import math
from typing import cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from src.models.contract import Model
from src.models.customers import Customers
from src.models.encoding import Encoder
from src.models.history import History
from src.models.kmeans import KMeans
from src.models.popularity import Popularity
from src.models.ranker import Ranker
from src.products import evaluate, measures, offers
from src.products.schema import Schema
from src.products.scoring import Models

# Five customers, three products; 0, 1 and 4 add something.
ADDITIONS = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]], dtype=bool)
LISTS = {
    "good": np.array([[0, 2, 1], [1, 0, 2], [0, 1, 2], [0, 1, 2], [2, -1, -1]], dtype=np.int16),
    "poor": np.array([[0, 1, 2], [0, 2, 1], [0, 1, 2], [0, 1, 2], [0, 1, -1]], dtype=np.int16),
}
POOR = [1 / 2 * (1 / 1 + 2 / 3), 1 / 3, 0.0]  # AP of the three adders


def customers(**columns: object) -> Customers:
    profile = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0, 60.0], **columns})
    nothing = np.zeros(5, dtype=np.int64)
    return Customers(
        profile, History(np.arange(5), nothing, nothing, np.zeros((5, 3), dtype=np.int64))
    )


def test_compare_by_hand() -> None:
    table = measures.compare(
        LISTS, ADDITIONS, measures.precisions(LISTS, ADDITIONS), resamples=200, seed=7
    )
    assert list(table) == ["good", "poor"]
    poor = table["poor"]
    assert list(poor) == [
        "map@7",
        "map@7_lo",
        "map@7_hi",
        "map@7_adders",
        "map@7_adders_lo",
        "map@7_adders_hi",
        "recall@7_adders",
        "hit_rate@3_adders",
        "coverage@7",
    ]
    assert poor["map@7"] == pytest.approx(sum(POOR) / 5)
    assert poor["map@7_adders"] == pytest.approx(sum(POOR) / 3)
    assert poor["map@7_lo"] < poor["map@7"] < poor["map@7_hi"]
    assert poor["map@7_adders_lo"] < poor["map@7_adders"] < poor["map@7_adders_hi"]
    assert poor["recall@7_adders"] == pytest.approx((2 / 2 + 1 / 1 + 0 / 1) / 3)
    assert poor["hit_rate@3_adders"] == pytest.approx(2 / 3)
    assert poor["coverage@7"] == 3 / 3
    good = table["good"]
    assert good["map@7"] == pytest.approx(3 / 5)
    adders = ("map@7_adders", "map@7_adders_lo", "map@7_adders_hi", "recall@7_adders")
    assert {good[name] for name in adders} == {1.0}


def test_slices_by_hand() -> None:
    segment = pd.Categorical([*"baabc"], categories=[*"cbad"])
    new = pd.Categorical([*"10001"])
    slices = measures.slices_of(customers(segment=segment, new_customer=new))
    table = measures.by_slice(slices, {"poor": LISTS["poor"]}, ADDITIONS)
    first, second, last = POOR
    assert table == {
        "cold_start": {
            "customers": 2,
            "adders": 2,
            "poor": {
                "map@7": pytest.approx((first + last) / 2),
                "map@7_adders": pytest.approx((first + last) / 2),
            },
        },
        "segment a": {
            "customers": 2,
            "adders": 1,
            "poor": {
                "map@7": pytest.approx((second + 0) / 2),
                "map@7_adders": pytest.approx(second),
            },
        },
        "segment b": {
            "customers": 2,
            "adders": 1,
            "poor": {
                "map@7": pytest.approx((first + 0) / 2),
                "map@7_adders": pytest.approx(first),
            },
        },
        "segment c": {"customers": 1, "adders": 1, "poor": {"map@7": 0.0, "map@7_adders": 0.0}},
        "segment d": {"customers": 0, "adders": 0},
    }
    assert list(table) == ["cold_start", "segment a", "segment b", "segment c", "segment d"]


def test_slices_need_their_columns() -> None:
    assert measures.slices_of(customers()) == {}


def test_adder_table_by_hand() -> None:
    people = customers(
        segment=pd.Categorical([*"baabc"], categories=[*"cbad"]),
        new_customer=pd.Categorical([*"10001"]),
    )
    adders = people.of(np.flatnonzero(ADDITIONS.any(axis=1)))
    table = measures.adder_table(adders, measures.precisions(LISTS, ADDITIONS))
    assert table.to_pydict() == {
        "customer": [0, 1, 4],
        "good": [1.0, 1.0, 1.0],
        "poor": pytest.approx(POOR),
        "cold_start": [True, False, True],
        "segment a": [False, True, False],
        "segment b": [True, False, False],
        "segment c": [False, False, True],
        "segment d": [False, False, False],
    }
    assert table.schema.types == [pa.int64(), *[pa.float64()] * 2, *[pa.bool_()] * 5]


def test_map_at_k_by_hand() -> None:
    table = measures.map_at_k({"poor": LISTS["poor"]}, ADDITIONS)
    at_1 = (1 / 1 * (1 / 1) + 0 + 0) / 3
    at_2 = (1 / 2 * (1 / 1) + 0 + 0) / 3
    assert table["k"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert set(table["model"]) == {"poor"}
    assert table["map"].tolist() == pytest.approx([at_1, at_2, *[sum(POOR) / 3] * 5])


def test_product_precision_by_hand(schema: Schema) -> None:
    held = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]], dtype=bool)
    scores = {
        "blend": np.array(
            [[0.9, 0, 0.4], [0.99, 0.9, 0.6], [1, 1, 1], [1, 1, 1], [0.95, 0.1, 0.5]], "f4"
        )
    }
    table = measures.product_precision(scores, held, ADDITIONS, schema)
    assert table.to_dict("records") == [
        # adders 0, 1, 4 are free; the best score is wrong, those of 4 and 0 are right
        {
            "product": "loan",
            "title": "Loan",
            "additions": 2,
            "share": pytest.approx(2 / 3),
            "blend": pytest.approx(1 / 2 * (1 / 2 + 2 / 3)),
        },
        # 1 holds the account; of 0 and 4 it is 0 who adds it, and 4 who scores higher
        {
            "product": "account",
            "title": "Account",
            "additions": 1,
            "share": pytest.approx(1 / 2),
            "blend": pytest.approx(1 / 2),
        },
        # 0 holds the card; of 1 and 4 it is 1 who adds it
        {
            "product": "card",
            "title": "Card",
            "additions": 1,
            "share": pytest.approx(1 / 2),
            "blend": pytest.approx(1 / 1),
        },
    ]


def test_products_that_nobody_added_are_left_out(schema: Schema) -> None:
    only_loans = ADDITIONS & [False, False, True]
    scores = {"blend": np.zeros((5, 3), dtype=np.float32)}
    table = measures.product_precision(scores, np.zeros((5, 3), dtype=bool), only_loans, schema)
    assert table["product"].tolist() == ["loan"]
    assert table["blend"].tolist() == [1.0]  # both adders add it


def test_reliability_by_hand() -> None:
    chances = np.array(
        [[0.55, 0.05, 0.4], [0.0, 1.0, 0.0], [0.3, 0.3, 0.4], [0.3, 0.3, 0.4], [0.15, 0.3, 0.55]],
        dtype=np.float32,
    )
    table = measures.reliability(chances, ADDITIONS)
    assert table.columns.tolist() == ["bin", "pairs", "predicted", "observed"]
    # adder 0 adds two products, each counts half; the two who add nothing do not count
    expected = [
        [0, 3, (0.05 + 0 + 0) / 3, 0],
        [1, 1, 0.15, 0],
        [3, 1, 0.3, 0],
        [4, 1, 0.4, 1 / 2],
        [5, 2, (0.55 + 0.55) / 2, (1 / 2 + 1) / 2],
        [9, 1, 1.0, 1],  # a certainty belongs to the last bin
    ]
    assert table.to_numpy() == pytest.approx(np.array(expected), abs=1e-6)


def two_clusters(holdings: list[list[float]]) -> Models:
    """Models of which only K-means is there: the young (about 25) and the old (about 55)."""
    kmeans = KMeans(
        Encoder(("age",), {}),
        (),
        np.zeros(1, dtype=np.float32),
        np.ones(1, dtype=np.float32),
        np.array([[25.0], [55.0]], dtype=np.float32),
        np.array(holdings, dtype=np.float32),
        (),
    )
    base: dict[str, Model] = {"kmeans": kmeans}
    return Models(Popularity(np.ones(1, dtype=np.float32)), base, cast(Ranker, None))


def test_holdings_measures_by_hand() -> None:
    # clusters: 20, 30 and 40 (as far from 25 as from 55, and the first wins); 50 and 60
    held = np.array(
        [[1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0], [1, 0, 1, 1], [0, 0, 0, 0]], dtype=bool
    )
    mlc = np.array(
        [
            [0.9, 0.1, 0.2, 0.1],
            [0.9, 0.3, 0.8, 0.7],  # first 0, then 2, then 3, which is not held
            [0.6, 0.2, 0.1, 0.0],
            [0.7, 0.1, 0.6, 0.65],
            [0.1, 0.4, 0.3, 0.2],
        ],
        dtype=np.float32,
    )
    als = np.zeros((5, 4), dtype=np.float32)  # ties: items 0, 1, 2
    models = two_clusters([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])
    one, two, three = (1 / math.log2(rank + 1) for rank in (1, 2, 3))
    ideal = one + two + three
    result = measures.holdings_measures(models, customers(), {"als": als, "mlc": mlc}, held)
    # means of the test: young 2/3, 1/3, 1/3, 0, ranked 3, 2, 1;
    # old 1/2, 0, 1/2, 1/2, ranked 0, 1, 2
    young = (0 * one + 1 / 3 * two + 1 / 3 * three) / (2 / 3 * one + 1 / 3 * two + 1 / 3 * three)
    old = (1 / 2 * one + 0 * two + 1 / 2 * three) / (1 / 2 * ideal)
    assert result["als"] == {"ndcg@3": pytest.approx((1 + (one + three) / ideal) / 2)}
    assert result["kmeans"] == {"ndcg@3": pytest.approx((young + old) / 2)}
    # item 0: labels 0, 1, 2, 3, held 0, 1, 3; item 1: none, held 1; item 2: 1, 3, held 1, 3;
    # item 3: 1, 3, held 3. F1 = 2 hits / (labels + held), weighted by the number held
    f1 = [2 * 3 / (4 + 3), 2 * 0 / (0 + 1), 2 * 2 / (2 + 2), 2 * 1 / (2 + 1)]
    # pairs of a holder and another in the right order: item 0: 3 x 2 of 6; item 1: 1 x 3 of 4
    # (0.3 loses to 0.4); item 2: 2 x 3 of 6; item 3: 0.65 against 0.1, 0.7, 0.0, 0.2: 3 of 4
    auc = [6 / 6, 3 / 4, 6 / 6, 3 / 4]
    # of labels, ties count half: item 0: each of 3 holders beats one of two others and ties with
    # one; item 1: all tie; item 3: 1 beats three and ties with one
    labels = [(3 * 1 + 3 * 1 / 2) / 6, 1 / 2, 6 / 6, (3 + 1 / 2) / 4]
    weights = [3, 1, 2, 1]

    def weighted(values: list[float]) -> float:
        return sum(w * value for w, value in zip(weights, values, strict=True)) / sum(weights)

    assert result["mlc"] == {
        "ndcg@3": pytest.approx(((one + two) / ideal + 1) / 2),
        "f1_weighted": pytest.approx(weighted(f1)),
        "roc_auc_weighted": pytest.approx(weighted(auc)),
        "roc_auc_weighted_of_labels": pytest.approx(weighted(labels)),
    }


def test_products_that_all_or_none_hold_do_not_count() -> None:
    held = np.array([[1, 0, 1, 0]] * 3 + [[1, 0, 0, 1]] * 2, dtype=bool)
    # wrong about the first two, right about the others
    scores = np.array([[0.1, 0.9, 0.8, 0.2]] * 3 + [[0.1, 0.9, 0.4, 0.6]] * 2, dtype=np.float32)
    models = two_clusters([[1, 1, 1, 0], [1, 1, 0.5, 0]])
    both = {"als": scores, "mlc": scores}
    assert measures.holdings_measures(models, customers(), both, held)["mlc"] == {
        "f1_weighted": 1.0,
        "roc_auc_weighted": 1.0,
        "roc_auc_weighted_of_labels": 1.0,
    }


@pytest.mark.parametrize("items", [2, 4])
def test_measures_without_a_value_are_left_out(items: int) -> None:
    # nobody has three products, and only the first is held by some and not by all
    held = np.zeros((5, items), dtype=bool)
    held[:2, 0] = True
    scores = np.full((5, items), 0.5, dtype=np.float32)
    models = two_clusters([[0.5] * items, [0.1] * items])
    result = measures.holdings_measures(models, customers(), {"als": scores, "mlc": scores}, held)
    # the young alone hold anything, and what they hold stands first
    assert result == {"als": {}, "mlc": {}, "kmeans": {"ndcg@3": 1.0}}


def test_score_all_hides_what_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fixed:
        def score(self, customers: Customers) -> dict[str, np.typing.NDArray[np.float32]]:
            ages = customers.profile["age"].to_numpy(dtype=np.float32)
            return {"blend": np.column_stack([ages, ages * 0 + 35, -ages])}

    monkeypatch.setattr(offers, "_AT_ONCE", 2)
    people = customers()
    people.history.held[0] = [0, 1, 0]  # held now
    people.history.held[4] = [2, 0, 1]  # the first one a month earlier only
    lists, scores = evaluate.score_all(cast(Models, Fixed()), people)
    assert {name: values.tolist() for name, values in lists.items()} == {
        "blend": [[0, 2, -1], [1, 0, 2], [0, 1, 2], [0, 1, 2], [0, 1, -1]]
    }
    assert scores["blend"][:, 0].tolist() == [20, 30, 40, 50, 60]

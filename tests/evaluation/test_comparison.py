import numpy as np
import pytest

from src.evaluation import comparison

# Five customers, three products; 0, 1 and 4 add something.
ADDITIONS = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]], dtype=bool)
LISTS = {
    "good": np.array([[0, 2, 1], [1, 0, 2], [0, 1, 2], [0, 1, 2], [2, -1, -1]], dtype=np.int16),
    "poor": np.array([[0, 1, 2], [0, 2, 1], [0, 1, 2], [0, 1, 2], [0, 1, -1]], dtype=np.int16),
}
POOR = [1 / 2 * (1 / 1 + 2 / 3), 1 / 3, 0.0]  # AP of the three adders


TITLES = {"account": "Account", "card": "Card", "loan": "Loan"}


def test_compare_by_hand() -> None:
    table = comparison.compare(
        LISTS, ADDITIONS, comparison.precisions(LISTS, ADDITIONS), resamples=200, seed=7
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
    slices = {
        "new": np.array([1, 0, 0, 0, 1], dtype=bool),
        "old": np.array([0, 1, 1, 1, 0], dtype=bool),
        "quiet": np.array([0, 0, 1, 1, 0], dtype=bool),
        "empty": np.zeros(5, dtype=bool),
    }
    table = comparison.by_slice(slices, {"poor": LISTS["poor"]}, ADDITIONS)
    first, second, last = POOR
    assert table == {
        "new": {
            "customers": 2,
            "adders": 2,
            "poor": {
                "map@7": pytest.approx((first + last) / 2),
                "map@7_adders": pytest.approx((first + last) / 2),
            },
        },
        "old": {
            "customers": 3,
            "adders": 1,
            "poor": {
                "map@7": pytest.approx((second + 0 + 0) / 3),
                "map@7_adders": pytest.approx(second),
            },
        },
        "quiet": {"customers": 2, "adders": 0},
        "empty": {"customers": 0, "adders": 0},
    }
    assert list(table) == list(slices)


def test_map_at_k_by_hand() -> None:
    table = comparison.map_at_k({"poor": LISTS["poor"]}, ADDITIONS)
    at_1 = (1 / 1 * (1 / 1) + 0 + 0) / 3
    at_2 = (1 / 2 * (1 / 1) + 0 + 0) / 3
    assert table["k"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert set(table["model"]) == {"poor"}
    assert table["map"].tolist() == pytest.approx([at_1, at_2, *[sum(POOR) / 3] * 5])


def test_product_precision_by_hand() -> None:
    held = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]], dtype=bool)
    scores = {
        "blend": np.array(
            [[0.9, 0, 0.4], [0.99, 0.9, 0.6], [1, 1, 1], [1, 1, 1], [0.95, 0.1, 0.5]], "f4"
        )
    }
    table = comparison.product_precision(scores, held, ADDITIONS, TITLES)
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


def test_products_that_nobody_added_are_left_out() -> None:
    only_loans = ADDITIONS & [False, False, True]
    scores = {"blend": np.zeros((5, 3), dtype=np.float32)}
    table = comparison.product_precision(scores, np.zeros((5, 3), dtype=bool), only_loans, TITLES)
    assert table["product"].tolist() == ["loan"]
    assert table["blend"].tolist() == [1.0]  # both adders add it


def test_reliability_by_hand() -> None:
    chances = np.array(
        [[0.55, 0.05, 0.4], [0.0, 1.0, 0.0], [0.3, 0.3, 0.4], [0.3, 0.3, 0.4], [0.15, 0.3, 0.55]],
        dtype=np.float32,
    )
    table = comparison.reliability(chances, ADDITIONS)
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

from typing import Any

from src.evaluation.report import models_of, table

MODELS = ["popularity", "als", "kmeans", "mlc", "interleave", "blend"]


def metrics() -> dict[str, Any]:
    """A test month of 2,000 customers in which 100 add something: at most 100 / 2000 = 0.05."""
    rows = {
        name: {
            "map@7": 0.005 * place,
            "map@7_lo": 0.0,
            "map@7_hi": 1.0,
            "map@7_adders": 0.1 * place,
            "map@7_adders_lo": 0.1 * place - 0.0321,
            "map@7_adders_hi": 0.1 * place + 0.0456,
            "recall@7_adders": 0.9,
            "hit_rate@3_adders": 0.12345 * place,
            "coverage@7": 1.0,
        }
        for place, name in enumerate(MODELS, start=1)
    }
    test = {
        "month": "2016-05-28",
        "customers": 2000,
        "adders": 100,
        "additions": 1234,
        "map@7_max": 0.05,
    }
    return {"test": test, **rows, "slices": {"cold_start": {"customers": 1, "adders": 0}}}


TABLE = """\
Test month 2016-05-28: 2,000 customers, 100 add 1,234 products. \
A perfect ranking scores MAP@7 0.0500.

| model | MAP@7 | of the maximum | MAP@7 among adders | 95 % interval | hit rate@3 |
| --- | --: | --: | --: | :-: | --: |
| popularity | 0.0050 | 10.0% | 0.100 | 0.068 … 0.146 | 0.123 |
| als | 0.0100 | 20.0% | 0.200 | 0.168 … 0.246 | 0.247 |
| kmeans | 0.0150 | 30.0% | 0.300 | 0.268 … 0.346 | 0.370 |
| mlc | 0.0200 | 40.0% | 0.400 | 0.368 … 0.446 | 0.494 |
| interleave | 0.0250 | 50.0% | 0.500 | 0.468 … 0.546 | 0.617 |
| blend | 0.0300 | 60.0% | 0.600 | 0.568 … 0.646 | 0.741 |"""


def test_table_by_hand() -> None:
    assert table(metrics()) == TABLE


def test_models_are_what_was_ranked() -> None:
    assert models_of(metrics()) == MODELS
    assert models_of({"test": {"month": "2016-05-28"}, "slices": {}}) == []

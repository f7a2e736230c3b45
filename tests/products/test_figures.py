import numpy as np
import pandas as pd

from src.products import figures
from src.products.schema import Schema
from tests.artists import bars, heights, legend, lengths, names, panel, title


def bank(products: int) -> Schema:
    titles = {
        f"p{number}": {"en": f"Product {number}", "ru": f"Продукт {number}"}
        for number in range(products)
    }
    content = {"id": "id", "month": "month", "numeric": {}, "categorical": {}, "products": titles}
    return Schema.model_validate(content)


def test_features_by_importance_the_first_on_top() -> None:
    features = ["held_lag1:p0", "age", "mlc:p1", "cost:unknown"]
    table = pd.DataFrame({"feature": features, "importance": [40.0, 30.0, 20.0, 10.0]})
    axes = panel(figures.importances(table, bank(2)))
    assert title(axes) == "What the blend looks at"
    assert names(axes, "y") == ["cost", "mlc: Product 1", "age", "held lag1: Product 0"]
    (group,) = bars(axes)
    assert lengths(group) == [10.0, 20.0, 30.0, 40.0]


def test_only_the_first_25_features_are_shown() -> None:
    count = np.arange(40)
    table = pd.DataFrame({"feature": [f"f{number}" for number in count], "importance": 40 - count})
    (group,) = bars(panel(figures.importances(table, bank(2))))
    assert lengths(group) == [40.0 - number for number in reversed(range(25))]


def test_additions_are_stacked_the_most_added_below() -> None:
    # by product, from 0 on: in all 1, 11, 2, 12, 3, 13, 4, 14, 5 additions
    march = np.array([1, 10, 1, 2, 3, 13, 4, 10, 5])
    april = np.array([0, 1, 1, 10, 0, 0, 0, 4, 0])
    axes = panel(figures.additions({"2016-03-28": march, "2016-04-28": april}, bank(9)))
    assert names(axes, "x") == ["2016-03", "2016-04"]
    groups = bars(axes)
    assert [group.get_label() for group in groups] == [
        "Product 7",
        "Product 5",
        "Product 3",
        "Product 1",
        "Product 8",
        "Product 6",
        "Product 4",
        "others",
    ]
    assert [heights(group) for group in groups] == [
        [10, 4],
        [13, 0],
        [2, 10],
        [10, 1],
        [5, 0],
        [4, 0],
        [3, 0],
        [1 + 1, 0 + 1],  # products 0 and 2
    ]
    assert [float(bar.get_y()) for bar in groups[-1]] == [10 + 13 + 2 + 10 + 5 + 4 + 3, 4 + 10 + 1]
    assert legend(axes) == [str(group.get_label()) for group in reversed(groups)]


def test_the_eight_colours_differ() -> None:
    months = {"2016-05-28": np.arange(24)}
    groups = bars(panel(figures.additions(months, bank(24))))
    assert len({group[0].get_facecolor() for group in groups}) == len(groups) == 8


def test_few_products_have_no_others() -> None:
    axes = panel(figures.additions({"2016-05-28": np.array([3, 0])}, bank(2)))
    assert [heights(group) for group in bars(axes)] == [[3], [0], [0]]

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from src.products import figures
from src.products.schema import Schema

MODELS = ["popularity", "als", "kmeans", "mlc", "interleave", "blend"]


def schema(products: int) -> Schema:
    titles = {
        f"p{number}": {"en": f"Product {number}", "ru": f"Продукт {number}"}
        for number in range(products)
    }
    content = {"id": "id", "month": "month", "numeric": {}, "categorical": {}, "products": titles}
    return Schema.model_validate(content)


def comparison(path: str) -> None:
    table = {
        name: {
            "map@7_adders": 0.1 * place,
            "map@7_adders_lo": 0.1 * place - 0.05,
            "map@7_adders_hi": 0.1 * place + 0.05,
        }
        for place, name in enumerate([*MODELS, "a model of yours"], start=1)
    }
    figures.comparison(path, table, "2016-05-28")


def map_at_k(path: str) -> None:
    rows = [(name, k, 0.5 + 0.05 * k) for name in MODELS for k in range(1, 8)]
    figures.map_at_k(path, pd.DataFrame(rows, columns=["model", "k", "map"]))


def product_precision(path: str) -> None:
    table = pd.DataFrame(
        {
            "title": ["Current account", "Debit & credit $ card", "Кредит"],
            "additions": [1000, 20, 3],
            "share": [0.3, 0.1, 0.0],
            "blend": [0.9, 0.5, 0.0],
        }
    )
    figures.product_precision(path, table)


def reliability(path: str) -> None:
    table = pd.DataFrame(
        {"pairs": [900, 90, 9], "predicted": [0.02, 0.55, 0.9], "observed": [0.01, 0.5, 1.0]}
    )
    figures.reliability(path, table)


def importances(path: str) -> None:
    names = ["held_lag1:p0", "age", "mlc:p1", "cost:unknown", *(f"f{n}" for n in range(30))]
    table = pd.DataFrame({"feature": names, "importance": np.linspace(9, 0, len(names))})
    figures.importances(path, table, schema(2))


def additions_of_few_products(path: str) -> None:
    figures.additions(path, {"2016-05-28": np.array([3, 0])}, schema(2))


def additions_of_many_products(path: str) -> None:
    months = {f"2016-{month:02}-28": np.arange(24) * month for month in range(1, 6)}
    figures.additions(path, months, schema(24))


DRAWINGS = [
    comparison,
    map_at_k,
    product_precision,
    reliability,
    importances,
    additions_of_few_products,
    additions_of_many_products,
]


@pytest.mark.parametrize("draw", DRAWINGS)
def test_the_same_data_give_the_same_png(draw: Callable[[str], None], tmp_path: Path) -> None:
    first, second = tmp_path / "plots" / "first.png", tmp_path / "plots" / "second.png"
    draw(str(first))
    draw(str(second))
    assert first.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert first.stat().st_size > 5_000  # more than an empty panel
    assert first.read_bytes() == second.read_bytes()
    assert sorted(file.name for file in first.parent.iterdir()) == ["first.png", "second.png"]


def test_other_data_give_another_png(tmp_path: Path) -> None:
    table = {"blend": {f"map@7_adders{end}": 0.5 for end in ("", "_lo", "_hi")}}
    for score in (0.5, 0.6):
        table["blend"]["map@7_adders"] = table["blend"]["map@7_adders_hi"] = score
        figures.comparison(str(tmp_path / f"{score}.png"), table, "2016-05-28")
    assert (tmp_path / "0.5.png").read_bytes() != (tmp_path / "0.6.png").read_bytes()


def test_a_failing_figure_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"old")
    incomplete: Any = {"blend": {"map@7_adders": 0.5}}
    with pytest.raises(KeyError, match="map@7_adders_lo"):
        figures.comparison(str(path), incomplete, "2016-05-28")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["figure.png"]


def test_drawing_does_not_change_the_style_of_others(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    comparison(str(tmp_path / "figure.png"))
    assert dict(mpl.rcParams) == before

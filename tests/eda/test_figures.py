from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from src.drawing import save
from src.eda import figures, findings
from tests.artists import texts
from tests.eda.test_findings import HELD, TITLES, months, products

CUSTOMERS = months([100, 200], [None, 40]).assign(owned=[91, 152], dropped=[0, 5])
PRODUCTS = products(HELD, {"a": 10, "b": 30, "c": 0})
PORTRAIT = pd.DataFrame(
    [
        (age, sex, active, 40 + age if sex != "unknown" else 1)
        for age in (22, 33, 58)
        for sex in ("V", "H", "unknown")
        for active in ("0", "1")
    ],
    columns=["age", "sex", "active", "customers"],
)
LENGTHS = pd.DataFrame(
    [
        (product, month, 10 * month, 5, 50 - month, month, 1 - month / 20)
        for product in TITLES
        for month in range(1, 8)
    ],
    columns=["product", "months", "customers", "always", "at_risk", "dropped", "kept"],
)
ADDERS = pd.DataFrame(
    [("products held", "0", 500, 5), ("products held", "1", 500, 50), ("sex", "V", 1000, 55)],
    columns=["attribute", "value", "customers", "adders"],
)
AFTER = pd.DataFrame(
    [("a", "b", 400, 300, 0.75, 3.0), ("nothing", "b", 40, 0, 0.0, 0.0), ("b", "c", 3, 1, 0.3, 1)],
    columns=["held", "product", "adders", "additions", "rate", "lift"],
)

DRAWINGS: dict[str, tuple[Callable[[], Figure], str]] = {
    "months": (lambda: figures.months(CUSTOMERS), findings.growth(CUSTOMERS)),
    "popularity": (
        lambda: figures.popularity(PRODUCTS, CUSTOMERS, TITLES),
        findings.popularity(PRODUCTS, CUSTOMERS, TITLES),
    ),
    "age_and_sex": (lambda: figures.age_and_sex(PORTRAIT), findings.ages(PORTRAIT)),
    "activity": (lambda: figures.activity(PORTRAIT), findings.activity(PORTRAIT)),
    "length_of_use": (
        lambda: figures.length_of_use(LENGTHS, TITLES),
        findings.stays(LENGTHS, TITLES),
    ),
    "usage_shares": (
        lambda: figures.usage_shares(PRODUCTS, CUSTOMERS, TITLES),
        findings.dynamics(PRODUCTS, CUSTOMERS, TITLES),
    ),
    "who_adds": (lambda: figures.who_adds(ADDERS), findings.adders(ADDERS)),
    "added_after": (
        lambda: figures.added_after(AFTER, TITLES),
        findings.after(AFTER, TITLES),
    ),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_the_title_is_what_the_table_says_and_the_png_is_always_the_same(
    name: str, tmp_path: Path
) -> None:
    draw, said = DRAWINGS[name]
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    figure = draw()
    save(first, figure)
    save(second, draw())
    assert said in texts(figure)
    assert first.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert first.read_bytes() == second.read_bytes()


def test_numbers_stand_beside_their_bars() -> None:
    written = texts(figures.popularity(PRODUCTS, CUSTOMERS, TITLES))
    assert [text for text in written if text.endswith("%")] == [
        "1.0%", "15%", "60%",  # held, from the bottom
        "0%", "75%", "25%",  # added
    ]  # fmt: skip
    assert {"Account", "Card", "Loan"} <= set(written)


def test_a_pyramid_tells_whom_it_does_not_draw() -> None:
    written = texts(figures.age_and_sex(PORTRAIT))
    total = 4 * (62 + 73 + 98) + 6
    assert f"sex H: {2 * (62 + 73 + 98)} (50%)" in written
    assert written[-1].endswith(f"all {total} customers of the last month; 6 of another or "
                                "unknown sex are not drawn")  # fmt: skip


@pytest.mark.parametrize(
    ("draw", "without", "said"),
    [
        (figures.age_and_sex, ["sex"], "no sex"),
        (figures.age_and_sex, ["sex", "age"], "no age and no sex"),
        (figures.activity, ["active"], "no active"),
        (figures.activity, ["age", "sex", "active"], "no active and no age and no sex"),
    ],
)
def test_what_the_schema_lacks_is_said(
    draw: Callable[[pd.DataFrame], Figure], without: list[str], said: str
) -> None:
    written = texts(draw(PORTRAIT.drop(columns=without)))
    assert f"The schema in params.yaml has {said}: nothing to draw." in written


def test_a_cell_of_few_adders_is_blank() -> None:
    written = texts(figures.added_after(AFTER, TITLES))
    assert "75%" in written
    assert "0%" in written
    assert "30%" not in written


def test_tables_of_nobody_are_drawn_as_such() -> None:
    assert "Nothing was added before the test month" in texts(
        figures.added_after(AFTER.head(0), TITLES)
    )
    nobody = "Nobody was a customer in two months before the test month"
    assert nobody in texts(figures.who_adds(ADDERS.head(0)))
    unfollowed = LENGTHS.assign(at_risk=0, dropped=0, kept=np.nan)
    assert "No addition could be followed to another month" in texts(
        figures.length_of_use(unfollowed, TITLES)
    )


def test_a_dollar_in_a_title_is_a_dollar(tmp_path: Path) -> None:
    titles = {"a": "US$ account in US$", "b": "$_{x", "c": "Loan"}
    save(tmp_path / "figure.png", figures.usage_shares(PRODUCTS, CUSTOMERS, titles))


@pytest.mark.parametrize(("products_", "panels"), [(2, 4), (5, 8), (30, 24)])
def test_usage_shares_of_few_and_many_products(products_: int, panels: int) -> None:
    names = [f"p{place}" for place in range(products_)]
    many = products(dict.fromkeys(names, (5, 6)), dict.fromkeys(names, 1))
    figure = figures.usage_shares(many, CUSTOMERS, {name: name.upper() for name in names})
    assert len(figure.axes) == panels
    assert sum(axes.axison for axes in figure.axes) == min(products_, 24)

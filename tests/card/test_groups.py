"""Groups of customers and their measures, worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from src.card.groups import (
    Slices,
    as_table,
    by_group,
    first_offers,
    groups_of,
    largest_gaps,
)
from src.evaluation.targeting import Resampling
from src.models.customers import Customers
from tests.histories import histories

# Two groups of four: two adders among the women, one among the men.
OUTCOME = pd.DataFrame(
    {
        "adds": [1.0, 1, 0, 0, 1, 0, 0, 0],
        "precision": [1.0, 0.5, 0, 0, 0.25, 0, 0, 0],
        "recall": [1.0, 0.5, 0, 0, 1, 0, 0, 0],
        "chance": [0.5, 0.25, 0.125, 0.125, 0.25, 0.25, 0.25, 0.25],
        "contacted": [1.0, 0, 0, 0, 0, 1, 0, 0],
        "placement": [1.0, 0.5, 0, 0, 0.5, 0, 0, 0],
        "first": [0, 1, 1, 1, 0, 0, 2, -1],
    }
)
GROUPS = pd.DataFrame({"sex": pd.Categorical(["V"] * 4 + ["H"] * 4, categories=["H", "V"])})
WOMEN = {
    "map@7_adders": 0.75,
    "recall@7_adders": 0.75,
    "found@5%": 0.5,
    "contacted": 0.25,
    "chance": 0.25,
    "rate": 0.5,
    "surplus": -0.25,
}
MEN = {
    "map@7_adders": 0.25,
    "recall@7_adders": 1.0,
    "found@5%": 0.0,
    "contacted": 0.25,
    "chance": 0.25,
    "rate": 0.25,
    "surplus": 0.0,
}
EVERYBODY_ONCE = Resampling(np.arange(8), np.ones((3, 8)))


def customers(held: list[int], **columns: object) -> Customers:
    months = [[number > place for place in range(4)] for number in held]
    history = histories(np.ones(len(held)), np.array(months, dtype=np.int64))
    return Customers(pd.DataFrame(columns, index=range(len(held))), history)


def test_groups_by_hand() -> None:
    found = groups_of(
        customers(
            [0, 1, 2, 3, 4],
            age=[17.9, 18.0, 34.0, 35.0, 90.0],
            sex=pd.Categorical([*"VHHVV"]),
            new_customer=pd.Categorical([*"10001"]),
        ),
        [18, 35],
    )
    assert {name: list(found[name]) for name in found} == {
        "age": ["0-17", "18-34", "18-34", "35+", "35+"],
        "sex": [*"VHHVV"],
        "customer": ["new", "old", "old", "old", "new"],
        "products held": ["0", "1", "2", "3+", "3+"],
    }
    assert list(found["age"].cat.categories) == ["0-17", "18-34", "35+"]


def test_attributes_that_a_bank_does_not_have_are_left_out() -> None:
    assert list(groups_of(customers([1, 2]), [18])) == ["products held"]


def test_measures_by_hand() -> None:
    table = as_table(by_group(OUTCOME, GROUPS, EVERYBODY_ONCE), OUTCOME, GROUPS, fewest=2)
    rows = {row["group"]: row for row in table.to_dict("records")}
    assert list(rows) == ["H", "V"]
    for name, measured, adders in (("V", WOMEN, 2), ("H", MEN, 1)):
        ends = {f"{key}_{end}": value for key, value in measured.items() for end in ("lo", "hi")}
        assert rows[name] == {
            "attribute": "sex",
            "group": name,
            "customers": 4,
            "adders": adders,
            "judged": adders >= 2,
            **measured,
            **ends,
        }


def test_the_largest_gaps_are_between_judged_groups() -> None:
    measured = by_group(OUTCOME, GROUPS, EVERYBODY_ONCE)
    gaps = largest_gaps(as_table(measured, OUTCOME, GROUPS, fewest=1), measured)
    assert list(gaps["sex"]) == ["map@7_adders", "found@5%", "contacted", "surplus"]
    assert gaps["sex"]["map@7_adders"] == {
        "highest": "V",
        "lowest": "H",
        "highest_value": 0.75,
        "lowest_value": 0.25,
        "difference": 0.5,
        "difference_lo": 0.5,
        "difference_hi": 0.5,
    }
    assert gaps["sex"]["surplus"]["highest"] == "H"
    assert largest_gaps(as_table(measured, OUTCOME, GROUPS, fewest=2), measured) == {}


def test_intervals_are_of_resampled_customers() -> None:
    """One draw of women 1 and 2 and man 1, twice each; one without any adder."""
    draws = np.array([[2, 2, 0, 0, 2, 0, 0, 0], [0, 0, 2, 2, 0, 2, 2, 0]], dtype=float)
    measured = by_group(OUTCOME, GROUPS, Resampling(np.arange(8), draws))
    women = measured["sex", "V"]
    assert women["map@7_adders"][:2].tolist() == [0.75, 0.75]
    assert np.isnan(women["map@7_adders"][2])
    assert women["rate"].tolist() == [0.5, 1.0, 0.0]


def test_first_offers_by_hand() -> None:
    additions = np.zeros((8, 4), dtype=bool)
    additions[[0, 1, 1, 4], [0, 0, 3, 2]] = True
    table = first_offers(OUTCOME, GROUPS, additions, ["Account", "Card", "Loan", "Fund"])
    assert table.to_numpy().tolist() == [
        ["sex", "H", "Account", 0.5, 0.0],
        ["sex", "H", "Loan", 0.25, 1.0],
        ["sex", "V", "Card", 0.75, 0.0],
        ["sex", "V", "Account", 0.25, 2 / 3],
        ["sex", "V", "Fund", 0.0, 1 / 3],
    ]


@pytest.mark.parametrize("ages", [[0, 18], [35, 18], [18, 18]])
def test_age_bands_must_rise(ages: list[int]) -> None:
    with pytest.raises(ValidationError, match=r"must rise, from 1 year on"):
        Slices(fewest=30, ages=ages, resamples=100, seed=1)

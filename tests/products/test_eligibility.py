from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from src.errors import InputError
from src.products.eligibility import Eligibility, Rules
from src.products.schema import Schema
from tests.service.bank import PARAMS

SCHEMA = Schema.model_validate(PARAMS["schema"])  # account, card, fund, junior, loan


def rules(*content: dict[str, Any]) -> Rules:
    return Rules(Eligibility.model_validate({"rules": content}).rules, SCHEMA)


def test_a_rule_holds_where_all_its_conditions_hold() -> None:
    chosen = rules(
        {"name": "young", "when": {"age": {"below": 30}, "segment": ["UNI"]}, "forbid": ["loan"]},
        {"name": "dead", "when": {"deceased": ["S", "T"]}, "forbid": "all"},
        {"name": "middle", "when": {"age": {"least": 30, "below": 60}}, "forbid": ["card"]},
    )
    profiles = pd.DataFrame(
        {
            "age": [29.0, 29.0, 30.0, 60.0],
            "segment": pd.Categorical(["UNI", "TOP", "UNI", "UNI"]),
            "deceased": pd.Categorical(["N", "S", "N", "N"]),
        }
    )
    bits = chosen.applying(np.arange(4), profiles)
    assert bits.tolist() == [0b001, 0b010, 0b100, 0b000]
    assert chosen.forbidden(0b001) == {4: "young"}
    assert chosen.forbidden(0b101) == {4: "young", 1: "middle"}
    assert chosen.forbidden(0b111) == {4: "young", 1: "dead", 0: "dead", 2: "dead", 3: "dead"}
    assert chosen.forbidden(0) == {}


def test_what_stays_allowed() -> None:
    chosen = rules(
        {"name": "minors", "when": {"age": {"below": 18}}, "forbid": "all", "allow": ["junior"]}
    )
    assert chosen.forbidden(1) == dict.fromkeys([0, 1, 2, 4], "minors")


def test_customers_of_a_file(workspace: Path) -> None:
    (workspace / "silent.txt").write_text("12\n\n 7 \n")
    chosen = rules({"name": "silent", "customers": "silent.txt", "forbid": "all"})
    assert chosen.applying(np.array([7, 8, 12]), None).tolist() == [1, 0, 1]
    assert chosen.applying(np.array(["7", "x"], dtype=object), None).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"when": {"height": {"below": 2}}}, "rule 'some': 'height' is not an attribute"),
        ({"when": {"age": ["12"]}}, "rule 'some': 'age' needs a range"),
        ({"when": {"segment": {"below": 2}}}, "rule 'some': 'segment' needs a list of categories"),
        ({"forbid": ["yacht"]}, "rule 'some': 'yacht' is not a product"),
        ({"allow": ["yacht"]}, "rule 'some': 'yacht' is not a product"),
        ({"customers": "none.txt"}, "rule 'some': none.txt cannot be read"),
    ],
)
@pytest.mark.usefixtures("workspace")
def test_mistakes(change: dict[str, Any], message: str) -> None:
    rule = {"name": "some", "when": {"age": {"below": 18}}, "forbid": ["card"], **change}
    with pytest.raises(InputError, match=message):
        rules(rule)


def test_a_rule_for_everybody_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="a rule needs 'when' or 'customers'"):
        rules({"name": "some", "forbid": "all"})

"""The rules by which a snapshot is repaired, each stated once, with its reason.

=====================  ==========================================  ===============================
column                 what is wrong                               what is done, and why
=====================  ==========================================  ===============================
whole profile          all attributes missing together             carried forward from the
                                                                   customer's own earlier month;
                                                                   never back from a later one
age                    outside [age_min, age_max]                  missing: 164 is a typing error
tenure                 negative (the sentinel is -999999)          missing: a sentinel is no number
customer_type          ``1.0`` beside ``1``                        one spelling of one category
any category           missing                                     ``unknown``: that it is missing
                                                                   tells something
age, tenure, income    missing                                     median of province and segment
                                                                   in the first month; income is
                                                                   flagged (a fifth is missing)
any product            missing (nomina, nom_pens)                  not held: nothing says it is
=====================  ==========================================  ===============================

The clean stage applies them to tables (`clean.py`), the service to a single profile
(`repair_profile`); tests/products/test_repair.py compares the two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any

from pydantic import Field, model_validator

from src.params import Section
from src.products.schema import Schema

UNKNOWN = "unknown"
Cell = float | str | None
Medians = Mapping[tuple[str | None, ...], Mapping[str, float | None]]


class Clean(Section):
    """Parameters of the rules: ages in years, both ends valid."""

    age_min: int = Field(ge=0)
    age_max: int = Field(le=130)

    @model_validator(mode="after")
    def _ordered(self) -> "Clean":
        if self.age_min >= self.age_max:
            raise ValueError(f"age_min ({self.age_min}) must lie below age_max ({self.age_max})")
        return self


@dataclass(frozen=True)
class ValidRange:
    """A number is valid from `least` to `most`, both included; otherwise it is missing."""

    column: str
    counted_as: str
    least: float = -inf
    most: float = inf


@dataclass(frozen=True)
class Respelling:
    """A category that ends so is spelt without the ending."""

    column: str
    counted_as: str
    ending: str


def rules(schema: Schema, settings: Clean) -> list[ValidRange | Respelling]:
    """The rules for the columns that a schema has."""
    all_rules: list[ValidRange | Respelling] = [
        ValidRange("age", "age_out_of_range", settings.age_min, settings.age_max),
        ValidRange("tenure", "tenure_negative", least=0),
        Respelling("customer_type", "customer_type_respelt", ending=".0"),
    ]
    return [rule for rule in all_rules if rule.column in schema.profile]


def median_keys(schema: Schema) -> list[str]:
    """Columns whose combinations have medians of their own."""
    return [name for name in ("province", "segment") if name in schema.categorical]


def repair_profile(
    profile: Mapping[str, Cell], schema: Schema, settings: Clean, medians: Medians
) -> dict[str, float | str]:
    """Repair the profile of one customer, as the clean stage repairs a row.

    Parameters
    ----------
    profile : mapping of attribute -> value
        None, or left out, where nothing is known.
    medians : mapping of values of `median_keys` -> medians by attribute
        As the clean stage wrote them; those of all customers have the key of all None.

    Returns
    -------
    dict of attribute -> value
        `Schema.clean_numeric`, then the categories.
    """
    given: dict[str, Any] = {name: profile.get(name) for name in schema.profile}
    for rule in rules(schema, settings):
        value = given[rule.column]
        if value is None:
            continue
        if isinstance(rule, ValidRange):
            given[rule.column] = value if rule.least <= float(value) <= rule.most else None
        else:
            given[rule.column] = str(value).removesuffix(rule.ending)
    categories: dict[str, str] = {
        name: UNKNOWN if given[name] is None else given[name] for name in schema.categorical
    }
    keys = median_keys(schema)
    cell = medians.get(tuple(str(categories[key]) for key in keys), {})
    overall = medians[tuple(None for _ in keys)]
    numbers: dict[str, float | str] = {}
    for name in schema.numeric:
        candidates = (given[name], cell.get(name), overall[name], 0.0)
        numbers[name] = float(next(number for number in candidates if number is not None))
    if "income" in schema.numeric:
        numbers["income_missing"] = float(given["income"] is None)
    return {name: numbers[name] for name in schema.clean_numeric} | categories

"""The rules by which a snapshot is repaired, each stated once, with its reason.

=====================  ==========================================  ===============================
column                 what is wrong                               what is done, and why
=====================  ==========================================  ===============================
whole profile          all attributes missing together             carried forward from the
                                                                   customer's own earlier month;
                                                                   never back from a later one
any number             outside its range in ``clean.ranges``       missing: an age of 164 is a
                                                                   typing error, -999999 a sentinel
any category           missing                                     ``unknown``: that it is missing
                                                                   is information
age, tenure, income    missing                                     median of province and segment
                                                                   in the first month; income is
                                                                   flagged (a fifth is missing)
any product            missing (nomina, nom_pens)                  not held: nothing says it is
=====================  ==========================================  ===============================

The clean stage applies them to tables (`clean.py`), the service to a single profile
(`repair_profile`); tests/products/test_repair.py compares the two.
"""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from src.errors import InputError
from src.params import Section
from src.products.schema import Schema

UNKNOWN = "unknown"
Cell = float | str | None
Medians = Mapping[tuple[str | None, ...], Mapping[str, float | None]]


class Range(Section):
    """Valid values of a number, both ends included: years, months, money as in the file."""

    least: float
    most: float

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.least >= self.most:
            raise ValueError(f"least ({self.least:g}) must lie below most ({self.most:g})")
        return self


class Clean(Section):
    """Parameters of the rules.

    `ranges` are those of numeric columns. A column without a range is taken as it is; ranges of
    columns that the schema does not have are left alone.
    """

    ranges: dict[str, Range]

    def of(self, schema: Schema) -> dict[str, Range]:
        """Ranges of the columns that a schema has.

        Raises
        ------
        InputError
            A range is of a column whose name is nearly that of the schema's.
        """
        for name in self.ranges:
            close = difflib.get_close_matches(name, schema.numeric, n=1)
            if close and name not in schema.numeric:
                raise InputError(
                    f"params.yaml: clean.ranges has '{name}', which is no numeric column of the "
                    f"schema (did you mean '{close[0]}'?)"
                )
        return {name: self.ranges[name] for name in schema.numeric if name in self.ranges}


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
        None, or left out, if nothing is known.
    medians : mapping of values of `median_keys` -> medians by attribute
        As the clean stage wrote them. A combination that is not there has the medians of its first
        value, which have None for the second; those of all customers have None for both.

    Returns
    -------
    dict of attribute -> value
        `Schema.clean_numeric`, then the categories.
    """
    given: dict[str, Any] = {name: profile.get(name) for name in schema.profile}
    for name, valid in settings.of(schema).items():
        if given[name] is not None and not valid.least <= float(given[name]) <= valid.most:
            given[name] = None
    categories: dict[str, str] = {
        name: UNKNOWN if given[name] is None else given[name] for name in schema.categorical
    }
    key = [categories[name] for name in median_keys(schema)]
    levels = [key[:depth] + [None] * (len(key) - depth) for depth in range(len(key), -1, -1)]
    known = [medians[tuple(level)] for level in levels if tuple(level) in medians]
    numbers: dict[str, float | str] = {}
    for name in schema.numeric:
        candidates = (given[name], *(level[name] for level in known), 0.0)
        numbers[name] = float(next(number for number in candidates if number is not None))
    if "income" in schema.numeric:
        numbers["income_missing"] = float(given["income"] is None)
    return {name: numbers[name] for name in schema.clean_numeric} | categories

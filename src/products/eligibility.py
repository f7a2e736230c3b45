"""Which products must not be offered to whom: rules of the bank, counted by name."""

from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, model_validator

from src.errors import InputError
from src.models.history import Ids
from src.params import Section
from src.products.schema import Schema

_MOST_RULES = 62  # of int64


class Bank(Section):
    """For which bank service.yaml was written: the column of its ids, as in the schema."""

    id: str


class Range(Section):
    """Numbers from `least` (inclusive) to `below` (exclusive)."""

    least: float = float("-inf")
    below: float = float("inf")


class Condition(Section):
    """Customers for whom all of `when` holds, and whose id is in a file.

    `when` names attributes of the clean profile: a list of categories, or a range of numbers.
    `customers` is a file with one id per line.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    when: dict[str, list[str] | Range] = Field(default={})
    customers: str | None = None

    @model_validator(mode="after")
    def _says_for_whom(self) -> Self:
        if not self.when and self.customers is None:
            raise ValueError("a rule needs 'when' or 'customers': as it is, it is for everybody")
        return self


class Rule(Condition):
    """Forbids products, or all of them, to customers; `allow` names products that stay allowed."""

    forbid: Literal["all"] | list[str]
    allow: list[str] = Field(default=[])


class Eligibility(Section):
    """The section of service.yaml."""

    rules: list[Rule] = Field(max_length=_MOST_RULES)


class Rules:
    """Rules ready to be asked; a customer's rules are the bits of an integer.

    Parameters
    ----------
    rules : list of Rule
    schema : Schema
    file : str
        Where they stand, for messages.

    Raises
    ------
    InputError
        A rule names an attribute or product that the schema does not have, or its file is missing.
    """

    def __init__(self, rules: list[Rule], schema: Schema, file: str = "service.yaml") -> None:
        self._rules = rules
        self._products = list(schema.products)
        self._listed: list[set[str] | None] = []
        for rule in rules:
            where = f"{file}: rule '{rule.name}'"
            unknown = sorted(set(rule.when) - set(schema.profile))
            if unknown:
                raise InputError(f"{where}: '{unknown[0]}' is not an attribute of the schema")
            for name, condition in rule.when.items():
                if isinstance(condition, Range) != (name in schema.numeric):
                    kind = "a range" if name in schema.numeric else "a list of categories"
                    raise InputError(f"{where}: '{name}' needs {kind}")
            named = [*(rule.forbid if rule.forbid != "all" else []), *rule.allow]
            absent = sorted(set(named) - set(self._products))
            if absent:
                raise InputError(f"{where}: '{absent[0]}' is not a product of the schema")
            self._listed.append(_listed(rule.customers, where))
        self.forbidden = lru_cache(maxsize=4096)(self._forbidden)

    def applying(self, customers: Ids, profiles: pd.DataFrame | None) -> NDArray[np.int64]:
        """Rules that apply to each customer, as bits; (customers,).

        Without profiles, only the rules with a file of customers can be applied.
        """
        bits = np.zeros(len(customers), dtype=np.int64)
        for index, (rule, listed) in enumerate(zip(self._rules, self._listed, strict=True)):
            if rule.when and profiles is None:
                continue
            applies = np.ones(len(customers), dtype=bool)
            for name, condition in rule.when.items():
                assert profiles is not None  # noqa: S101
                applies &= _holds(profiles[name], condition)
            if listed is not None:
                applies &= np.array([str(customer) in listed for customer in customers], dtype=bool)
            bits |= applies.astype(np.int64) << index
        return bits

    @property
    def names(self) -> list[str]:
        """In the order of the bits."""
        return [rule.name for rule in self._rules]

    def _forbidden(self, bits: int) -> dict[int, str]:
        """Forbidden items, each with the name of the first rule that forbids it."""
        found: dict[int, str] = {}
        for index, rule in enumerate(self._rules):
            if not bits >> index & 1:
                continue
            for item, product in enumerate(self._products):
                forbids = rule.forbid == "all" or product in rule.forbid
                if forbids and product not in rule.allow:
                    found.setdefault(item, rule.name)
        return found


def _holds(column: pd.Series, condition: list[str] | Range) -> NDArray[np.bool_]:
    if isinstance(condition, Range):
        values = column.to_numpy(dtype=np.float64)
        return np.asarray((values >= condition.least) & (values < condition.below))
    category = column.array
    assert isinstance(category, pd.Categorical)  # noqa: S101
    holds = [str(value) in condition for value in category.categories]
    return np.asarray(np.array([*holds, False])[category.codes])  # -1, missing, is the last


def _listed(path: str | None, where: str) -> set[str] | None:
    if path is None:
        return None
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: {path} cannot be read ({error})") from None
    return {line.strip() for line in lines if line.strip()}

"""The schema section: how a bank's columns map to the pipeline's."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from src.params import Section
from src.tables.columns import Column, Kind

# Columns of the pipeline's own tables, compared as engines compare: without regard to capitals.
_TAKEN = {
    *("customer", "month", "income_missing", "present", "was_active", "carried", "bit", "reason"),
    *("source", "place", "first_month_rows", "customers", "adders", "held", "rank", "score"),
}
_TAKEN_BEGINNINGS = ("_", "last_", "depth", "unmapped ")


class Title(Section):
    """A product's name for people."""

    en: str
    ru: str


class Schema(Section):
    """Raw column names (values) by what they mean here (keys); products keep their raw names."""

    id: str
    id_type: Literal["integer", "string"] = "integer"
    month: str
    numeric: dict[str, str]
    categorical: dict[str, str]
    products: dict[str, Title] = Field(min_length=2, max_length=1000)

    @field_validator("numeric", "categorical", "products")
    @classmethod
    def _plain_names(cls, mapping: dict[str, object]) -> dict[str, object]:
        for name in mapping:
            folded = name.casefold()
            if folded in _TAKEN or folded.startswith(_TAKEN_BEGINNINGS):
                raise ValueError(f"'{name}' is taken: it names a column of the pipeline's tables")
        return mapping

    @model_validator(mode="after")
    def _each_column_once(self) -> "Schema":
        for what, names in (
            ("mapped on more than one meaning", [column.raw for column in self.columns]),
            ("used for more than one meaning", [*self.profile, *self.products]),
        ):
            folded = [name.casefold() for name in names]
            twice = sorted({name for name in names if folded.count(name.casefold()) > 1})
            if twice:
                raise ValueError(f"column {', '.join(twice)} is {what} (capitals do not count)")
        return self

    @property
    def profile(self) -> list[str]:
        """Our names of the customer's attributes, numeric first."""
        return [*self.numeric, *self.categorical]

    @property
    def clean_numeric(self) -> list[str]:
        """Numeric columns of a clean profile: that income was missing is one of them."""
        return [*self.numeric, *(["income_missing"] if "income" in self.numeric else [])]

    @property
    def columns(self) -> list[Column]:
        """Every raw column that is read, and what its cells are."""
        own: Kind = "integer id" if self.id_type == "integer" else "text id"
        return [
            Column(self.id, "customer", own),
            Column(self.month, "month", "date"),
            *(Column(raw, name, "number") for name, raw in self.numeric.items()),
            *(Column(raw, name, "category") for name, raw in self.categorical.items()),
            *(Column(product, product, "flag") for product in self.products),
        ]

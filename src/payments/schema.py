"""The schema section: how a bank's columns map to the pipeline's."""

from typing import Literal

from pydantic import model_validator

from src.params import Section
from src.tables.columns import Column, Kind

PARAMS = "pipelines/payments/params.yaml"

Attribute = Literal["category", "operation", "region", "unit", "name"]

_TAKEN = "reason"  # a column of the pipeline's own beside the raw ones


class Schema(Section):
    """Raw column names (values) by what they mean here (keys)."""

    id: str
    id_type: Literal["integer", "string"]
    date: str
    amount: str
    paid: Literal["positive", "negative"]
    provider: str
    attributes: dict[Attribute, str]

    @model_validator(mode="after")
    def _each_column_once(self) -> "Schema":
        names = [column.raw for column in self.columns]
        folded = [name.casefold() for name in names]
        twice = sorted({name for name in names if folded.count(name.casefold()) > 1})
        if twice:
            raise ValueError(
                f"column {', '.join(twice)} is mapped on more than one meaning (capitals do not "
                "count)"
            )
        if _TAKEN in folded:
            name = names[folded.index(_TAKEN)]
            raise ValueError(f"'{name}' is taken: it names a column of the pipeline's tables")
        return self

    @property
    def columns(self) -> list[Column]:
        """Every raw column that is read, and what its cells are."""
        own: Kind = "integer id" if self.id_type == "integer" else "text id"
        return [
            Column(self.id, "client", own),
            Column(self.date, "date", "timestamp"),
            Column(self.provider, "provider", "category"),
            Column(self.amount, "amount", "number"),
            *(Column(raw, name, "category") for name, raw in self.attributes.items()),
        ]

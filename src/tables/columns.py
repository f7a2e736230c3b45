"""Which columns of a raw table are needed, and what their cells are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["integer id", "text id", "date", "timestamp", "number", "category", "flag"]


@dataclass(frozen=True)
class Column:
    """A column: its name in the raw file, its name here, and what its cells are.

    A cell that is no date or no flag causes the file to be refused; one that is no id, no number or
    no timestamp causes the row to be set aside; a category may be any text. A timestamp may be a
    day without a time.
    """

    raw: str
    name: str
    kind: Kind


Columns = Sequence[Column]


def of_kind(columns: Columns, *kinds: Kind) -> list[Column]:
    """Columns of some kinds, in their order."""
    return [column for column in columns if column.kind in kinds]


def identity(columns: Columns) -> Column:
    """The column that says whose row it is."""
    return of_kind(columns, "integer id", "text id")[0]

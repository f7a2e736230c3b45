"""Fields of requests, as every system reads them."""

import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr

from src.tables.spelling import category

_DIGITS = re.compile(r"^-?(0|[1-9][0-9]{0,18})$")  # as the service writes them: no zeros before
_NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]+$"


class Body(BaseModel):
    """A body of a request: unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _category(value: object) -> object:
    """A category in the spelling that ingest gives it; what cannot be one stays as it is."""
    if isinstance(value, str | bool | float):
        return category(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else value
    return value


def _whole(value: object) -> object:
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


Category = Annotated[
    Annotated[StrictStr, Field(max_length=200)] | None,
    BeforeValidator(_category, str | float | bool | None),
]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)] | None
TextId = Annotated[StrictStr, Field(min_length=1, max_length=200, pattern=_NO_CONTROL)]
# Numbers may come as text, as JavaScript cannot hold all of them.
WholeId = Annotated[
    Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)],
    BeforeValidator(_whole, int | Annotated[str, Field(pattern=_DIGITS.pattern)]),
]

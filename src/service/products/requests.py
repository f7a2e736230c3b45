"""What requests look like; customers and profiles are built from the schema of params.yaml."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, StrictBool, create_model, model_validator

from src.models.history import MAX_MONTHS
from src.products.schema import Schema
from src.service.web.fields import Body, Category, Number, TextId, WholeId

Active = StrictBool | None


def profile_model(schema: Schema) -> type[Body]:
    """Make the model of a profile: every attribute of the schema, all optional."""
    fields: dict[str, Any] = {}
    for name, column in schema.numeric.items():
        fields[name] = (Number, Field(default=None, description=f"{column}; null if not known"))
    for name, column in schema.categorical.items():
        fields[name] = (Category, Field(default=None, description=f"{column}; null if not known"))
    return create_model("Profile", __base__=Body, **fields)


class Asked(Body):
    """Whom a request is about; `request_models` fills in the types of the bank's schema."""

    customer: Any = None
    profile: Any = None
    holdings: Any = None
    history: Any = None

    @model_validator(mode="after")
    def _says_whom(self) -> Self:
        if self.customer is None and self.profile is None and self.holdings is None:
            raise ValueError("give customer, profile or holdings")
        if self.history is not None and self.holdings is None:
            raise ValueError("history needs holdings: give those of this month, too")
        return self


class GivenFeedback(Body):
    """What became of an offer; `request_models` fills in the types of the bank's schema."""

    customer: Any
    product: Any
    action: Literal["shown", "accepted", "dismissed", "withdrawn"] = Field(
        description="withdrawn: what was said before was a mistake, its cooldown ends"
    )
    answer: str | None = Field(
        default=None,
        max_length=64,
        pattern=r"^[0-9a-z-]*$",
        description="id of the answer that offered it",
    )
    token: str | None = Field(
        default=None,
        min_length=1,
        max_length=64,
        pattern=r"^[0-9A-Za-z_-]*$",
        description="made by the client, new for each feedback: sent again, it is stored once",
    )


def identity_type(schema: Schema) -> Any:
    """Type of a customer's id; numbers may come as text, as JavaScript cannot hold all of them."""
    return WholeId if schema.id_type == "integer" else TextId


def request_models(
    schema: Schema, example: dict[str, Any]
) -> tuple[type[Asked], type[GivenFeedback]]:
    """Make the models of requests about a customer, and of feedback, for a bank's schema."""
    make: Any = create_model  # its types are not known before the schema is
    identity = identity_type(schema)
    product: Any = Literal[tuple(schema.products)]
    holdings: Any = Annotated[list[product], Field(max_length=len(schema.products))]
    month = make(
        "Month",
        __base__=Body,
        holdings=(holdings, Field(description="products held in that month")),
        active=(Active, Field(default=None, description="whether the customer was active then")),
    )
    earlier: Any = Annotated[list[month | None], Field(max_length=MAX_MONTHS - 1)]  # type: ignore[valid-type]
    fields: dict[str, tuple[Any, str]] = {
        "customer": (identity, schema.id),
        "profile": (profile_model(schema), "attributes of this month"),
        "holdings": (holdings, "products held this month"),
        "history": (earlier, "earlier months, the latest first; null: not a customer then"),
    }
    asked = make(
        "Customer",
        __base__=_with_example(example),
        **{
            name: (kind | None, Field(default=None, description=description))
            for name, (kind, description) in fields.items()
        },
    )
    feedback = make(
        "Feedback", __base__=GivenFeedback, customer=(identity, ...), product=(product, ...)
    )
    return asked, feedback


def _with_example(example: dict[str, Any]) -> type[Asked]:
    class WithExample(Asked):
        model_config = ConfigDict(json_schema_extra={"examples": [example]})

    return WithExample


def reload_model(kinds: list[str]) -> type[Body]:
    """Make the model of what to read again: lists of one kind, or everything."""
    make: Any = create_model
    kind: Any = Literal[(*kinds, "all")]
    made: type[Body] = make("Reload", __base__=Body, kind=(kind, Field(default="all")))
    return made

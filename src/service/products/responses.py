"""What answers look like."""

from typing import Any

from pydantic import BaseModel, Field

from src.products.promoted import Promoted
from src.products.schema import Title


class Reason(BaseModel):
    """What speaks for a product, or for adding anything, or against it, in words."""

    en: str
    ru: str
    feature: str
    contribution: float | None = Field(
        description="SHAP value: what it adds to the log-odds; null outside personal scores"
    )


class Recommendation(BaseModel):
    """A product to offer."""

    product: str
    title: Title
    score: float = Field(
        description="comparable within one source only; personal: the chance that it is this "
        "product, if the customer adds one"
    )
    source: str = Field(description="personal, a first-stage model, or popularity")
    supported_by: list[str] = Field(
        description="first-stage models whose own lists hold the product as well"
    )
    reasons: list[Reason]


class Answer(BaseModel):
    """Ranked products, and how they came about."""

    answer: str = Field(description="id of this answer, to be named in feedback")
    customer: int | str | None
    customer_id: str | None = Field(description="the same as text: for JavaScript, above 2^53")
    for_month_after: str = Field(description="last month of the data")
    revision: str = Field(description="git revision of the models")
    source: str = Field(description="where the first product comes from")
    fallback: bool = Field(description="whether the first product is not from personal scores")
    why: str
    chance: float | None = Field(
        description="that the customer adds anything next month; null if their holdings are not "
        "known, or the model failed"
    )
    chance_reasons: list[Reason] = Field(
        description="what speaks for their adding anything, the strongest first"
    )
    recommendations: list[Recommendation]
    removed: dict[str, int] = Field(description="products taken out last, by rule")


class Scored(BaseModel):
    """A product with the score of one model."""

    product: str
    title: Title
    score: float


class OnlineList(BaseModel):
    """The list of one model, products already held left out."""

    model: str
    customer: int | str | None
    customer_id: str | None = Field(description="the same as text: for JavaScript, above 2^53")
    recommendations: list[Scored]


class Loaded(BaseModel):
    """What was read."""

    kind: str
    month: str
    revision: str


class PaymentsReady(BaseModel):
    """What is loaded of payments; all but `ready` and `why` say nothing if they are not served."""

    ready: bool
    why: str = Field(description="why payments are not served; empty if they are")
    day: str | None = Field(description="the day after the last that is known")
    model: str | None
    revision: str | None
    digest: str | None
    known_clients: int


class PromotedRun(BaseModel):
    """The run that ought to be served, by decision."""

    revision: str
    month: str = Field(description="the month that it offers for")
    since: str
    why: str
    served: bool = Field(description="whether its models are those that are loaded")


def promoted(chosen: Promoted | None, digest: str) -> dict[str, Any] | None:
    """`PromotedRun` as /ready answers it; None if nothing was ever promoted."""
    if chosen is None:
        return None
    names = ("revision", "month", "since", "why")
    told = {name: getattr(chosen, name) for name in names}
    return told | {"served": chosen.digest == digest}


class Ready(BaseModel):
    """What is loaded."""

    ready: bool
    models: list[str]
    revision: str
    digest: str
    month: str
    known_customers: int
    loaded_at: str
    warnings: list[str] = Field(description="what is odd about the data, a sentence each")
    feedback: bool = Field(description="whether feedback can be kept now; offers do not need it")
    promoted: PromotedRun | None = Field(description="null if nothing was ever promoted")
    payments: PaymentsReady

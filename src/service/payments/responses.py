"""What answers about payments look like."""

from pydantic import BaseModel, Field


class Phrase(BaseModel):
    """What speaks for an operation, in words."""

    en: str
    ru: str
    factor: str
    contribution: float = Field(description="what it adds to the log-odds")


class Expected(BaseModel):
    """When the next payment of a recurring operation is expected."""

    day: str
    within_days: int = Field(description="how far it may be off")
    gap_days: int = Field(description="the usual gap")


class Operation(BaseModel):
    """A provider that the client has paid, and the chance that they do so again."""

    provider: str
    name: str | None
    chance: float
    place: int = Field(description="1 is the client's likeliest operation")
    last_paid: str
    last_amount: float | None
    usual_amount: float | None = Field(description="median")
    expected: Expected | None = Field(description="null if it does not recur at regular gaps")
    reasons: list[Phrase]


class Operations(BaseModel):
    """What a client is likely to pay again."""

    answer: str = Field(description="id of this answer")
    client: int | str
    client_id: str = Field(description="the same as text: for JavaScript, above 2^53")
    day: str = Field(description="the day that chances are about, and the first of the horizon")
    horizon_days: int
    revision: str = Field(description="git revision of the models")
    model: str
    threshold: float = Field(description="cards are as likely as this, or likelier")
    why: str
    cards: list[Operation]
    top: list[Operation]
    unknown_providers: list[str] = Field(
        description="of the payments sent: they count as payments, but have no chances"
    )


class Example(BaseModel):
    """A provider that the client has never paid."""

    provider: str
    name: str | None
    source: str = Field(description="personal, region or everywhere")
    score: float | None = Field(description="of personal ones; comparable within one client")


class Examples(BaseModel):
    """New providers for a client."""

    answer: str = Field(description="id of this answer")
    client: int | str
    client_id: str = Field(description="the same as text: for JavaScript, above 2^53")
    revision: str = Field(description="git revision of the models")
    source: str = Field(description="where the first one comes from; none if there is none")
    region: str | None = Field(description="where the client belongs, as far as it is known")
    why: str
    examples: list[Example]


class Loaded(BaseModel):
    """What was read."""

    day: str
    revision: str
    known_clients: int

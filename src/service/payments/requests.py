"""What requests about payments look like."""

import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, StrictInt

from src.service.web.fields import Body, Category, TextId

MOST_PAYMENTS = 100  # of a request

Client = StrictInt | TextId  # which of them, the table of payments says
Day = Annotated[datetime.date, Field(strict=True)]
Amount = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)] | None


class NewPayment(Body):
    """A payment that was made after the last run of the pipeline."""

    provider: Category = Field(default=None, description="null if it is not known who was paid")
    amount: Amount = None
    date: Day
    region: Category = Field(default=None, description="where the client belongs")
    unit: Category = Field(default=None, description="where the client belongs")


class Asked(Body):
    """Whom a request is about, and what they have paid meanwhile."""

    client: Client
    payments: list[NewPayment] = Field(default=[], max_length=MOST_PAYMENTS)


class OperationsAsked(Asked):
    """A request for the operations that are likely on a day."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "client": 17,
                    "payments": [{"provider": "5", "amount": 320.5, "date": "2025-09-01"}],
                }
            ]
        }
    )

    day: Day | None = Field(
        default=None, description="the day asked about; null: the one after the last payment"
    )


class ExamplesAsked(Asked):
    """A request for providers that the client has never paid."""

    region: Category = Field(default=None, description="of a client who is not known")

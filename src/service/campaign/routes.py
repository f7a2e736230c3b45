"""Routes of the campaign: whom to contact about what, by customer."""

import time
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from src.products.schema import Title
from src.service.campaign.contacts import Campaign
from src.service.process import Process
from src.service.products.requests import identity_type
from src.service.products.serving import Serving
from src.service.web.access import needs
from src.service.web.answers import FAULTS, NOT_SERVED, Faults, json_response


class Contact(BaseModel):
    """One contact of the plan."""

    rank: int = Field(description="1 is the contact of the whole campaign that brings most")
    product: str
    title: Title
    channel: str
    chance: float = Field(description="that the customer adds the product next month")
    expected: float = Field(description="chance times value, less the cost")


class CustomerContacts(BaseModel):
    """Whom the campaign says to contact about what; none for most customers."""

    customer: int | str
    customer_id: str = Field(description="the same as text: for JavaScript, above 2^53")
    month: str = Field(description="the month that the campaign was planned for")
    contacts: list[Contact]
    removed: dict[str, int] = Field(
        description="contacts taken out since it was planned: by a rule, or by an answer of the "
        "customer (cooldown)"
    )


class Loaded(BaseModel):
    """What is served from now on."""

    month: str
    contacts: int


def add_routes(app: FastAPI, process: Process, serving: Serving, campaign: Campaign) -> None:
    """Add the routes."""
    identity: Any = identity_type(serving.catalogue.schema)
    about = FAULTS | NOT_SERVED

    @app.get(
        "/campaign/contacts",
        tags=["campaign"],
        response_model=CustomerContacts,
        responses=about,
        openapi_extra=needs("read"),
    )
    async def contacts(customer: Annotated[identity, Query()]) -> Response:
        """Contacts of a customer, what brings most first; rules and answers of today apply."""
        catalogue = serving.catalogue
        planned = campaign.contacts(catalogue)
        row = catalogue.known.row(customer)
        if row is None:
            return json_response({"detail": "not a known customer", "faults": []}, 404)
        rows = planned.of(customer)
        forbidden = catalogue.rules.forbidden(int(catalogue.applying[row]))
        cooldown = process.feedback.in_cooldown(customer, time.time())
        listed, removed = [], dict[str, int]()
        for item, about in zip(
            planned.items[rows].tolist(), planned.columns[rows].to_pylist(), strict=True
        ):
            product = catalogue.products[item]
            rule = forbidden.get(item) or ("cooldown" if product in cooldown else None)
            if rule:
                removed[rule] = removed.get(rule, 0) + 1
            else:
                listed.append({"product": product, "title": catalogue.titles[item], **about})
        return json_response(
            {
                "customer": customer,
                "customer_id": str(customer),
                "month": planned.month,
                "contacts": listed,
                "removed": removed,
            }
        )

    @app.post(
        "/campaign/load",
        tags=["state"],
        response_model=Loaded,
        responses=NOT_SERVED | {409: {"model": Faults}},
        openapi_extra=needs("admin", patient=True),
    )
    async def load() -> Response:
        """Read the contacts again; a broken file changes nothing."""
        now = await campaign.reload(serving.catalogue)
        return json_response({"month": now.month, "contacts": len(now)})

"""Routes of payments: what a client is likely to pay again, and whom they have never paid."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel

from src.payments.operations.evaluation import TOP
from src.service.payments import responses
from src.service.payments.answering import Answering
from src.service.payments.requests import ExamplesAsked, OperationsAsked
from src.service.payments.serving import Serving
from src.service.process import Process
from src.service.web.access import needs
from src.service.web.answers import FAULTS, NOT_SERVED, Faults, json_response
from src.service.web.fields import TextId
from src.service.web.lean import LeanRoute

MOST = 50  # of a list

Length = Annotated[int, Query(ge=1, le=MOST, description="length of the list")]
Client = Annotated[TextId, Path(description="an id without a slash that is not '.' or '..'")]
Region = Annotated[str | None, Query(max_length=200, description="of a client not known")]


def add_routes(app: FastAPI, process: Process, serving: Serving) -> None:
    """Add the routes."""
    answering = Answering(process, serving)

    def answers(method: str, path: str, model: type[BaseModel]) -> Callable[..., None]:
        def add(endpoint: Callable[..., Any]) -> None:
            app.router.add_api_route(
                path,
                endpoint,
                methods=[method],
                response_model=model,
                responses=FAULTS | NOT_SERVED,
                tags=["payments"],
                openapi_extra=needs("read"),
                route_class_override=LeanRoute if method == "POST" else APIRoute,
            )

        return add

    @answers("POST", "/payments/operations", responses.Operations)
    async def operations(asked: OperationsAsked, k: Length = TOP) -> Response:
        """What a client is likely to pay again; payments made meanwhile count at once."""
        return json_response(await answering.operations(asked, k))

    @answers("GET", "/payments/operations/{client}", responses.Operations)
    async def operations_of(client: Client, k: Length = TOP) -> Response:
        """The same on the day after the last that is known."""
        return json_response(await answering.operations(OperationsAsked(client=client), k))

    @answers("POST", "/payments/examples", responses.Examples)
    async def examples(asked: ExamplesAsked, k: Length = TOP) -> Response:
        """Providers that a client has never paid, not even with the payments sent."""
        return json_response(await answering.examples(asked, k))

    @answers("GET", "/payments/examples/{client}", responses.Examples)
    async def examples_of(client: Client, k: Length = TOP, region: Region = None) -> Response:
        """The same of all payments that are known."""
        asked = ExamplesAsked(client=client, region=region)
        return json_response(await answering.examples(asked, k))

    @app.post(
        "/payments/load",
        tags=["state"],
        response_model=responses.Loaded,
        responses={409: {"model": Faults}},
        openapi_extra=needs("admin", patient=True),
    )
    async def load() -> Response:
        """Read everything about payments again; a broken file changes nothing."""
        now = await serving.reload()
        return json_response(
            {
                "day": now.asking.day,
                "revision": now.revision,
                "known_clients": len(now.ledger.clients),
            }
        )

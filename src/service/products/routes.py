"""Routes of products: offers, customers, and what is loaded."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel

from src.service.monitoring.statistics import statistics
from src.service.process import Process
from src.service.products import responses
from src.service.products.answering import Answering
from src.service.products.catalogue import kinds
from src.service.products.customer_view import describe
from src.service.products.exposing import Exposing
from src.service.products.fallback import by_profile
from src.service.products.requests import Asked, identity_type, reload_model
from src.service.products.serving import Serving
from src.service.products.wording import vocabulary
from src.service.web.access import needs
from src.service.web.answers import FAULTS, Faults, json_response
from src.service.web.lean import LeanRoute


def add_routes(
    app: FastAPI,
    process: Process,
    serving: Serving,
    exposing: Exposing,
    asked_model: type[Asked],
    payments: Callable[[], dict[str, Any]],
) -> None:
    """Add the routes.

    Parameters
    ----------
    asked_model : type
        A request with the attributes and products of the bank.
    payments : function
        What is loaded of the other system, for /ready.
    """
    catalogue = serving.catalogue
    answering = Answering(process, serving, exposing)
    most = len(catalogue.products)
    length = Annotated[int, Query(ge=1, le=most, description="length of the list")]
    identity: Any = identity_type(catalogue.schema)
    what_model = reload_model(kinds())

    def offer(path: str, answered: type[BaseModel]) -> Callable[[Callable[..., Any]], None]:
        def add(endpoint: Callable[..., Any]) -> None:
            app.router.add_api_route(
                path,
                endpoint,
                methods=["POST"],
                response_model=answered,
                responses=FAULTS,
                tags=["offers"],
                openapi_extra=needs("read"),
                route_class_override=LeanRoute,
            )

        return add

    @offer("/recommendations", responses.Answer)
    async def recommendations(asked: asked_model, k: length = 7) -> Response:  # type: ignore[valid-type]
        """Products to offer: for a known customer by id, or for a profile and holdings."""
        return json_response(await answering.recommend(asked, k))

    def add_online_list(name: str) -> None:
        async def online_list(asked: asked_model, k: length = 7) -> Response:  # type: ignore[valid-type]
            return json_response(await answering.of_model(name, asked, k))

        online_list.__name__ = f"get_online_{name}"
        online_list.__doc__ = f"The list of {name} for a profile, computed now."
        offer(f"/get_online_{name}", responses.OnlineList)(online_list)

    for name in by_profile():
        add_online_list(name)

    def described(customer: int | str) -> Response:
        found = describe(serving.catalogue, customer)
        if found is None:
            return json_response({"detail": "not a known customer", "faults": []}, 404)
        return json_response(found)

    about = FAULTS | {404: {"model": Faults}}

    @app.get("/customers", tags=["customers"], responses=about, openapi_extra=needs("read"))
    async def customer_by_query(customer: Annotated[identity, Query()]) -> Response:
        """Profile and holdings over time of a known customer, whatever their id consists of."""
        return described(customer)

    @app.get(
        "/customers/{customer}", tags=["customers"], responses=about, openapi_extra=needs("read")
    )
    async def customer_of(customer: Annotated[identity, Path()]) -> Response:
        """The same, for ids without a slash that are not '.' or '..'."""
        return described(customer)

    @app.get("/vocabulary", tags=["customers"], openapi_extra=needs("read"))
    async def words() -> Response:
        """What attributes, their codes and the sources of offers are called."""
        now = serving.catalogue
        return json_response(vocabulary(now.schema, now.wording))

    @app.get("/ready", tags=["state"], response_model=responses.Ready, openapi_extra=needs("read"))
    async def ready() -> Response:
        """What is loaded; 200 without the database, too, as offers do not need it."""
        now = serving.catalogue
        return json_response(
            {
                "ready": True,
                "models": ["blend", *now.models.first_stage, "popularity"],
                "revision": now.revision,
                "digest": now.digest,
                "month": now.month,
                "known_customers": len(now.known),
                "loaded_at": serving.loaded_at,
                "warnings": now.warnings,
                "feedback": process.feedback.available,
                "promoted": responses.promoted(now.promoted, now.digest),
                "payments": payments(),
            }
        )

    @app.post(
        "/load_recommendations",
        tags=["state"],
        response_model=responses.Loaded,
        responses=FAULTS | {409: {"model": Faults}},
        openapi_extra=needs("admin", patient=True),
    )
    async def load_recommendations(what: what_model) -> Response:  # type: ignore[valid-type]
        """Read offline lists of one kind, or everything, again; a broken file changes nothing."""
        kind: str = what.kind  # type: ignore[attr-defined]
        now = await serving.reload(kind)
        return json_response({"kind": kind, "month": now.month, "revision": now.revision})

    @app.get("/get_statistics", tags=["state"], openapi_extra=needs("read"))
    async def get_statistics() -> Response:
        """Counts since the start of this process."""
        now = serving.catalogue
        products = dict(zip(now.products, now.titles, strict=True))
        models = {"revision": now.revision, "digest": now.digest, "month": now.month}
        counts = statistics(process.monitoring)
        return json_response(
            counts | {"products": products, "models": models | {"loaded_at": serving.loaded_at}}
        )

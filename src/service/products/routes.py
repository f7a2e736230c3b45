"""The routes: what they take, what they give, and who answers."""

from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel

from src.service import requests, schemas
from src.service.monitoring.statistics import statistics
from src.service.products.answering import Answers
from src.service.products.customer_view import describe, example_request
from src.service.web.lean import LeanRoute


def _json(content: Any, status: int = 200) -> Response:
    body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status_code=status, media_type="application/json")


def add_routes(app: FastAPI, answers: Answers) -> None:
    """Add all routes; their models are those of the bank's schema."""
    catalogue = answers.catalogue
    asked_model, feedback_model = requests.request_models(
        catalogue.schema, example_request(catalogue)
    )
    most = len(catalogue.products)
    length = Annotated[int, Query(ge=1, le=most, description="length of the list")]
    faults: dict[int | str, dict[str, Any]] = {422: {"model": schemas.Faults}}
    identity: Any = int if catalogue.schema.id_type == "integer" else str

    def offer(path: str, answered: type[BaseModel]) -> Callable[[Callable[..., Any]], None]:
        def add(endpoint: Callable[..., Any]) -> None:
            app.router.add_api_route(
                path,
                endpoint,
                methods=["POST"],
                response_model=answered,
                responses=faults,
                tags=["offers"],
                route_class_override=LeanRoute,
            )

        return add

    # These come first: routes are tried one by one.
    @offer("/recommendations", schemas.Answer)
    async def recommendations(asked: asked_model, k: length = 7) -> Response:  # type: ignore[valid-type]
        """Products to offer: for a known customer by id, or for a profile and holdings."""
        return _json(await answers.recommend(asked, k))

    @offer("/get_online_mlc", schemas.OnlineList)
    async def get_online_mlc(asked: asked_model, k: length = 7) -> Response:  # type: ignore[valid-type]
        """The classifier's list for a profile, computed now."""
        return _json(await answers.of_model("mlc", asked, k))

    @offer("/get_online_kmeans", schemas.OnlineList)
    async def get_online_kmeans(asked: asked_model, k: length = 7) -> Response:  # type: ignore[valid-type]
        """The list of the cluster that a profile falls into, computed now."""
        return _json(await answers.of_model("kmeans", asked, k))

    @app.get("/health", tags=["state"])
    async def health() -> dict[str, str]:
        """Whether the process answers; open to everybody."""
        return {"status": "ok"}

    @app.get("/ready", tags=["state"], response_model=schemas.Ready)
    async def ready() -> Response:
        """What is loaded."""
        now = answers.catalogue
        return _json(
            {
                "ready": True,
                "models": ["blend", *now.models.base, "popularity"],
                "revision": now.revision,
                "digest": now.digest,
                "month": now.month,
                "known_customers": len(now.known),
                "loaded_at": answers.loaded_at,
            }
        )

    @app.post(
        "/load_recommendations",
        tags=["state"],
        response_model=schemas.Loaded,
        responses=faults | {409: {"model": schemas.Faults}},
    )
    async def load_recommendations(what: requests.Reload) -> Response:
        """Read offline lists of one kind, or everything, again; a broken file changes nothing."""
        now = await answers.reload(what.kind)
        return _json({"kind": what.kind, "month": now.month, "revision": now.revision})

    @app.get("/get_statistics", tags=["state"])
    async def get_statistics() -> Response:
        """Counts since the start of this process."""
        return _json(statistics(answers))

    @app.get(
        "/customers/{customer}",
        tags=["customers"],
        responses=faults | {404: {"model": schemas.Faults}},
    )
    async def customer_of(customer: Annotated[identity, Path()]) -> Response:
        """Profile and holdings over time of a known customer."""
        found = describe(answers.catalogue, customer)
        if found is None:
            return _json({"detail": "not a known customer", "faults": []}, 404)
        return _json(found)

    @app.post(
        "/feedback",
        tags=["feedback"],
        status_code=201,
        response_model=schemas.FeedbackStored,
        responses=faults,
    )
    async def feedback(given: feedback_model, request: Request) -> Response:  # type: ignore[valid-type]
        """Tell what became of an offer; once acknowledged, it is on disk."""
        return _json(await answers.store(given, request.scope["key"]), 201)

    @app.get("/feedback/export", tags=["feedback"], responses=faults)
    async def feedback_export(
        after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
        limit: Annotated[int, Query(ge=1, le=100_000)] = 10_000,
    ) -> Response:
        """Feedback for training, JSON lines, oldest first; go on with the last id."""
        lines = await answers.in_storage(lambda: list(answers.feedback.export(after, limit)))
        body = b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
        return Response(body, media_type="application/x-ndjson")

"""Routes of feedback: to report what became of an offer, and to export the reports."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, Field

from src.service.process import Process
from src.service.web.access import needs
from src.service.web.answers import FAULTS, Faults, json_response


class FeedbackStored(BaseModel):
    """Acknowledgement of a feedback: it is on disk."""

    id: int
    cooldown_days: float = Field(
        description="days for which the product is not offered again; 0: it may be, at once"
    )


def add_routes(app: FastAPI, process: Process, feedback_model: type[BaseModel]) -> None:
    """Add the routes; `feedback_model` has the ids and products of the bank."""

    @app.post(
        "/feedback",
        tags=["feedback"],
        status_code=201,
        response_model=FeedbackStored,
        responses=FAULTS | {409: {"model": Faults}},
        openapi_extra=needs("feedback"),
    )
    async def feedback(given: feedback_model, request: Request) -> Response:  # type: ignore[valid-type]
        """Report what became of an offer; once acknowledged, it is on disk.

        Without an answer, or after a 503, it may be stored or not: send it again with the same
        token, and it is stored once.
        """
        told: dict[str, Any] = given.model_dump()  # type: ignore[attr-defined]
        identity, new = await process.in_storage(
            process.feedback.add, told | {"key": request.scope["key"]}
        )
        if new:
            process.monitoring.feedback.labels(told["action"]).inc()
        days = process.feedback.cooldown_days(told["action"])
        return json_response({"id": identity, "cooldown_days": days}, 201)

    @app.get(
        "/feedback/export",
        tags=["feedback"],
        responses=FAULTS,
        openapi_extra=needs("admin", patient=True),
    )
    async def feedback_export(
        after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
        limit: Annotated[int, Query(ge=1, le=100_000)] = 10_000,
    ) -> Response:
        """Feedback for training, JSON lines, oldest first; go on with the last id."""

        async def page(after: int, left: int) -> list[dict[str, Any]]:
            return await process.in_exports(process.feedback.export, after, left)

        async def lines(found: list[dict[str, Any]], left: int) -> AsyncIterator[bytes]:
            while found:
                yield b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in found)
                left -= len(found)
                found = await page(found[-1]["id"], left) if left else []

        first = await page(after, limit)  # if the database is down, the status says so
        return StreamingResponse(lines(first, limit), media_type="application/x-ndjson")

"""Answers of all routes: JSON, and what is said of a refused request."""

import json
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel

from src.errors import InputError
from src.service.feedback.store import UnavailableError


class NotServedError(Exception):
    """Nothing can be answered about this; the sentence says why, and what to do."""


class Fault(BaseModel):
    """What is wrong with a field of a request."""

    field: str
    reason: str


class Faults(BaseModel):
    """A refused request."""

    detail: str
    faults: list[Fault] = []


NOT_SERVED: dict[int | str, dict[str, Any]] = {404: {"model": Faults}}
FAULTS: dict[int | str, dict[str, Any]] = {422: {"model": Faults}}


def json_response(content: Any, status: int = 200) -> Response:
    """An answer; NumPy's numbers are taken as they are."""
    body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, status_code=status, media_type="application/json")


def add_fault_handlers(app: FastAPI) -> None:
    """Answer faults of requests and of files in one form."""
    app.add_exception_handler(RequestValidationError, _say_which_field)
    app.add_exception_handler(InputError, _say_what_is_wrong)
    app.add_exception_handler(NotServedError, _say_why)
    app.add_exception_handler(UnavailableError, _say_when_to_come_back)


async def _say_which_field(_: Any, error: Exception) -> Response:
    """422: which field, and why; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    faults = []
    for fault in error.errors():
        parts = [str(part) for part in fault["loc"] if part != "body"]
        faults.append({"field": ".".join(parts) or "body", "reason": fault["msg"]})
    content = json.dumps({"detail": "the request is not valid", "faults": faults})
    return Response(content, status_code=422, media_type="application/json")


async def _say_what_is_wrong(_: Any, error: Exception) -> Response:
    """409: a file is broken; what was loaded before is still served. Or a token was used before."""
    content = json.dumps({"detail": str(error), "faults": []}, ensure_ascii=False)
    return Response(content, status_code=409, media_type="application/json")


async def _say_why(_: Any, error: Exception) -> Response:
    """404: a pipeline has not run, or its files are damaged; how to mend it."""
    content = json.dumps({"detail": str(error), "faults": []}, ensure_ascii=False)
    return Response(content, status_code=404, media_type="application/json")


async def _say_when_to_come_back(*_: Any) -> Response:
    """503: the database does not answer; its cause is in the log, and is nobody's business."""
    detail = "the database of feedback does not answer; try again, with the same token"
    content = json.dumps({"detail": detail, "faults": []})
    headers = {"Retry-After": "1"}
    return Response(content, status_code=503, media_type="application/json", headers=headers)

"""The application: a factory, so that every test and every process has its own."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

from src.errors import InputError
from src.service.monitoring.metrics import Monitoring
from src.service.products.answering import Answers
from src.service.products.routes import add_routes
from src.service.settings import Settings
from src.service.web.guard import Guard, scope_of
from src.service.web.keys import Keys

logger = logging.getLogger(__name__)

_PAGE = Path(__file__).parent / "page"
_METHODS = {"get", "put", "post", "delete", "patch"}


def create_app(settings: Settings) -> FastAPI:
    """Load what the pipeline made, and serve it.

    Raises
    ------
    InputError
        A file is missing or damaged, a setting does not fit, or the database cannot be reached.
    """
    monitoring = Monitoring()
    keys = Keys(settings.keys_file)
    if not len(keys):
        logger.warning(
            "there is no API key, so every request is refused: make one with "
            "'python -m src.service.web.keys create NAME --scopes read feedback'"
        )
    answers = Answers(settings, monitoring)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        refreshing = asyncio.create_task(answers.refresh_forever())
        yield
        refreshing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await refreshing
        answers.close()

    app = FastAPI(
        title="nextbest",
        summary="Which product will a customer add next month?",
        version="1",
        lifespan=lifespan,
        docs_url="/docs" if settings.docs else None,
        redoc_url=None,
        openapi_url="/openapi.json" if settings.docs else None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # monitoring.py counts
    )
    app.state.answers = answers
    app.state.monitoring = monitoring
    app.state.keys = keys
    add_routes(app, answers)
    app.add_exception_handler(RequestValidationError, _say_which_field)
    app.add_exception_handler(InputError, _say_what_is_wrong)
    if _PAGE.is_dir():
        app.mount("/page", StaticFiles(directory=_PAGE), name="page")

        @app.get("/", include_in_schema=False)
        async def page() -> FileResponse:
            return FileResponse(_PAGE / "index.html")

    _describe_security(app)
    app.add_middleware(Guard, settings=settings, keys=keys, monitoring=monitoring)
    return app


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
    """409: a file is broken; what was loaded before is still served."""
    content = json.dumps({"detail": str(error), "faults": []}, ensure_ascii=False)
    return Response(content, status_code=409, media_type="application/json")


def _describe_security(app: FastAPI) -> None:
    """Say in the OpenAPI document what the guard asks for."""
    document = app.openapi()
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    refusals = {
        "400": {"description": "the body cannot be read"},
        "401": {"description": "no valid key"},
        "403": {"description": "the key lacks the scope"},
        "413": {"description": "the body is too large"},
        "429": {"description": "too many requests"},
        "503": {"description": "not answered in time"},
    }
    for path, operations in document["paths"].items():
        scope = scope_of(path)
        for method in _METHODS & set(operations):
            if scope is not None:
                operations[method]["security"] = [{"key": []}]
                operations[method]["responses"] |= refusals
                operations[method]["description"] = (
                    operations[method].get("description", "") + f"\n\nScope: {scope}."
                ).strip()

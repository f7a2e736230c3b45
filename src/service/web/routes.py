"""Routes of the process itself: whether it lives, and its page."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from src.service.web.access import needs

_PAGE = Path(__file__).parents[1] / "page"


def add_routes(app: FastAPI) -> None:
    """Add the routes."""

    @app.head("/health", include_in_schema=False, openapi_extra=needs(None))
    @app.get("/health", tags=["state"], openapi_extra=needs(None))
    async def health() -> dict[str, str]:
        """Whether the process answers; open to everybody."""
        return {"status": "ok"}

    app.mount("/page", StaticFiles(directory=_PAGE), name="page")

    @app.head("/", include_in_schema=False, openapi_extra=needs(None))
    @app.get("/", include_in_schema=False, openapi_extra=needs(None))
    async def page() -> FileResponse:
        return FileResponse(_PAGE / "index.html")

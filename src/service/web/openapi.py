"""The OpenAPI document says what the guard asks for."""

from typing import Any

from fastapi import FastAPI

from src.service.web.access import scope_of

_METHODS = {"get", "put", "post", "delete", "patch"}
_REFUSALS = {
    "400": {"description": "the path has a control character, or a websocket is asked for"},
    "401": {"description": "no valid key"},
    "403": {"description": "the key lacks the scope"},
    "408": {"description": "the body did not arrive in time"},
    "413": {"description": "the body is too large"},
    "415": {"description": "the body does not say that it is JSON"},
    "429": {"description": "too many requests"},
    "503": {"description": "not answered in time, or feedback cannot be kept now"},
}


def describe_security(app: FastAPI) -> None:
    """Put the scope of each route, and how it may be refused, into the document.

    It is made when it is first asked for, and not at every start.
    """
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            _describe(plain())
        return plain()

    app.openapi = described  # type: ignore[method-assign]


def _describe(document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for operations in document["paths"].values():
        for method in _METHODS & set(operations):
            operation = operations[method]
            scope = scope_of(operation)
            if scope is not None:
                operation["security"] = [{"key": []}]
                operation["responses"] |= _REFUSALS
                said = operation.get("description", "")
                operation["description"] = f"{said}\n\nScope: {scope}.".strip()

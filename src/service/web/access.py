"""Who may ask a route, and how long it may take: said beside its handler, read by the guard."""

import re
from typing import Any

from starlette.routing import BaseRoute, Match, Mount

from src.service.web.keys import Scope

_SCOPE, _PATIENT = "x-scope", "x-patient"
_PUBLIC = "public"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def needs(scope: Scope | None, *, patient: bool = False) -> dict[str, Any]:
    """What a route says of itself, for its ``openapi_extra``.

    Parameters
    ----------
    scope : str or None
        Scope that a key must have; None if no key is needed.
    patient : bool
        Whether it may take as long as a reload; otherwise as long as an answer.
    """
    return {_SCOPE: scope or _PUBLIC, _PATIENT: patient}


def scope_of(said: dict[str, Any]) -> Scope | None:
    """Scope that is needed, None for none; a route that says nothing needs admin."""
    scope: Scope | None = said.get(_SCOPE, "admin")
    return None if scope == _PUBLIC else scope


class Access:
    """What the matched route of a request says of itself.

    The route is found as the router finds it, so that a path which only looks like another one
    has the scope of the route that answers it.
    """

    def __init__(self, routes: list[BaseRoute]) -> None:
        self._routes = routes
        plain = {path for route in routes if "{" not in (path := getattr(route, "path", "{"))}
        self._matching = {path: [one for one in routes if _matches(one, path)] for path in plain}

    def malformed(self, path: str) -> bool:
        """Whether a path begins with no slash or has a control character: no route is meant."""
        return path not in self._matching and (path[:1] != "/" or bool(_CONTROL.search(path)))

    def route(self, scope: dict[str, Any]) -> BaseRoute | None:
        """The route that will answer; None if there is none."""
        candidates = self._matching.get(scope["path"], self._routes)
        if len(candidates) == 1:
            return candidates[0]
        partial = None  # the path fits, the method does not
        for route in candidates:
            match, _ = route.matches(scope)
            if match == Match.FULL:
                return route
            if match == Match.PARTIAL and partial is None:
                partial = route
        return partial


def _matches(route: BaseRoute, path: str) -> bool:
    match, _ = route.matches({"type": "http", "method": "GET", "path": path, "headers": []})
    return match != Match.NONE


def needed(route: BaseRoute | None) -> tuple[Scope | None, bool]:
    """Scope and patience of a route; what is mounted are files of the page, which hold no data."""
    if isinstance(route, Mount):
        return None, False
    said = getattr(route, "openapi_extra", None) or {}
    return scope_of(said), bool(said.get(_PATIENT))


def name_of(route: BaseRoute | None) -> str:
    """Path as declared, without ids, for counting; what is not declared shares a name."""
    path = getattr(route, "path", None)
    if path is None:
        return "other"
    return f"{path}/" if isinstance(route, Mount) else str(path)

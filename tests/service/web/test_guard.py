import asyncio
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount
from starlette.websockets import WebSocketDisconnect

from src.service.monitoring.metrics import Monitoring
from src.service.settings import Settings
from src.service.web import keys
from src.service.web.access import Access, needed, needs
from src.service.web.guard import Guard
from tests.service.bank import Service, Start

OPEN = {"/", "/health", "/page"}  # the page and its files hold no data
SCOPES = {
    "/recommendations": "read",
    "/get_online_mlc": "read",
    "/get_online_kmeans": "read",
    "/customers": "read",
    "/customers/{customer}": "read",
    "/vocabulary": "read",
    "/ready": "read",
    "/get_statistics": "read",
    "/load_recommendations": "admin",
    "/feedback": "feedback",
    "/feedback/export": "admin",
    "/payments/operations": "read",
    "/payments/operations/{client}": "read",
    "/payments/examples": "read",
    "/payments/examples/{client}": "read",
    "/payments/load": "admin",
    "/campaign/contacts": "read",
    "/campaign/load": "admin",
    "/health": None,
    "/": None,
}


def routes(service: Service) -> list[tuple[str, str]]:
    """Method and path of everything that the application answers."""
    found: list[tuple[str, str]] = []
    waiting: list[BaseRoute] = [*service.app.routes]
    while waiting:
        route = waiting.pop()
        if isinstance(route, Mount) and route.path not in OPEN:
            waiting += route.routes
        path = str(getattr(route, "path", "/unnamed"))
        for method in sorted(getattr(route, "methods", None) or {"GET"}):
            found.append((method, re.sub("{(customer|client)}", "1", path)))
    return found


def test_every_route_refuses_wrong_missing_and_revoked_keys(start: Start) -> None:
    service = start(docs=True)
    revoked = service.keys["admin"]
    keys.revoke(Settings().keys_file, "admin")
    service.app.state.keys.look_again()
    guarded = [(method, path) for method, path in routes(service) if path not in OPEN]
    assert {path for _, path in guarded} >= {
        "/ready",
        "/recommendations",
        "/get_online_mlc",
        "/get_online_kmeans",
        "/load_recommendations",
        "/get_statistics",
        "/customers/1",
        "/feedback",
        "/feedback/export",
        "/openapi.json",
    }
    presented = [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {revoked}",
        f"Bearer {service.keys['read'][:-1]}",
        f"Basic {service.keys['read']}",
        f"Bearer {keys.digest_of(service.keys['read'])}",  # what a thief of the file has
    ]
    for method, path in [*guarded, ("GET", "/nothing"), ("GET", "/customers/../x")]:
        for value in presented:
            headers = {} if value is None else {"Authorization": value}
            answer = service.client.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path, value)
            if method != "HEAD":
                assert answer.json() == {"detail": "unauthorized"}
            assert answer.headers["www-authenticate"] == "Bearer"


def test_every_route_asks_for_its_scope(service: Service) -> None:
    for method, path in routes(service):
        if path in OPEN:
            continue
        declared = path.replace("/customers/1", "/customers/{customer}")
        needed = SCOPES[re.sub("^(/payments/.+)/1$", r"\1/{client}", declared)]
        for scope in keys.SCOPES:
            answer = service.client.request(method, path, headers=service.as_(scope))
            if scope in {needed, "admin"}:
                assert answer.status_code not in {401, 403}, (method, path, scope)
            else:
                assert answer.status_code == 403, (method, path, scope)
                if method != "HEAD":
                    assert answer.json() == {"detail": "forbidden"}


def test_every_declared_route_says_its_scope(service: Service) -> None:
    declared = [route for route in service.app.routes if isinstance(route, APIRoute)]
    assert all(route.openapi_extra for route in declared)
    assert {route.path: needed(route)[0] for route in declared} == SCOPES


def test_only_a_reload_and_an_export_may_take_long(service: Service) -> None:
    declared = [route for route in service.app.routes if isinstance(route, APIRoute)]
    patient = {route.path for route in declared if needed(route)[1]}
    assert patient == {
        "/load_recommendations",
        "/feedback/export",
        "/payments/load",
        "/campaign/load",
    }


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/anything", "admin"),
        ("/customers/1", "read"),
        ("/customers/1/2", "admin"),
        ("/feedback/export", "admin"),
        ("/feedback/export\n", "admin"),
        ("/feedback/other", "admin"),
        ("/ready/", "admin"),
        ("/ready\n", "read"),  # Starlette's pattern ends before a line feed: the route answers
        ("/READY", "admin"),
        ("//health", "admin"),
        ("/health", None),
        ("/page/page.js", None),
        ("/pages", "admin"),
    ],
)
def test_the_scope_is_that_of_the_route_that_answers(
    service: Service, path: str, scope: str | None
) -> None:
    access = Access(service.app.routes)
    asked = {"type": "http", "method": "GET", "path": path, "headers": []}
    assert needed(access.route(asked))[0] == scope


def test_one_path_with_two_methods_has_the_scope_of_each() -> None:
    app = FastAPI()

    @app.get("/thing", openapi_extra=needs("read"))
    @app.get("/things/{name}", openapi_extra=needs("feedback"))
    def read() -> None: ...

    @app.post("/thing", openapi_extra=needs("admin"))
    @app.get("/things/all", openapi_extra=needs("admin"))  # the one above answers it
    def write() -> None: ...

    access = Access(app.routes)

    def scope(method: str, path: str) -> str | None:
        asked = {"type": "http", "method": method, "path": path, "headers": []}
        return needed(access.route(asked))[0]

    assert [scope("GET", "/thing"), scope("POST", "/thing")] == ["read", "admin"]
    assert scope("GET", "/things/all") == "feedback"
    assert needed(None) == ("admin", False)


def test_the_export_has_no_second_spelling(service: Service) -> None:
    for path in ("/feedback/export%0A", "/feedback/export%0a", "/feedback%2Fexport"):
        answer = service.client.get(path, headers=service.as_("feedback"))
        assert answer.status_code in {400, 403}, path


CONTROL = ["%0A", "%0D", "%00", "%09", "%7F", "%0A%0A"]
TRICKS = [*CONTROL, "/", "//", "/.", "/./", "%2F", "%20", ";x", "%3F"]


def spellings(path: str) -> Iterator[str]:
    """A path as somebody may write it who wants another scope for it."""
    for trick in TRICKS:
        yield path + trick
        yield path[:2] + trick + path[2:]
    first, *rest = path.removeprefix("/").split("/")
    yield from ("/" + path, path.replace("/", "//"), path.upper(), path.title(), path.swapcase())
    yield from (f"/./{first}", f"/x/..{path}", f"/health/..{path}", f"/page/..{path}")
    yield from (f"/page/%2e%2e{path}", f"/health%2f..{path}", f"/{first}/%2e/{'/'.join(rest)}")
    yield "".join(f"%{ord(letter):02x}" if letter != "/" else letter for letter in path)
    yield path.replace("/", "%2F")
    yield f"/%{ord(path[1]) if len(path) > 1 else 46:02X}{path[2:]}"


def test_no_spelling_of_a_route_is_open_to_a_lesser_key(service: Service) -> None:
    """Whatever answers with 2xx has at most the scope of the key, and is a route's own path."""
    access = Access(service.app.routes)
    keys_of: dict[str | None, dict[str, str]] = {None: {}}
    keys_of |= {scope: service.as_(scope) for scope in ("read", "feedback")}
    tried = 0
    for method, declared in routes(service):
        wants = SCOPES.get(declared.replace("/customers/1", "/customers/{customer}"))
        for path in spellings(declared):
            for scope, headers in keys_of.items():
                answer = raw(service, method, path, headers)
                tried += 1
                if answer.status_code >= 300:
                    continue
                asked = {"type": "http", "method": method, "path": unquote(path), "headers": []}
                allowed, _ = needed(access.route(asked))
                assert allowed in {None, scope}, (method, path, scope)
                assert wants in {None, scope}, (method, path, scope)
                assert not re.search("%[01]", path), (method, path)
    assert tried > 1000


@dataclass
class Raw:
    """An answer."""

    status_code: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def raw(service: Service, method: str, path: str, headers: dict[str, str]) -> Raw:
    """Send a path as it is, decoded as uvicorn does: clients would tidy it."""
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    sent: list[Any] = []
    waiting = [{"type": "http.request", "body": b""}]

    async def receive() -> dict[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(service.app(scope, receive, send))
    return Raw(sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.mark.parametrize(
    "path", ["/ready%0A", "/ready%00", "/customers/1%09", "/x%7f", "/x%C2%85", "*", "x"]
)
def test_control_characters_in_a_path_are_refused(service: Service, path: str) -> None:
    for headers in ({}, service.as_("admin")):
        answer = raw(service, "GET", path, headers)
        assert answer.status_code == 400
        assert answer.json() == {
            "detail": "the path is not one: it has no slash, or a control character"
        }


def test_what_nobody_declared_is_refused(service: Service) -> None:
    for method, path in (("GET", "/ready/"), ("GET", "/nothing"), ("GET", "/customers/1/2")):
        assert raw(service, method, path, service.as_("read")).status_code == 403
        assert raw(service, method, path, service.as_("admin")).status_code == 404
    assert raw(service, "DELETE", "/ready", service.as_("admin")).status_code == 405
    assert raw(service, "HEAD", "/ready", service.as_("read")).status_code == 405


def test_probes_may_ask_for_headers_only(service: Service) -> None:
    for path in ("/health", "/"):
        answer = service.client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"]


POSTS = ["/recommendations", "/get_online_mlc", "/feedback", "/load_recommendations"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]
)
def test_a_body_that_does_not_say_that_it_is_json(
    service: Service, path: str, kind: str | None
) -> None:
    headers = service.as_("admin") | ({"Content-Type": kind} if kind else {})
    answer = service.client.post(path, content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert answer.json()["detail"] == (
        "the body must be JSON, and say so: Content-Type: application/json"
    )


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        (b'{"customer": 1, "customer": 2}', "customer", "is given twice"),
        (b'{"a": [{"age": 1, "age": 1}]}', "age", "is given twice"),
        (b'{"\\u0061": 1, "a": 2}', "a", "is given twice"),
        (b'{"customer": ', "body", "Invalid JSON: Expecting value: line 1 column 14 (char 13)"),
        (b'{"a": "\xff"}', "body", "Invalid JSON: it is not in UTF-8"),
        (b"[" * 50_000, "body", "Invalid JSON: it is nested too deeply"),
    ],
)
def test_bodies_that_are_no_json_are_refused_alike(
    service: Service, path: str, body: bytes, field: str, reason: str
) -> None:
    headers = service.as_("admin") | {"Content-Type": "Application/JSON; charset=utf-8"}
    answer = service.client.post(path, content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": "the request is not valid",
        "faults": [{"field": field, "reason": reason}],
    }


@pytest.mark.parametrize("length", ["9" * 5_000, "-1", "1e3", "\N{SUPERSCRIPT TWO}"])
def test_a_length_that_is_none(service: Service, length: str) -> None:
    headers = service.as_("read") | {"Content-Length": length.encode("latin-1")}
    answer = service.client.post("/recommendations", content=b"{}", headers=headers)
    assert answer.status_code == 413


def test_faults_of_clients_are_not_counted_as_ours(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    read = service.as_("read")

    def surrogate(path: str) -> Any:
        headers = service.as_("admin") | {"Content-Type": "application/json"}
        return service.client.post(path, content=b'{"customer": "\\ud800"}', headers=headers)

    statuses = [
        raw(service, "OPTIONS", "*", read).status_code,
        service.client.get("/ready", headers=read | {"Upgrade": "websocket"}).status_code,
        service.ask({"customer": "a\0b"}).status_code,
        service.client.get("/customers/1%00", headers=read).status_code,
        service.client.get("/customers?customer=%00", headers=read).status_code,
        service.client.get("/customers?customer=\N{FULLWIDTH DIGIT ONE}", headers=read).status_code,
        surrogate("/recommendations").status_code,
        surrogate("/feedback").status_code,
        service.ask({"customer": 10**400}).status_code,
    ]
    assert statuses == [400, 400, 422, 400, 422, 422, 422, 422, 422]
    with pytest.raises(WebSocketDisconnect), service.client.websocket_connect("/ready"):
        pass
    registry = service.app.state.process.monitoring.registry
    assert registry.get_sample_value("nextbest_errors_total") == 0
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_documents_are_off_unless_asked_for(service: Service) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert service.client.get(path, headers=service.as_("admin")).status_code == 404


def test_headers_stand_on_every_answer(service: Service) -> None:
    answers = [
        service.client.get("/health"),
        service.client.get("/nothing"),
        service.client.get("/nothing", headers=service.as_("admin")),
        service.ask({}),
        service.ask({"customer": 1}),
    ]
    assert [answer.status_code for answer in answers] == [200, 401, 404, 422, 200]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def test_bodies_that_are_too_large(start: Start) -> None:
    service = start(max_body_bytes=1024)
    whole = service.client.post(
        "/recommendations", content=b" " * 1025, headers=service.as_("read")
    )
    assert (whole.status_code, whole.json()) == (413, {"detail": "body too large"})
    chunks = service.client.post(
        "/recommendations", content=iter([b" " * 1000, b" " * 25]), headers=service.as_("read")
    )
    assert chunks.status_code == 413


def test_a_key_has_its_rate(start: Start) -> None:
    service = start(rate_per_second=0.001, rate_burst=3)
    codes = [service.ask({"customer": 1}).status_code for _ in range(4)]
    assert codes == [200, 200, 200, 429]
    other = service.client.get("/ready", headers=service.as_("admin"))
    assert other.status_code == 200


async def _converse(app: Any, tmp_keys: Any, receive: Any) -> list[dict[str, Any]]:
    settings = Settings(timeout_seconds=0.01)
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    guard = Guard(app, settings, tmp_keys, Monitoring())
    routed = FastAPI()
    routed.post("/open", openapi_extra=needs(None))(lambda: None)
    scope = {"type": "http", "method": "POST", "path": "/open", "headers": [], "app": routed}
    await guard(scope, receive, send)
    return sent


@pytest.mark.parametrize("slow", ["client", "application"])
def test_nobody_is_waited_for_without_end(bank: Any, slow: str) -> None:
    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def whole() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def app(*_: Any) -> None:
        await never()

    receive = never if slow == "client" else whole
    sent = asyncio.run(_converse(app, keys.Keys(bank / "none.json"), receive))
    status, detail = (
        (408, "the body did not arrive in time") if slow == "client" else (503, "timeout")
    )
    assert sent[0]["status"] == status
    assert sent[1]["body"] == b'{"detail":"%s"}' % detail.encode()


def test_faults_of_ours_say_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr("src.service.products.routes.statistics", fail)
    answer = service.client.get("/get_statistics", headers=service.as_("read"))
    assert answer.status_code == 500
    assert answer.json() == {"detail": "internal error"}
    errors = service.app.state.process.monitoring.registry.get_sample_value("nextbest_errors_total")
    assert errors == 1


def test_metrics_are_not_on_the_public_port(service: Service) -> None:
    assert service.client.get("/metrics", headers=service.as_("admin")).status_code == 404

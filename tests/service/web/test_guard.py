import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount

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
    "/customers/{customer}": "read",
    "/vocabulary": "read",
    "/ready": "read",
    "/get_statistics": "read",
    "/load_recommendations": "admin",
    "/feedback": "feedback",
    "/feedback/export": "admin",
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
            found.append((method, path.replace("{customer}", "1")))
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
        "/docs",
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
        needed = SCOPES[path.replace("/customers/1", "/customers/{customer}")]
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


def test_only_a_reload_may_take_long(service: Service) -> None:
    declared = [route for route in service.app.routes if isinstance(route, APIRoute)]
    assert [route.path for route in declared if needed(route)[1]] == ["/load_recommendations"]


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
    assert needed(access.route(asked)) == (scope, False)


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
        assert answer.status_code in {403, 404}, path


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
    assert sent[0]["status"] == 503
    assert sent[1]["body"] == b'{"detail":"timeout"}'


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

"""What comes before every route: paths, keys, scopes, rates, bodies, timeouts, headers, counting.

One plain ASGI layer, because each layer costs. What a request needs is declared by the route
that answers it (`access`); a path without a route, and a route that says nothing, need admin.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from src.service.monitoring.metrics import Monitoring
from src.service.settings import Settings
from src.service.web.access import Access, name_of, needed
from src.service.web.bodies import RefusedError, check_json, too_large
from src.service.web.keys import Keys

logger = logging.getLogger(__name__)

HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        b"object-src 'none'",
    ),
]

Message = dict[str, Any]


@dataclass
class _Bucket:
    tokens: float
    filled: float


class Guard:
    """ASGI middleware."""

    def __init__(self, app: Any, settings: Settings, keys: Keys, monitoring: Monitoring) -> None:
        self._app = app
        self._settings = settings
        self._keys = keys
        self._monitoring = monitoring
        self._buckets: dict[str, _Bucket] = {}
        self._access: Access | None = None

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            self._monitoring.count_request("other", 403, 0)
            return
        started = time.perf_counter()
        if self._access is None:
            self._access = Access(scope["app"].routes)
        route = self._access.route(scope)
        needs, patient = needed(route)
        status = 0
        body: bytes | None = None

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        try:
            async with asyncio.timeout(self._seconds(patient)):
                self._admit(scope, needs)
                body = await self._body(scope, receive)
                await self._app(scope, _replayed(body, receive), send_with_headers)
        except RefusedError as refusal:
            await _refuse(send_with_headers, refusal)
        except TimeoutError:
            if not status:
                slow = RefusedError(408, "the body did not arrive in time")
                await _refuse(
                    send_with_headers, slow if body is None else RefusedError(503, "timeout")
                )
        except Exception as error:
            if status:
                logger.error("%s %s broke off: %s", scope["method"], name_of(route), error)
            else:
                logger.exception("%s %s failed", scope["method"], name_of(route))
                await _refuse(send_with_headers, RefusedError(500, "internal error"))
        finally:
            seconds = time.perf_counter() - started
            self._monitoring.count_request(name_of(route), status, seconds)

    def _seconds(self, patient: bool) -> float:
        return self._settings.reload_seconds if patient else self._settings.timeout_seconds

    def _admit(self, scope: Message, needs: str | None) -> None:
        """Raise RefusedError if a request must not be answered, whatever its body says."""
        assert self._access is not None  # noqa: S101
        if self._access.malformed(scope["path"]):
            raise RefusedError(400, "the path is not one: it has no slash, or a control character")
        length = presented = kind = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                presented = value
            elif name == b"content-length":
                length = value
            elif name == b"content-type":
                kind = value
            elif name == b"upgrade" and value.lower() == b"websocket":
                raise RefusedError(400, "there are no websockets here")
        if needs is not None:
            key = None
            if presented is not None and presented[:7].lower() == b"bearer ":
                key = self._keys.find(presented[7:].decode("latin-1").strip())
            if key is None:
                raise RefusedError(401, "unauthorized")
            if not key.allows(needs):
                raise RefusedError(403, "forbidden")
            if not self._within_rate(key.name):
                raise RefusedError(429, "too many requests")
            scope["key"] = key.name
        if length is not None and self._too_large(length):
            raise too_large()
        scope["kind"] = kind

    def _too_large(self, length: bytes) -> bool:
        # Python does not read numbers of more than 4,300 digits.
        return (
            len(length) > 18 or not length.isdigit() or int(length) > self._settings.max_body_bytes
        )

    async def _body(self, scope: Message, receive: Any) -> bytes:
        """The whole body of a request; RefusedError if it is too large, or not JSON."""
        body = b""
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise RefusedError(
                    400, "incomplete request"
                )  # nobody reads this: the client has gone
            body += message.get("body", b"")
            if len(body) > self._settings.max_body_bytes:
                raise too_large()
            more = message.get("more_body", False)
        if body and scope["method"] == "POST":
            check_json(scope["kind"], body)
        return body

    def _within_rate(self, key: str) -> bool:
        now = time.monotonic()
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._settings.rate_burst, now)
        earned = (now - bucket.filled) * self._settings.rate_per_second
        bucket.tokens = min(self._settings.rate_burst, bucket.tokens + earned)
        bucket.filled = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True


def _replayed(body: bytes, receive: Any) -> Callable[[], Any]:
    waiting = deque([{"type": "http.request", "body": body, "more_body": False}])

    async def replay() -> Message:
        return waiting.popleft() if waiting else await receive()

    return replay


async def _refuse(send: Any, refusal: RefusedError) -> None:
    status = refusal.status
    body = orjson.dumps(refusal.content)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if status in {429, 503}:
        headers.append((b"retry-after", b"1"))
    if status in {408, 413}:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

"""Limits of connections, by raw sockets against a real uvicorn."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import uvicorn

from src.service.monitoring.metrics import Monitoring
from src.service.settings import Settings
from src.service.web.protocol import limited
from tests.service.bank import Service

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
LONGEST = 10.0  # seconds; only something that hangs takes as long


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """200 once the body is whole; /slow only when the client has gone; /early before the body."""
    if scope["path"] == "/slow":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    while scope["path"] != "/early" and (await receive()).get("more_body"):
        pass
    body = b"x" * (4_000_000 if scope["path"] == "/large" else 2)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Listening:
    """A server in a thread, and what it has counted."""

    def __init__(self, app: Any, settings: Settings, monitoring: Monitoring) -> None:
        self.monitoring = monitoring
        config = uvicorn.Config(
            app,
            port=0,
            http=limited(settings, monitoring),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        wait_for(lambda: self.server.started)
        self.address = self.server.servers[0].sockets[0].getsockname()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=LONGEST)

    def waiting(self) -> bool:
        """Whether a connection waits for a request."""
        made = self.server.config.http.args[0]  # type: ignore[union-attr]
        return bool(made.silent or made.idle) or not self.connections()

    def ask(self, *parts: bytes) -> bytes:
        """Status line of what comes back; empty if nothing does."""
        with self.connect() as connection:
            for part in parts:
                connection.sendall(part)
            return status_line(connection)

    def refused(self, cause: object) -> float:
        name, labels = "nextbest_connections_refused_total", {"cause": str(cause)}
        return self.monitoring.registry.get_sample_value(name, labels) or 0

    def connections(self) -> float:
        return self.monitoring.registry.get_sample_value("nextbest_connections") or 0


def wait_for(happened: Callable[[], Any]) -> None:
    deadline = time.monotonic() + LONGEST
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def status_line(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536).split(b"\r\n")[0].removeprefix(b"HTTP/1.1 ")
    except ConnectionResetError:  # closed with something unread
        return b""


@contextmanager
def listening(app: Any = answering, monitoring: Any = None, **limits: Any) -> Iterator[Listening]:
    server = Listening(app, Settings(**limits), monitoring or Monitoring())
    try:
        yield server
    finally:
        server.server.should_exit = True
        server.thread.join(LONGEST)
        assert not server.thread.is_alive()


def test_heads_up_to_the_limit_are_taken_and_longer_ones_refused() -> None:
    def head(length: int) -> bytes:
        """A head of so many bytes by name and value, of which / and Host: x are 10."""
        return GET + b"A: " + b"a" * (length - 10 - 5) + b"\r\n\r\n"

    with listening(head_bytes=1024) as server:
        assert server.ask(head(1024)) == b"200 OK"
        assert server.ask(head(1025)) == b"431 Request Header Fields Too Large"
        assert server.ask(b"GET /" + b"a" * 2_000 + b" HTTP/1.1\r\n\r\n")[:3] == b"431"
        assert server.ask(head(1024)[:-2] + b"A: a\r\n\r\n")[:3] == b"431"
        body = b"Content-Length: 5000\r\n\r\n" + b"b" * 5_000
        assert server.ask(GET.replace(b"GET", b"POST") + body) == b"200 OK"
        assert server.ask(b"nonsense\r\n\r\n") == b"400 Bad Request"
        assert server.ask(GET + b"\r\n" + head(1025)) == b""  # sent behind a good one
        wait_for(lambda: server.refused(431) == 4)
        assert server.refused(400) == 1
        wait_for(lambda: server.connections() == 0)


@pytest.mark.parametrize(
    ("begin", "part"),
    [
        (GET, b"name: value\r\n"),
        (GET + b"name: ", b"value"),
        (b"GET /", b"path"),
        (b"", b"\r\n"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"trailer: value\r\n"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"extension"),
    ],
)
def test_a_flood_is_cut_off(begin: bytes, part: bytes) -> None:
    """A gigabyte is on its way: the connection ends after what buffers hold of it."""
    sent = 0
    with listening() as server, server.connect() as connection:
        connection.sendall(begin)
        with suppress(ConnectionResetError, BrokenPipeError):
            while sent < 1_000_000_000:
                sent += connection.send(part * (65_536 // len(part)))
        assert sent < 50_000_000
        wait_for(lambda: server.connections() == 0)
        assert server.refused(431) == 1
        assert server.ask(GET + b"\r\n") == b"200 OK"


def test_heads_have_their_time() -> None:
    with listening(head_seconds=0.2) as server:
        assert server.ask(GET) == b"408 Request Timeout"
        assert server.ask() == b""
        with server.connect() as dripping:
            for _ in range(50):
                try:
                    dripping.sendall(b"\r\n")
                except OSError:
                    break
                time.sleep(0.05)
            else:
                pytest.fail("it may drip for ever")
        with server.connect() as second:  # an answer gives no more time for the next head
            second.sendall(GET + b"\r\n")
            assert status_line(second) == b"200 OK"
            second.sendall(GET)
            assert status_line(second) == b"408 Request Timeout"
        assert (server.refused(408), server.refused("silent")) == (3, 1)


def test_who_is_silent_gives_way_and_who_is_busy_does_not() -> None:
    with listening(connections_per_address=3) as server:
        silent = [server.connect() for _ in range(3)]
        wait_for(lambda: server.connections() == 3)
        assert [server.ask(GET + b"\r\n") for _ in range(5)] == [b"200 OK"] * 5
        assert silent[0].recv(1) == b""  # the first to come, the first to go
        assert server.refused("gave way") >= 1
        for connection in silent:
            connection.close()
        wait_for(lambda: server.connections() == 0)
        busy = [server.connect() for _ in range(3)]
        for connection in busy:
            connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: not server.waiting())
        assert server.ask() == b"429 Too Many Requests"
        assert server.refused(429) == 1
        for connection in busy:
            connection.close()


def test_all_connections_have_a_limit_too() -> None:
    with listening(connections=2) as server:
        busy = [server.connect() for _ in range(2)]
        for connection in busy:
            connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: not server.waiting())
        assert server.ask() == b"503 Service Unavailable"
        assert server.refused(503) == 1
        for connection in busy:
            connection.close()


def test_a_thousand_silent_connections_keep_nobody_out() -> None:
    with listening(connections=300, connections_per_address=200) as server:
        silent = [socket.create_connection(server.address, timeout=LONGEST) for _ in range(500)]
        assert [server.ask(GET + b"\r\n") for _ in range(20)] == [b"200 OK"] * 20
        assert server.connections() <= 200
        for connection in silent:
            connection.close()


def test_requests_one_behind_the_other_are_all_answered() -> None:
    with listening() as server, server.connect() as connection:
        connection.sendall((GET + b"\r\n") * 3)
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < 3:
            answers += connection.recv(65_536)


def test_who_was_answered_early_may_not_send_for_ever() -> None:
    with listening(head_seconds=0.2, max_body_bytes=1024) as server:
        with server.connect() as connection:
            head = b"POST /early HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n"
            connection.sendall(head)
            assert status_line(connection) == b"200 OK"
            with suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(b"b" * 900_000_000)
                pytest.fail("it may send everything")
        wait_for(lambda: server.connections() == 0)
        with server.connect() as connection:
            connection.sendall(head)
            assert status_line(connection) == b"200 OK"
            wait_for(lambda: server.connections() == 0)  # by time


def test_who_does_not_read_is_not_waited_for() -> None:
    with listening(head_seconds=0.2) as server, server.connect() as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: server.connections() == 0)


def test_what_clients_break_is_not_our_fault(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    monitoring = service.app.state.process.monitoring
    key = service.as_("read")["Authorization"].encode()
    head = b" / HTTP/1.1\r\nHost: x\r\nAuthorization: " + key
    head += b"\r\nContent-Type: application/json\r\n"
    post = b"POST /recommendations" + head.removeprefix(b" /")
    with caplog.at_level(logging.WARNING), listening(service.app, monitoring) as server:
        handshake = (
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert server.ask(b"GET" + head + handshake) == b"400 Bad Request"
        assert server.ask(b"OPTIONS *" + head.removeprefix(b" /") + b"\r\n") == b"400 Bad Request"
        other = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
        assert server.ask(b"GET" + head + other) == b"200 OK"
        assert server.ask(b"HEAD" + head + b"\r\n") == b"200 OK"
        with server.connect() as half:
            half.sendall(post + b'Content-Length: 30\r\n\r\n{"customer"')
        wait_for(lambda: server.connections() == 0)
        chunk = b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"
        assert server.ask(post + chunk) == b"400 Bad Request"
        wait_for(lambda: counted(monitoring, "/recommendations", 400) == 2)
    assert monitoring.registry.get_sample_value("nextbest_errors_total") == 0
    assert [record.getMessage() for record in caplog.records] == []


def counted(monitoring: Monitoring, route: str, status: int) -> float:
    labels = {"route": route, "status": str(status)}
    return monitoring.registry.get_sample_value("nextbest_requests_total", labels) or 0

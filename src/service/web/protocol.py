"""What comes before the guard: limits of connections and of what comes before a body.

The parser of uvicorn keeps a request line and headers of any size, waits for them without end, and
takes any number of connections. Here each has its limit, and what goes beyond is refused, counted
and forgotten before a request is made of it.
"""

import asyncio
from collections import Counter
from functools import partial
from itertools import chain
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from src.service.monitoring.metrics import Monitoring
from src.service.settings import Settings

_DETAILS = {
    400: b"not a request of HTTP/1.1",
    408: b"the headers did not arrive in time",
    429: b"too many connections of one address",
    431: b"request line and headers are too large",
    503: b"too many connections",
}


class Connections:
    """The open connections of a process.

    If there are too many, of one address or in all, the one that has waited longest without a
    request gives way: first those that never sent one. So whoever opens many and says nothing does
    not keep others out.
    """

    def __init__(self, settings: Settings, monitoring: Monitoring) -> None:
        self.settings = settings
        self.refused = monitoring.connections_refused
        self.silent: dict[Limited, None] = {}  # never sent a whole head; the oldest first
        self.idle: dict[Limited, None] = {}  # between two requests; the oldest first
        self._by_address: Counter[str] = Counter()
        monitoring.connections.set_function(self._by_address.total)
        for cause in ("gave way", "silent", *_DETAILS):
            self.refused.labels(cause)  # a rate needs a zero to begin with

    def admit(self, one: "Limited") -> int:
        """Count a new connection; returns the status to refuse it with, or 0."""
        status = 0
        if self._by_address[one.address] >= self.settings.connections_per_address:
            status = 0 if self._made_room(one.address) else 429
        elif self._by_address.total() >= self.settings.connections:
            status = 0 if self._made_room(None) else 503
        self._by_address[one.address] += 1
        self.silent[one] = None
        return status

    def forget(self, one: "Limited") -> None:
        """Count a connection that has ended."""
        self.silent.pop(one, None)
        self.idle.pop(one, None)
        self._by_address[one.address] -= 1
        if not self._by_address[one.address]:
            del self._by_address[one.address]

    def _made_room(self, address: str | None) -> bool:
        for waiting in (self.silent, self.idle):
            for one in waiting:
                if address in {None, one.address}:
                    del waiting[one]
                    self.refused.labels("gave way").inc()
                    one.transport.abort()
                    return True
        return False


class Limited(HttpToolsProtocol):
    """One connection."""

    def __init__(self, connections: Connections, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.address = ""
        self._all = connections
        settings = connections.settings
        self._most = settings.head_bytes
        self._most_unread = settings.head_bytes + settings.max_body_bytes
        self._seconds = settings.head_seconds
        self._in_head = True
        self._bytes = 0  # of this message that are not of its body
        self._deadline: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self.url, self.headers = b"", []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit it, and wait for the first request for so long."""
        super().connection_made(transport)
        self.address = self.client[0] if self.client else ""
        if status := self._all.admit(self):
            self._refuse(status)
        else:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._all.forget(self)
        self._waited()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; as uvicorn does, but with limits, and without a line in the log for each fault."""
        self._unset_keepalive_if_required()
        self._bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.cycle.keep_alive = False  # nothing here is upgraded to; it is answered as HTTP/1.1
        except httptools.HttpParserError:
            self._refuse(431 if self._in_head and self._head_size() > self._most else 400)
            return
        if self._in_head:
            if self._bytes > self._most:
                self._refuse(431)
            elif self._bytes or self.cycle.response_complete:
                self._wait()
        elif self._bytes > self._most_unread:
            self._refuse(431)

    def on_headers_complete(self) -> None:
        """Take a request whose head is small enough.

        Raises
        ------
        ValueError
            It is not: the parser stops, and `data_received` refuses it.
        """
        if self._head_size() > self._most:
            raise ValueError(_DETAILS[431])
        super().on_headers_complete()
        self._in_head = False
        self._waited()
        self._all.silent.pop(self, None)
        self._all.idle.pop(self, None)

    def on_body(self, body: bytes) -> None:
        """Take a part of a body; what comes after the answer is counted, not kept."""
        if not self.cycle.response_complete:
            self._bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin to count anew."""
        self._in_head = True
        self._bytes = 0
        self._waited()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Wait for the next request; for so long for the rest of this one, if it is not whole."""
        super().on_response_complete()
        if self.transport.is_closing():
            if self.transport.get_write_buffer_size():
                self.pause_writing()
        elif not self.cycle.response_complete:
            pass  # requests were sent one behind the other, and another is answered now
        elif self._in_head:
            self._all.idle[self] = None
        else:
            self._wait()

    def pause_writing(self) -> None:
        """Wait for a client that does not read, for so long."""
        super().pause_writing()
        if self._stuck is None:
            self._stuck = self.loop.call_later(self._seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client reads."""
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, even if its client has not read the last answer."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def _head_size(self) -> int:
        texts = chain.from_iterable(self.headers)
        return len(self.url) + 4 * len(self.headers) + sum(map(len, texts))

    def _wait(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._seconds, self._too_late)

    def _waited(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        self._refuse(408)

    def _may_answer(self) -> bool:
        if self._in_head:
            return self.cycle is None or self.cycle.response_complete
        return not self.pipeline and not self.cycle.response_started

    def _refuse(self, status: int) -> None:
        """Answer, unless an answer is under way or nothing was asked, and close."""
        if self.transport.is_closing():
            return
        self._all.refused.labels("silent" if status == 408 and not self._bytes else status).inc()
        asked = self._bytes or status != 408
        if asked and self._may_answer():
            body = b'{"detail":"%s"}' % _DETAILS[status]
            self.transport.write(
                STATUS_LINE[status]
                + b"content-type: application/json\r\nconnection: close\r\nretry-after: 1\r\n"
                + b"content-length: %d\r\n\r\n" % len(body)
                + body
            )
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self.pause_writing()


def limited(settings: Settings, monitoring: Monitoring) -> Any:
    """What uvicorn makes the connections of, for its argument ``http``."""
    return partial(Limited, Connections(settings, monitoring))

"""Ten minutes of everything at once, and a kill in the middle: `python -m benchmarks.endurance`.

Run after `dvc repro`. A service of the last run is asked 100 times a second: known customers, full
profiles, unknown customers, feedback, bad requests, wrong keys. Meanwhile lists and models are read
again every `--reload-seconds`, and from the same address, but another process, come floods of
headers, connections that say nothing, and requests that no client should send. Half-way the
service is killed without warning and started again. At the end no answer may be a 500,
nothing of this an error in the service, memory may not have grown, and every acknowledged feedback
must be there.
"""

import argparse
import itertools
import multiprocessing
import os
import signal
import socket
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Event, Thread

import httpx
import numpy as np

from benchmarks.service import repeat, running, show
from scripts.simulate_load import Customers, requests, send, summary
from src import params
from src.products.schema import Schema
from src.service.monitoring.metrics import resident_bytes
from src.service.web import keys

PORT, METRICS_PORT = 8933, 8934
KINDS = ("personal", "mlc", "kmeans", "als", "all")
RELOAD_SECONDS = 240.0  # once before the kill and once after it, warm
FLOODS_EVERY, FLOOD_BYTES = 0.2, 2_000_000  # seconds; of headers, each time
SILENT, SILENT_EVERY = 300, 5.0  # connections; opened anew after so many seconds
BAD_EVERY = 0.05  # seconds
HEAD = b"POST /recommendations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BAD = [
    HEAD + b'Content-Length: 30\r\n\r\n{"customer"',
    b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    b"GET /customers/1%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\x16\x03\x01 this is no HTTP",
    b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
]
WARM = 0.2  # share of a process's life before which its memory still settles


class Server:
    """The service: killed and started again; its memory since each start."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self.memory: list[list[int]] = []
        self.errors = 0
        self.refused: Counter[str] = Counter()
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        process = self._stack.enter_context(
            running(
                ["-m", "src.service"],
                PORT,
                self._folder,
                NEXTBEST_PORT=str(PORT),
                NEXTBEST_METRICS_PORT=str(METRICS_PORT),
            )
        )
        self.memory.append([])
        self._process = process

    def count(self) -> None:
        """Add what its metrics say of our errors and of refused connections."""
        text = httpx.get(f"http://127.0.0.1:{METRICS_PORT}/metrics", trust_env=False).text
        for line in text.splitlines():
            name, _, value = line.rpartition(" ")
            if name == "nextbest_errors_total":
                self.errors += int(float(value))
            elif name.startswith("nextbest_connections_refused_total"):
                self.refused[name.split('"')[1]] += int(float(value))

    def kill(self) -> None:
        """End it without warning."""
        os.kill(self._process, signal.SIGKILL)

    def measure(self) -> None:
        """Note its resident memory, in bytes."""
        if size := resident_bytes(self._process):
            self.memory[-1].append(size)

    def close(self) -> None:
        """Stop it."""
        self._stack.close()


def growth(memory: list[int]) -> float:
    """By which part memory grew from the first fifth of a life, once warm, to the last."""
    settled = memory[round(len(memory) * WARM) :]
    part = max(1, len(settled) // 5)
    return float(np.median(settled[-part:]) / np.median(settled[:part]) - 1)


def reload_forever(key: str, over: Event, statuses: list[str], pause: float) -> None:
    """Have one kind after the other read again; note what came back."""
    with httpx.Client(base_url=f"http://127.0.0.1:{PORT}", timeout=120, trust_env=False) as client:
        for kind in itertools.cycle(KINDS):
            if over.wait(pause):
                return
            try:
                answer = client.post(
                    "/load_recommendations",
                    json={"kind": kind},
                    headers={"Authorization": f"Bearer {key}"},
                )
                statuses.append(str(answer.status_code))
            except httpx.HTTPError as error:
                statuses.append(type(error).__name__)


def flood_forever(over: Event) -> None:
    """Send headers without end, one connection after the other."""
    piece = b"name: value\r\n" * 5_000
    while not over.wait(FLOODS_EVERY):
        with suppress(OSError), _connection() as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n")
            for _ in range(FLOOD_BYTES // len(piece)):
                connection.sendall(piece)


def be_silent_forever(over: Event) -> None:
    """Open connections and say nothing; open them anew, as the service closes them."""
    while not over.is_set():
        with ExitStack() as stack:
            for _ in range(SILENT):
                with suppress(OSError):
                    stack.enter_context(_connection())
            over.wait(SILENT_EVERY)


def be_bad_forever(over: Event) -> None:
    """Send what no client should; do not wait for an answer."""
    for request in itertools.cycle(BAD):
        if over.wait(BAD_EVERY):
            return
        with suppress(OSError), _connection() as connection:
            connection.sendall(request)


def attack_forever() -> None:
    """All of it at once, until the process is killed."""
    over = Event()
    attacks = (flood_forever, be_silent_forever, be_bad_forever)
    threads = [Thread(target=attack, args=(over,)) for attack in attacks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _connection() -> closing[socket.socket]:
    return closing(socket.create_connection(("127.0.0.1", PORT), timeout=5))


def watch(server: Server, over: Event) -> None:
    """Measure memory every second."""
    while not over.wait(1):
        server.measure()


def main() -> None:
    """Load, kill, look."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=float, default=100, help="requests a second")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--reload-seconds", type=float, default=RELOAD_SECONDS)
    parser.add_argument("--attack", action=argparse.BooleanOptionalAction, default=True)
    chosen = parser.parse_args()
    customers = Customers(params.load("schema", Schema))
    planned = requests(
        customers,
        round(chosen.rate * chosen.seconds),
        chosen.seconds,
        cold=0.1,
        drift=0.05,
        errors=0.1,
        seed=7,
    )
    over = Event()
    reloads: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repeat(folder, chosen.customers)
        state = folder / "data/service"
        user = keys.create(state / "keys.json", "load", ["read", "feedback"])
        admin = keys.create(state / "keys.json", "admin", ["admin"])
        server = Server(folder)
        beside = [
            Thread(target=reload_forever, args=(admin, over, reloads, chosen.reload_seconds)),
            Thread(target=watch, args=(server, over)),
            Thread(target=_interrupt, args=(server, chosen.seconds / 2)),
        ]
        # A process of their own: in that of the good client they would slow down its clock.
        attackers = multiprocessing.Process(target=attack_forever, daemon=True)
        if chosen.attack:
            attackers.start()
        for thread in beside:
            thread.start()
        outcomes, duration = send(f"http://127.0.0.1:{PORT}", user, planned)
        over.set()
        for thread in beside:
            thread.join()
        if chosen.attack:
            attackers.kill()
        server.count()
        server.close()
        with sqlite3.connect(state / "feedback.db") as database:
            kept = {identity for (identity,) in database.execute("select id from feedback")}
    print(summary(outcomes, duration))
    shown = ", ".join(f"{status} {reloads.count(status)}" for status in sorted(set(reloads)))
    print(f"reloads: {shown}")
    statuses = [*reloads, *(outcome.status for outcome in outcomes)]
    refused = [outcome.feedback for outcome in outcomes if outcome.feedback]
    faults = sum(status.startswith("5") for status in statuses)
    faults += sum(feedback.startswith("refused (5") for feedback in refused)
    acknowledged = {outcome.stored for outcome in outcomes} - {None}
    seconds = [outcome.seconds for outcome in outcomes if outcome.status == "200"]
    show("good answers, p99", f"{1000 * np.quantile(seconds, 0.99):.0f} ms")
    show("peak memory", f"{max(map(max, server.memory)) / 1e6:.0f} MB")
    show("our errors, as counted", str(server.errors), "0")
    for cause, count in sorted(server.refused.items()):
        show(f"connections refused: {cause}", f"{count:,}")
    show("answers 5xx", str(faults), "0")
    show("acknowledged feedback", f"{len(acknowledged):,}")
    show("of it not kept", str(len(acknowledged - kept)), "0")
    for life, memory in zip(("before", "after"), server.memory, strict=True):
        show(f"memory {life} the kill, last", f"{memory[-1] / 1e6:.0f} MB")
        show("growth once warm", f"{growth(memory):+.1%}", "<= 5 %")


def _interrupt(server: Server, seconds: float) -> None:
    time.sleep(seconds)
    server.count()
    server.kill()
    server.start()


if __name__ == "__main__":
    main()

"""Throughput, latency, memory and start of the service with a million known customers.

    python -m benchmarks.service            # after dvc repro

The customers of the last run are repeated under new ids until there are enough of them. Service
and load generator share the machine, as in the target (2 cores, one worker). The generator is an
asyncio protocol on raw sockets, which costs a tenth of an HTTP library; the same generator loads an
empty FastAPI endpoint in the same run, for comparison. Latency at a rate is counted from the moment
a request was due, so a stall is not hidden by the requests that it held up. A host may keep a
virtual machine waiting, which the slowest percent shows first: that share is printed, too.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uvloop
from fastapi import FastAPI
from numpy.typing import NDArray

from benchmarks.machine import Stolen
from src.products import manifest, paths
from src.service.monitoring.metrics import resident_bytes
from src.service.web import keys

PORT, EMPTY_PORT = 8931, 8932
CONNECTIONS = 32
REPEATS = 3
ROOT = Path.cwd()

empty = FastAPI()


@empty.get("/")
async def nothing() -> dict[str, str]:
    """The endpoint to compare with."""
    return {}


def repeat(folder: Path, customers: int) -> NDArray[np.int64]:
    """Write the tables of the last run into a folder, repeated; returns the ids of all customers.

    Those of the last run keep their ids.
    """
    ids = pq.read_table(paths.HISTORY, columns=["customer"])["customer"].to_numpy()
    times = -(-customers // len(ids))
    step = int(ids.max()) + 1
    tables = [paths.HISTORY, paths.PROFILES, paths.RECOMMENDATIONS, paths.REASONS]
    tables += [paths.CHANCES, paths.WHO_REASONS]
    tables += [str(path) for path in sorted(Path(paths.SERVING_LISTS).glob("*.parquet"))]
    for path in tables:
        table = pq.read_table(path)
        own = table["customer"].to_numpy()
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(target, table.schema, compression="zstd") as writer:
            for number in range(times):
                place = table.column_names.index("customer")
                owners = pa.array(own + number * step)
                field = table.schema.field(place)
                writer.write_table(table.set_column(place, field, owners))
    for path in ("params.yaml", "service.yaml", paths.WINDOWS, paths.MEDIANS):
        shutil.copy(path, folder / path)
    shutil.copytree(paths.SERVING, folder / paths.SERVING)
    with chdir(folder):
        manifest.write()
    return np.concatenate([ids + number * step for number in range(times)])


class Connection(asyncio.Protocol):
    """One keep-alive connection: one request at a time."""

    def __init__(self) -> None:
        self.buffer = b""
        self.answer: asyncio.Future[int]
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Gather an answer; hand over its status when it is whole."""
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        start = self.buffer.lower().find(b"content-length: ") + 16
        length = int(self.buffer[start : self.buffer.find(b"\r\n", start)])
        if len(self.buffer) >= head + 4 + length:
            status = int(self.buffer[9:12])
            self.buffer = b""
            self.answer.set_result(status)

    def connection_lost(self, _: Exception | None) -> None:
        """Notify whoever is waiting."""
        if not self.answer.done():
            self.answer.set_exception(ConnectionError("the service has gone"))

    async def ask(self, request: bytes) -> None:
        """Send a request and wait for its answer.

        Raises
        ------
        RuntimeError
            The answer is not 200.
        """
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        status = await self.answer
        if status != 200:
            raise RuntimeError(f"answered {status}: {request[:200]!r}")


async def connect(port: int) -> list[Connection]:
    """Open all connections."""
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(CONNECTIONS)]
    return [connection for _, connection in made]


async def throughput(port: int, requests: list[bytes], seconds: float) -> float:
    """Answers per second, every connection asking as soon as it is answered."""
    waiting = iter(requests * 1000)
    answered = 0
    end = time.perf_counter() + seconds

    async def work(connection: Connection) -> None:
        nonlocal answered
        while time.perf_counter() < end:
            await connection.ask(next(waiting))
            answered += 1

    await asyncio.gather(*map(work, await connect(port)))
    return answered / seconds


async def latencies(port: int, requests: list[bytes], rate: float, seconds: float) -> Any:
    """Seconds from when each request was due to its answer."""
    idle = deque(await connect(port))
    found: list[float] = []
    now = time.perf_counter  # the clock of uvloop counts milliseconds

    async def one(due: float, request: bytes) -> None:
        while not idle:
            await asyncio.sleep(0.0005)
        connection = idle.popleft()
        await connection.ask(request)
        found.append(now() - due)
        idle.append(connection)

    start = now() + 0.1
    tasks = []
    for number in range(int(rate * seconds)):
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - now()))
        tasks.append(asyncio.create_task(one(due, requests[number % len(requests)])))
    await asyncio.gather(*tasks)
    return np.array(found)


def processor_seconds(process: int) -> float:
    """Processor time that a process has taken: other work on the machine disturbs it less."""
    times = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def loaded(process: int, port: int, requests: list[bytes], seconds: float) -> tuple[float, float]:
    """Answers per second, and seconds of the server's processor for each."""
    before = processor_seconds(process)
    reached = uvloop.run(throughput(port, requests, seconds))
    return reached, (processor_seconds(process) - before) / (reached * seconds)


def post(path: str, body: object, key: str) -> bytes:
    """A request as bytes."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def profiles(catalogue_folder: Path, count: int) -> list[dict[str, Any]]:
    """Requests with full profiles: clean ones of the last month, with holdings and history."""
    generator = np.random.default_rng(0)
    table = pq.read_table(catalogue_folder / paths.PROFILES).slice(0, 20_000)
    chosen = table.take(generator.choice(len(table), count)).to_pylist()
    products = pq.read_schema(catalogue_folder / paths.HISTORY).names
    products = [name for name in products if name not in {"customer", "present", "was_active"}]
    bodies = []
    for profile in chosen:
        profile.pop("customer")
        if profile.pop("income_missing", False):
            profile["income"] = None
        held = list(generator.choice(products, 3, replace=False))
        history = [{"holdings": held, "active": True}] * 11
        bodies.append({"profile": profile, "holdings": held, "history": history})
    return bodies


@contextmanager
def running(command: list[str], port: int, folder: Path, **environment: str) -> Iterator[int]:
    """Run a server until its port answers; yields its process id."""
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    try:
        asyncio.run(_until_listening(port, process))
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def _until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    while True:
        if process.poll() is not None:
            raise RuntimeError("the server has ended")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            return


def show(name: str, value: str, target: str = "") -> None:
    """Print a measurement beside its target."""
    print(f"{name:55s} {value:>14s}   {target}", flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=20)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = repeat(folder, chosen.customers)
        key = keys.create(folder / "data/service/keys.json", "benchmark", ["admin"])
        generator = np.random.default_rng(0)
        ids = generator.choice(known, 20_000).tolist()
        by_id = [post("/recommendations", {"customer": one}, key) for one in ids]
        full = [post("/recommendations", body, key) for body in profiles(folder, 2000)]
        limits = {"RATE_PER_SECOND": "1e6", "RATE_BURST": "1000000", "PORT": str(PORT)}
        settings = {f"NEXTBEST_{what}": value for what, value in limits.items()}
        for _ in range(REPEATS):
            began, stolen = time.perf_counter(), Stolen()
            with running(["-m", "src.service"], PORT, folder, **settings) as process:
                show("start to ready", f"{time.perf_counter() - began:.1f} s", "< 10 s")
                spent = f"{processor_seconds(process):.1f} s of processor"
                show("", f"{stolen.share():.0%} stolen", spent)
        with running(["-m", "src.service"], PORT, folder, **settings) as process:
            show("known customers", f"{len(known):,}")
            uvloop.run(throughput(PORT, by_id, 2))  # warm
            command = ["-m", "uvicorn", "benchmarks.service:empty", "--port", str(EMPTY_PORT)]
            quiet = ["--no-access-log", "--log-level", "warning"]
            get = [b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"]
            ratios, costs = [], []
            for _ in range(REPEATS):  # in turns, so that neither has the quieter machine
                with running([*command, *quiet], EMPTY_PORT, ROOT) as other:
                    uvloop.run(throughput(EMPTY_PORT, get * 1000, 1))
                    base, cost = loaded(other, EMPTY_PORT, get * 1000, chosen.seconds / 4)
                reached, our_cost = loaded(process, PORT, by_id, chosen.seconds / 4)
                ratios.append(reached / base)
                costs.append(cost / our_cost)
                show("empty endpoint", f"{base:,.0f} /s", f"{cost * 1e6:.0f} µs of processor")
                show(
                    "/recommendations by id",
                    f"{reached:,.0f} /s",
                    f"{our_cost * 1e6:.0f} µs of processor",
                )
            show("share of the empty endpoint", f"{np.median(ratios):.2f}", ">= 0.35")
            show("the same by processor time", f"{np.median(costs):.2f}")
            for title, requests, rate, target in (
                ("by id at 200 requests/s", by_id, 200, "p99 < 10 ms"),
                ("full profile with reasons at 50 requests/s", full, 50, "p99 < 25 ms"),
            ):
                uvloop.run(latencies(PORT, requests, rate, 2))
                for _ in range(REPEATS):
                    before, stolen = processor_seconds(process), Stolen()
                    found = uvloop.run(latencies(PORT, requests, rate, chosen.seconds)) * 1e3
                    each = (processor_seconds(process) - before) / len(found) * 1e3
                    p50, p99 = np.quantile(found, [0.5, 0.99])
                    show(title, f"{p50:.1f} / {p99:.1f} ms", f"p50 / p99; {target}")
                    show("", f"{stolen.share():.0%} stolen", f"{each:.1f} ms of processor each")
            show("resident memory", f"{resident_bytes(process) / 1e9:.2f} GB", "< 1.5 GB")
            reload = post("/load_recommendations", {"kind": "all"}, key)
            began = time.perf_counter()
            uvloop.run(_once(reload))
            show("reload of everything", f"{time.perf_counter() - began:.1f} s")
            show("resident memory after it", f"{resident_bytes(process) / 1e9:.2f} GB")


async def _once(request: bytes) -> None:
    await (await connect(PORT))[0].ask(request)


if __name__ == "__main__":
    main()

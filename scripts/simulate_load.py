"""Ask a running service as a bank would: customers by id, full profiles, unknown ones, feedback.

    NEXTBEST_KEY=nb_… python -m scripts.simulate_load                 # 100 requests in 230 s
    NEXTBEST_KEY=nb_… python -m scripts.simulate_load --requests 6000 --seconds 60 --drift 0.5

Customers are drawn from what the pipeline left in data/products. The key needs the scopes read and
feedback. The same seed sends the same requests at the same moments.
"""

import argparse
import os
import random
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from src import params
from src.errors import InputError, run
from src.models.history import History
from src.products import paths
from src.products.schema import Schema
from src.products.windows import Windows

_PROFILES = 0.2  # share of requests with a full profile, as from a branch office
_FEEDBACK = 0.2  # share of answers that somebody reacts to
_YEARS_OLDER = 30
_NEW_CHANNEL = "XXX"


@dataclass(frozen=True)
class Request:
    """What to send, and when: seconds after the start."""

    at: float
    body: dict[str, Any]
    authorized: bool = True
    reaction: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came back: status or name of the failure, seconds, source, what became of feedback.

    `stored` is the id under which feedback was acknowledged.
    """

    status: str
    seconds: float
    source: str | None = None
    feedback: str | None = None
    stored: int | None = None


def summary(outcomes: list[Outcome], duration: float) -> str:
    """What came back, in lines for people."""
    lines = [
        f"{len(outcomes)} requests in {duration:.1f} s, {len(outcomes) / duration:.2f} a second"
    ]
    for name in ("status", "source", "feedback"):
        counts = Counter(getattr(outcome, name) for outcome in outcomes)
        del counts[None]
        told = ", ".join(f"{value} {count}" for value, count in sorted(counts.items()))
        lines.append(f"{name}: {told or 'none'}")
    if outcomes:
        seconds = [outcome.seconds for outcome in outcomes]
        p50, p95, p99 = (1000 * np.quantile(seconds, [0.5, 0.95, 0.99])).tolist()
        lines.append(f"milliseconds: p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f}")
    return "\n".join(lines)


class Customers:
    """Customers of the last month, from the pipeline's tables."""

    def __init__(self, schema: Schema) -> None:
        for path in (paths.PROFILES, paths.HISTORY):
            if not Path(path).is_file():
                raise InputError(f"{path} is missing; run dvc repro or dvc pull")
        self._schema = schema
        self._profiles: pd.DataFrame = pq.read_table(paths.PROFILES).to_pandas()
        history = History.read(paths.HISTORY, list(schema.products), Windows.read().last)
        self._held = history.of(history.known()).holdings()

    def __len__(self) -> int:
        return len(self._profiles)

    def identity(self, row: int) -> int | str:
        """Id of a customer."""
        customer = self._profiles["customer"].iloc[row]
        return int(customer) if self._schema.id_type == "integer" else str(customer)

    def profile(self, row: int) -> dict[str, Any]:
        """Profile of a customer as an application would send it."""
        attributes = self._profiles.iloc[row]
        numbers: dict[str, Any] = {name: float(attributes[name]) for name in self._schema.numeric}
        if attributes.get("income_missing"):
            numbers["income"] = None
        return numbers | {name: str(attributes[name]) for name in self._schema.categorical}

    def holdings(self, row: int) -> list[str]:
        """What a customer holds."""
        return [
            name for name, held in zip(self._schema.products, self._held[row], strict=True) if held
        ]


def requests(
    customers: Customers,
    count: int,
    seconds: float,
    *,
    cold: float,
    drift: float,
    errors: float,
    seed: int,
) -> list[Request]:
    """Draw requests: `count` of them at random moments of `seconds`.

    Parameters
    ----------
    cold : float
        Share that comes from unknown customers: half with a profile, half with an unknown id.
    drift : float
        Share that comes from another population: 30 years older, with a new sales channel.
    errors : float
        Share that is wrong: an unknown field, an unknown product, no body worth the name, no key.
    """
    rng = random.Random(seed)  # noqa: S311
    moments = sorted(rng.uniform(0, seconds) for _ in range(count))
    return [_request(customers, moment, rng, cold, drift, errors) for moment in moments]


def _request(
    customers: Customers, at: float, rng: random.Random, cold: float, drift: float, errors: float
) -> Request:
    row = rng.randrange(len(customers))
    kind = rng.random()
    if kind < errors:
        wrong = rng.randrange(4)
        bodies: list[dict[str, Any]] = [{"profile": {"agee": 40}}, {"holdings": ["gold"]}, {}]
        identity = customers.identity(row)
        return Request(at, bodies[wrong] if wrong < 3 else {"customer": identity}, wrong < 3)
    kind -= errors
    if kind < drift:
        profile = customers.profile(row)
        if profile.get("age") is not None:
            profile["age"] = min(profile["age"] + _YEARS_OLDER, 99)
        if "channel" in profile:
            profile["channel"] = _NEW_CHANNEL
        return Request(at, {"profile": profile, "holdings": customers.holdings(row)})
    kind -= drift
    if kind < cold:
        if rng.random() < 0.5:
            return Request(at, {"profile": customers.profile(row)})
        unknown = rng.randrange(10**9, 2 * 10**9)
        is_text = isinstance(customers.identity(row), str)
        return Request(at, {"customer": f"unknown {unknown}" if is_text else unknown})
    reaction = None
    if rng.random() < _FEEDBACK:
        reaction = rng.choices(["shown", "dismissed", "accepted"], [6, 3, 1])[0]
    body: dict[str, Any] = {"customer": customers.identity(row)}
    if rng.random() < _PROFILES:
        body |= {"profile": customers.profile(row), "holdings": customers.holdings(row)}
    return Request(at, body, reaction=reaction)


def send(
    url: str, key: str, planned: list[Request], threads: int = 32
) -> tuple[list[Outcome], float]:
    """Send every request at its moment; returns what came back, and the seconds that it took.

    Raises
    ------
    InputError
        Nobody answers at `url`.
    """
    limits = httpx.Limits(max_connections=threads, max_keepalive_connections=threads)
    with (
        httpx.Client(base_url=url, timeout=10, limits=limits, trust_env=False) as client,
        ThreadPoolExecutor(threads) as pool,
    ):
        try:
            client.get("/health").raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise InputError(f"{url} does not answer ({error}); start it with make serve") from None
        started = time.monotonic()
        waiting = []
        for request in planned:
            time.sleep(max(0.0, started + request.at - time.monotonic()))
            waiting.append(pool.submit(_send, client, key, request))
        outcomes = [answer.result() for answer in waiting]
        return outcomes, time.monotonic() - started


def _send(client: httpx.Client, key: str, request: Request) -> Outcome:
    headers = {"Authorization": f"Bearer {key if request.authorized else 'nobody'}"}
    started = time.perf_counter()
    try:
        answer = client.post("/recommendations", json=request.body, headers=headers)
    except httpx.HTTPError as error:
        return Outcome(type(error).__name__, time.perf_counter() - started)
    seconds = time.perf_counter() - started
    if answer.status_code != 200:
        return Outcome(str(answer.status_code), seconds)
    content = answer.json()
    if not request.reaction or not content["recommendations"]:
        return Outcome("200", seconds, content["source"])
    body = {
        "customer": request.body["customer"],
        "product": content["recommendations"][0]["product"],
        "action": request.reaction,
        "answer": content["answer"],
        "token": uuid.uuid4().hex,
    }
    try:
        stored = client.post("/feedback", json=body, headers=headers)
    except httpx.HTTPError as error:
        return Outcome("200", seconds, content["source"], type(error).__name__)
    if not stored.is_success:
        return Outcome("200", seconds, content["source"], f"refused ({stored.status_code})")
    return Outcome("200", seconds, content["source"], request.reaction, stored.json()["id"])


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("a share lies between 0 and 1")
    return share


def main() -> None:
    """Draw requests, send them, print what came back."""
    parser = argparse.ArgumentParser(description="Ask a running service as a bank would.")
    parser.add_argument("--url", default=os.environ.get("NEXTBEST_URL", "http://127.0.0.1:8000"))
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=230, help="over how long")
    parser.add_argument("--cold", type=_share, default=0.1, help="share of unknown customers")
    parser.add_argument("--drift", type=_share, default=0.0, help="share of another population")
    parser.add_argument("--errors", type=_share, default=0.0, help="share of wrong requests")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    key = os.environ.get("NEXTBEST_KEY")
    if not key:
        raise InputError(
            "NEXTBEST_KEY is empty; make a key with "
            "'python -m src.service.web.keys create load --scopes read feedback'"
        )
    if chosen.cold + chosen.drift + chosen.errors > 1:
        raise InputError("--cold, --drift and --errors are shares of one whole; they exceed 1")
    planned = requests(
        Customers(params.load("schema", Schema)),
        chosen.requests,
        chosen.seconds,
        cold=chosen.cold,
        drift=chosen.drift,
        errors=chosen.errors,
        seed=chosen.seed,
    )
    print(summary(*send(chosen.url, key, planned)))


if __name__ == "__main__":
    run(main)

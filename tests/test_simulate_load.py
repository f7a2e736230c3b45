import sys
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from scripts import simulate_load
from scripts.simulate_load import Customers, Outcome, Request, requests, send, summary
from src.errors import InputError


class Bank:
    """Two customers: the first is 50, the second 80."""

    def __len__(self) -> int:
        return 2

    def identity(self, row: int) -> int:
        return 10 * (row + 1)

    def profile(self, row: int) -> dict[str, Any]:
        return {"age": [50.0, 80.0][row], "channel": "KFC"}

    def holdings(self, row: int) -> list[str]:
        return [[], ["card"]][row]


def drawn(**shares: float) -> list[Request]:
    chosen = {"cold": 0.0, "drift": 0.0, "errors": 0.0} | shares
    return requests(cast(Customers, Bank()), 1000, 230, **chosen, seed=7)


def kind(request: Request) -> str:
    if not request.authorized:
        return "no key"
    keys = set(request.body)
    if "customer" in keys and request.body["customer"] in {10, 20}:
        return "full" if "profile" in keys else "known"
    return " ".join(sorted(keys)) or "empty"


def test_moments_are_spread_over_the_time_and_in_order() -> None:
    moments = [request.at for request in drawn()]
    assert moments == sorted(moments)
    assert 0 <= moments[0] < 5
    assert 225 < moments[-1] <= 230


def test_same_seed_sends_the_same() -> None:
    assert drawn(cold=0.1, drift=0.2, errors=0.1) == drawn(cold=0.1, drift=0.2, errors=0.1)


def test_customers_are_known_some_with_a_full_profile_and_some_react() -> None:
    counts = Counter(kind(request) for request in drawn())
    assert set(counts) == {"known", "full"}
    assert counts["full"] == pytest.approx(200, abs=50)
    reactions = Counter(request.reaction for request in drawn())
    assert set(reactions) == {None, "shown", "dismissed", "accepted"}
    assert reactions[None] == pytest.approx(800, abs=50)


def test_strangers_come_with_a_profile_or_with_an_unknown_id() -> None:
    counts = Counter(kind(request) for request in drawn(cold=1))
    assert set(counts) == {"profile", "customer"}
    assert counts["customer"] == pytest.approx(500, abs=60)
    assert all(
        request.body["customer"] >= 10**9 for request in drawn(cold=1) if "customer" in request.body
    )


def test_drift_makes_customers_older_and_brings_a_new_channel() -> None:
    bodies = [request.body for request in drawn(drift=1)]
    assert all(set(body) == {"profile", "holdings"} for body in bodies)
    assert {tuple(body["profile"].values()) for body in bodies} == {(80, "XXX"), (99, "XXX")}


def test_errors_are_of_every_kind() -> None:
    counts = Counter(kind(request) for request in drawn(errors=1))
    assert set(counts) == {"profile", "holdings", "empty", "no key"}
    assert sum(kind(request) == "known" for request in drawn(errors=0.5)) == pytest.approx(
        400, abs=60
    )


def test_summary() -> None:
    outcomes = [
        Outcome("200", 0.001, "personal", "shown"),
        Outcome("200", 0.003, "personal"),
        Outcome("422", 0.002),
        Outcome("ConnectError", 0.002),
    ]
    assert summary(outcomes, 8.0) == (
        "4 requests in 8.0 s, 0.50 a second\n"
        "status: 200 2, 422 1, ConnectError 1\n"
        "source: personal 2\n"
        "feedback: shown 1\n"
        "milliseconds: p50 2.0, p95 2.8, p99 3.0"
    )
    assert summary([], 1.0).endswith("status: none\nsource: none\nfeedback: none")


def test_nobody_answers() -> None:
    with pytest.raises(InputError, match=r"http://127.0.0.1:9 does not answer .*make serve"):
        send("http://127.0.0.1:9", "nb_key", [])


@pytest.mark.parametrize(
    ("key", "arguments", "message"),
    [
        ("", [], "NEXTBEST_KEY is empty"),
        ("nb_key", ["--cold", "0.6", "--drift", "0.6"], "they exceed 1"),
        ("nb_key", [], r"data/products/profiles.parquet is missing; run dvc repro or dvc pull"),
    ],
)
def test_bad_input(
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    arguments: list[str],
    message: str,
) -> None:
    schema = {"id": "client", "month": "date", "numeric": {}, "categorical": {}}
    titles = {name: {"en": name, "ru": name} for name in ("card", "loan")}
    params = {"schema": schema | {"products": titles}}
    (workspace / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    monkeypatch.setenv("NEXTBEST_KEY", key)
    monkeypatch.setattr(sys, "argv", ["simulate_load", *arguments])
    with pytest.raises(InputError, match=message):
        simulate_load.main()

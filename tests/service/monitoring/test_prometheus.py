"""A real Prometheus scrapes the running service under load; skipped where there is none."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from scripts.simulate_load import Customers, requests, send
from src.products.schema import Schema
from src.service.web import keys
from tests.service.bank import PARAMS

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
LONGEST = 180  # seconds; only something that hangs takes as long
WINDOW = 150  # requests
MOMENT = "500ms"

if shutil.which("prometheus") is None:
    pytest.skip("prometheus is not installed (Debian: prometheus)", allow_module_level=True)


def until(happened: Callable[[], Any], what: str) -> Any:
    """What `happened` returns once it is true; fails when it takes too long."""
    deadline = time.monotonic() + LONGEST
    while not (found := happened()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {LONGEST} s: {what}", pytrace=False)
        time.sleep(0.1)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Watched:
    """A service, what to ask it, and the Prometheus that watches it."""

    url: str
    key: str
    customers: Customers
    prometheus: httpx.Client

    def load(self, count: int, *, drift: float = 0, errors: float = 0) -> None:
        planned = requests(
            self.customers, count, 0, cold=0.05, drift=drift, errors=errors, seed=count
        )
        send(self.url, self.key, planned, threads=4)

    def ask(self, path: str, **parameters: str) -> Any:
        answer = self.prometheus.get(f"/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def values(self, query: str) -> list[float]:
        """Values of an instant query that are numbers."""
        values = [float(series["value"][1]) for series in self.ask("query", query=query)["result"]]
        return [value for value in values if value == value]

    def firing(self) -> set[tuple[str, str]]:
        return {
            (alert["labels"]["alertname"], alert["labels"].get("feature", ""))
            for alert in self.ask("alerts")["alerts"]
            if alert["state"] == "firing"
        }


def hurried(folder: Path, metrics_port: int) -> Path:
    """The configuration of deploy/, with moments instead of minutes."""
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text("utf-8"))
    rules = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": MOMENT, "evaluation_interval": MOMENT}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{metrics_port}"]}]
    for rule in rules["groups"][0]["rules"]:
        if "for" in rule:
            rule["for"] = MOMENT
    (folder / "rules.yml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return folder / "prometheus.yml"


@pytest.fixture(scope="module")
def watched(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    bank = tmp_path_factory.mktemp("watched")
    shutil.copytree(ran, bank, dirs_exist_ok=True)
    port, metrics_port, prometheus_port = free_port(), free_port(), free_port()
    key = keys.create(bank / "keys.json", "load", ["read", "feedback"])
    settings = {
        "PYTHONPATH": str(ROOT),
        "NEXTBEST_PORT": str(port),
        "NEXTBEST_METRICS_PORT": str(metrics_port),
        "NEXTBEST_KEYS": str(bank / "keys.json"),
        "NEXTBEST_DRIFT_REQUESTS": str(WINDOW),
        "NEXTBEST_DRIFT_LEAST": str(WINDOW // 2),
    }
    with (bank / "output").open("wb") as output:
        service = subprocess.Popen(
            [sys.executable, "-m", "src.service"],
            cwd=bank,
            env=os.environ | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        prometheus = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={hurried(bank, metrics_port)}",
                f"--storage.tsdb.path={bank / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{prometheus_port}",
            ],
            cwd=bank,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        url = f"http://127.0.0.1:{port}"
        before = Path.cwd()
        os.chdir(bank)
        try:
            customers = Customers(Schema.model_validate(PARAMS["schema"]))
        finally:
            os.chdir(before)
        try:
            with httpx.Client(
                base_url=f"http://127.0.0.1:{prometheus_port}", trust_env=False
            ) as client:
                until(lambda: answers(f"{url}/health"), "the service answers")
                until(lambda: answers(f"{client.base_url}/-/ready"), "Prometheus is ready")
                yield Watched(url, key, customers, client)
        finally:
            for process in (service, prometheus):
                process.terminate()
            for process in (service, prometheus):
                process.wait(LONGEST)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


def queries() -> dict[str, str]:
    """Every query of the dashboard and of the rules, by where it stands."""
    board = json.loads((DEPLOY / "grafana/dashboards/nextbest.json").read_text("utf-8"))
    found = {
        f"{panel['title']} {target['refId']}": target["expr"].replace("$__rate_interval", "1m")
        for panel in board["panels"]
        for target in panel.get("targets", [])
    }
    rules = yaml.safe_load((DEPLOY / "prometheus/rules.yml").read_text("utf-8"))
    for rule in rules["groups"][0]["rules"]:
        # an alert that does not fire has no data, but its comparison has a result
        found[rule.get("alert") or rule["record"]] = re.sub(r" (==|>) ", r" \1 bool ", rule["expr"])
    return found


def test_every_query_of_the_dashboard_and_of_the_rules_has_data(watched: Watched) -> None:
    watched.load(2 * WINDOW, errors=0.1)
    asked = queries()
    assert {"Drift of request features A", "Time to recommend C", "FeatureDrift"} < set(asked)

    def silent() -> set[str]:
        return {where for where, query in asked.items() if not watched.values(query)}

    deadline = time.monotonic() + LONGEST
    while silent() and time.monotonic() < deadline:
        watched.load(10, errors=0.5)
    assert silent() == set()


def test_rules_are_evaluated_without_a_fault(watched: Watched) -> None:
    (group,) = watched.ask("rules")["groups"]
    assert {rule["health"] for rule in group["rules"]} == {"ok"}


def test_alert_of_drift_fires_under_a_drifted_load_and_clears_after_it(watched: Watched) -> None:
    watched.load(WINDOW)
    until(lambda: ("FeatureDrift", "age") not in watched.firing(), "no drift under a normal load")
    watched.load(WINDOW + 1, drift=1)
    until(lambda: ("FeatureDrift", "age") in watched.firing(), "the alert fires")
    assert ("FeatureDrift", "segment") not in watched.firing()
    watched.load(WINDOW + 2)
    until(lambda: ("FeatureDrift", "age") not in watched.firing(), "the alert clears")

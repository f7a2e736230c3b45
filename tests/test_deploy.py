import fnmatch
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.dashboard import TARGET, text
from scripts.deps import closure
from src.products import paths

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
PINNED = re.compile(r"[a-z0-9/.-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9]+)*")
OURS = {"nextbest-service", "nextbest-pipeline"}


def content(path: str) -> Any:
    return yaml.safe_load((DEPLOY / path).read_text(encoding="utf-8"))


@pytest.fixture
def compose() -> dict[str, Any]:
    made: dict[str, Any] = content("compose.yaml")
    return made


@pytest.fixture
def dockerfile() -> list[tuple[str, list[str]]]:
    """Instructions of the Dockerfile and their words."""
    joined = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines()]
    words = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return [(name, shlex.split(rest)) for name, rest in words]


def stage(dockerfile: list[tuple[str, list[str]]], name: str) -> list[tuple[str, list[str]]]:
    """Instructions of a stage and of those that it builds on."""
    found: list[tuple[str, list[str]]] = []
    inside = False
    for instruction, words in dockerfile:
        if instruction == "FROM":
            inside = words[-1] == name
            if inside and not words[0].startswith("$"):
                found += stage(dockerfile, words[0])
        elif inside:
            found.append((instruction, words))
    return found


class TestDockerfile:
    def test_base_is_pinned_and_the_python_of_the_project(
        self, dockerfile: list[tuple[str, list[str]]]
    ) -> None:
        (argument,) = (words[0] for name, words in dockerfile if words[0].startswith("PYTHON="))
        assert PINNED.fullmatch(argument.removeprefix("PYTHON="))
        assert argument.startswith("PYTHON=python:3.11.")
        bases = {words[0] for name, words in dockerfile if name == "FROM"}
        assert bases == {"${PYTHON}", "build", "base"}

    @pytest.mark.parametrize("target", ["service", "pipeline"])
    def test_an_unprivileged_user_starts_it(
        self, dockerfile: list[tuple[str, list[str]]], target: str
    ) -> None:
        instructions = stage(dockerfile, target)
        user = max(place for place, (name, _) in enumerate(instructions) if name == "USER")
        assert instructions[user][1] == ["10001:10001"]
        assert [name for name, _ in instructions[user:] if name in {"RUN", "COPY"}] == []

    def test_service_has_a_health_check(self, dockerfile: list[tuple[str, list[str]]]) -> None:
        (check,) = (words for name, words in dockerfile if name == "HEALTHCHECK")
        assert "http://127.0.0.1:8000/health" in " ".join(check)

    def test_what_is_copied_exists_and_is_let_through(
        self, dockerfile: list[tuple[str, list[str]]]
    ) -> None:
        rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        let_through = {rule[1:] for rule in rules if rule.startswith("!")}
        copied = {
            source
            for name, words in dockerfile
            if name == "COPY" and not words[0].startswith("--from")
            for source in words[:-1]
        }
        assert "*" in rules
        assert let_through == copied
        missing = [path for path in sorted(copied) if not (ROOT / path).exists()]
        # Nothing may have been promoted yet: what need not be there is written as a pattern.
        assert missing == ["promoted*.json", "promoted*.lock"]

    def test_no_secret_gets_in(self) -> None:
        rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        let_through = [rule[1:] for rule in rules if rule.startswith("!")]
        for secret in (
            ".env",
            "deploy/.env",
            ".dvc/config.local",
            "data/service/keys.json",
            ".git",
        ):
            assert not any(
                fnmatch.fnmatch(secret, rule) or secret.startswith(f"{rule}/")
                for rule in let_through
            )

    def test_everything_that_the_service_reads_is_pulled(self) -> None:
        # Payments and campaigns are in no cache to pull from: containers serve products.
        elsewhere = re.compile("/(payments|campaign)/")
        files = [name for name in closure("src.service.__main__") if not elsewhere.search(name)]
        code = "".join((ROOT / file).read_text("utf-8") for file in files)
        read = {getattr(paths, name) for name in re.findall(r"\bpaths\.([A-Z_]+)", code)}
        recipe = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", "")
        command = json.loads(re.findall(r"^CMD (\[.*\])$", recipe, re.M)[0])
        assert command[:2] == ["dvc", "pull"]
        assert set(command[2:]) == read
        outs = {
            out if isinstance(out, str) else next(iter(out))
            for made in yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"].values()
            for out in made.get("outs", [])
        }
        assert read - outs == set()


class TestCompose:
    def test_every_container_is_locked_down(self, compose: dict[str, Any]) -> None:
        for name, service in compose["services"].items():
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
            assert not {"privileged", "cap_add", "network_mode", "pid"} & set(service), name

    def test_images_are_pinned_or_ours(self, compose: dict[str, Any]) -> None:
        images = {name: service["image"] for name, service in compose["services"].items()}
        loose = {
            name
            for name, image in images.items()
            if not PINNED.fullmatch(image) and image not in OURS
        }
        assert loose == set()
        built = [service["image"] for service in compose["services"].values() if "build" in service]
        assert sorted(built) == sorted(OURS)  # each once: the other users of its tag wait for it

    def test_ports_are_open_on_this_machine_only(self, compose: dict[str, Any]) -> None:
        ports = {
            name: service["ports"]
            for name, service in compose["services"].items()
            if "ports" in service
        }
        assert ports == {
            "service": ["127.0.0.1:8000:8000"],  # and not 9100, the metrics
            "prometheus": ["127.0.0.1:9090:9090"],
            "grafana": ["127.0.0.1:3000:3000"],
            "mlflow": ["127.0.0.1:5000:5000"],
            "s3": ["127.0.0.1:9000:9000"],
        }
        assert compose["networks"]["internal"] == {"internal": True}
        assert compose["services"]["postgres"]["networks"] == ["database"]

    def test_secrets_come_from_the_environment(self, compose: dict[str, Any]) -> None:
        for name, service in compose["services"].items():
            for variable, value in service.get("environment", {}).items():
                if re.search("PASSWORD|SECRET|KEY", variable):
                    assert re.search(r"\$\{[A-Z0-9_]+:\?set it in deploy/\.env\}", value), (
                        name,
                        variable,
                    )

    def test_example_names_every_variable_and_no_value_of_a_secret(self) -> None:
        used = set(re.findall(r"\$\{([A-Z0-9_]+)", (DEPLOY / "compose.yaml").read_text("utf-8")))
        lines = (DEPLOY / ".env.example").read_text("utf-8").splitlines()
        told = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        assert set(told) == used - {"NEXTBEST_REVISION"}  # of each deployment, from the shell
        assert {name: value for name, value in told.items() if value} == {
            "S3_ENDPOINT": "http://s3:9000",
            "S3_REGION": "us-east-1",
        }

    def test_everything_referred_to_is_there(self, compose: dict[str, Any]) -> None:
        for name, service in compose["services"].items():
            assert set(service["networks"]) <= set(compose["networks"]), name
            assert set(service.get("depends_on", {})) <= set(compose["services"]), name
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    assert (DEPLOY / source).exists(), (name, source)
                    assert volume.endswith(":ro"), (name, volume)
                else:
                    assert source in compose["volumes"], (name, source)

    def test_waits_for_what_can_tell_that_it_is_well(self, compose: dict[str, Any]) -> None:
        services = compose["services"]
        healthy = {name for name, service in services.items() if "healthcheck" in service}
        assert set(services) - healthy == {
            "models",
            "service",
        }  # one ends, one is in the Dockerfile
        for service in services.values():
            for other, condition in service.get("depends_on", {}).items():
                ends = condition["condition"] == "service_completed_successfully"
                assert ends == (other == "models")

    def test_prometheus_asks_the_metrics_port_of_the_service(self) -> None:
        (job,) = content("prometheus/prometheus.yml")["scrape_configs"]
        assert job["static_configs"] == [{"targets": ["service:9100"]}]


class TestPrometheus:
    @pytest.mark.parametrize(
        "command",
        [
            ("check", "config", "prometheus.yml"),
            ("check", "rules", "rules.yml"),
            ("test", "rules", "rules_test.yml"),
        ],
    )
    def test_promtool_finds_no_fault(self, command: tuple[str, ...]) -> None:
        if shutil.which("promtool") is None:
            pytest.skip("promtool is not installed (Debian: prometheus)")
        ended = subprocess.run(
            ["promtool", *command],
            cwd=DEPLOY / "prometheus",
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def test_every_alert_is_tested_both_ways(self) -> None:
        rules = content("prometheus/rules.yml")["groups"][0]["rules"]
        alerts = {rule["alert"] for rule in rules if "alert" in rule}
        checks = [
            check
            for case in content("prometheus/rules_test.yml")["tests"]
            for check in case.get("alert_rule_test", [])
        ]
        assert {check["alertname"] for check in checks if check.get("exp_alerts")} == alerts
        assert {check["alertname"] for check in checks if not check.get("exp_alerts")} == alerts


class TestGrafana:
    def test_dashboard_is_what_the_code_makes(self) -> None:
        assert TARGET.read_text("utf-8") == text(), "run: python deploy/grafana/dashboard.py"

    def test_panels_have_titles_units_and_places_of_their_own(self) -> None:
        panels = json.loads(text())["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        assert len({panel["title"] for panel in panels}) == len(panels)
        assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(
            panels
        )
        assert all(
            panel["fieldConfig"]["defaults"]["unit"] for panel in panels if panel["type"] != "row"
        )

    def test_data_source_is_the_one_provisioned(self) -> None:
        (source,) = content("grafana/provisioning/datasources/prometheus.yaml")["datasources"]
        panels = [panel for panel in json.loads(text())["panels"] if panel["type"] != "row"]
        assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
        interval = content("prometheus/prometheus.yml")["global"]["scrape_interval"]
        assert source["jsonData"]["timeInterval"] == interval

    def test_dashboard_lies_where_it_is_looked_for(self, compose: dict[str, Any]) -> None:
        (provider,) = content("grafana/provisioning/dashboards/nextbest.yaml")["providers"]
        folder = provider["options"]["path"]
        grafana = compose["services"]["grafana"]
        assert f"./grafana/dashboards:{folder}:ro" in grafana["volumes"]
        home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
        assert home == f"{folder}/{TARGET.name}"


class TestManual:
    @pytest.fixture
    def manual(self) -> str:
        return (DEPLOY / "Monitoring.md").read_text("utf-8")

    def test_explains_every_panel_under_its_row(self, manual: str) -> None:
        shown = [panel["title"] for panel in json.loads(text())["panels"]]
        body = manual.split("## Panels")[1].split("## Alerts")[0]
        told = re.findall(r"^(?:### (.+)|\| (?!panel|---)(.+?) \|.*)$", body, re.M)
        assert ["".join(pair) for pair in told] == shown

    def test_explains_every_alert(self, manual: str) -> None:
        rules = content("prometheus/rules.yml")["groups"][0]["rules"]
        told = re.findall(r"^### (.+)$", manual.split("## Alerts")[1], re.M)
        assert told == [rule["alert"] for rule in rules if "alert" in rule]

    def test_links_lead_somewhere(self, manual: str) -> None:
        for link in re.findall(r"\]\(([^)]+)\)", manual):
            path, _, place = link.partition("#")
            text = (DEPLOY / path).read_text("utf-8") if path else manual
            headings = re.findall(r"^#+ (.+)$", text, re.M)
            assert place in {"", *map(anchor, headings)}, link


def anchor(heading: str) -> str:
    """Of a heading, as Git hosts make it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from prometheus_client import CollectorRegistry

from src.errors import InputError
from src.payments import manifest, paths
from src.service.payments.catalogue import Catalogue
from src.service.payments.drift import ChanceDrift, Reference
from src.service.settings import Settings
from tests.service.bank import Service, Start
from tests.service.payments.stream import CLIENTS, DAY, ROWS_PER_GROUP, clean_table, run_recommend

FILES = [
    paths.CLEAN,
    paths.OPERATIONS,
    paths.NEW_PROVIDERS,
    paths.POPULAR,
    *(
        f"{paths.SERVED_OPERATIONS}/{name}"
        for name in (
            "booster.cbm",
            "logistic.json",
            "network.npz",
            "population.npz",
            "serving.json",
            "woe.json",
        )
    ),
]
NOT_RUN = (
    "the payments pipeline has not run: run dvc repro pipelines/payments/dvc.yaml, then POST "
    "/payments/load or start again"
)


def ready(service: Service) -> Any:
    return service.client.get("/ready", headers=service.as_("read")).json()["payments"]


def reload(service: Service) -> Any:
    return service.client.post("/payments/load", headers=service.as_("admin"))


def sample(service: Service, name: str, **labels: str) -> float | None:
    registry = service.app.state.process.monitoring.registry
    value: float | None = registry.get_sample_value(name, labels)
    return value


def test_products_are_served_without_payments(service: Service) -> None:
    assert service.ask({"customer": 1}).status_code == 200
    assert ready(service) == {
        "ready": False,
        "why": NOT_RUN,
        "day": None,
        "model": None,
        "revision": None,
        "digest": None,
        "known_clients": 0,
    }
    for kind in ("operations", "examples"):
        for answer in (
            service.ask({"client": 1}, f"/payments/{kind}"),
            service.client.get(f"/payments/{kind}/1", headers=service.as_("read")),
        ):
            assert answer.status_code == 404
            assert answer.json() == {"detail": NOT_RUN, "faults": []}
    assert reload(service).json() == {"detail": NOT_RUN, "faults": []}
    assert reload(service).status_code == 409
    assert sample(service, "nextbest_payments_known_clients") == 0
    assert np.isnan(sample(service, "nextbest_payments_data_age_days") or 0)
    assert sample(service, "nextbest_errors_total") == 0


def test_ready_and_metrics_tell_what_is_served(paying: Service) -> None:
    told = ready(paying)
    digest = told.pop("digest")
    assert told == {
        "ready": True,
        "why": "",
        "day": DAY,
        "model": "booster",
        "revision": "abc1234",
        "known_clients": CLIENTS,
    }
    labels = {"revision": "abc1234", "digest": digest, "last_day": "2025-08-31"}
    assert sample(paying, "nextbest_payments_models", **labels) == 1
    assert sample(paying, "nextbest_payments_known_clients") == CLIENTS
    assert (sample(paying, "nextbest_payments_data_age_days") or 0) > 300


def test_a_pipeline_that_runs_later(bank: Path, start: Start) -> None:
    service = start()
    run_recommend(bank)
    assert reload(service).json() == {
        "day": DAY,
        "revision": "abc1234",
        "known_clients": CLIENTS,
    }
    assert ready(service)["ready"]
    assert service.ask({"client": 1}, "/payments/operations").status_code == 200


@pytest.mark.parametrize("path", FILES)
@pytest.mark.usefixtures("payments")
def test_one_flipped_byte_is_found(path: str) -> None:
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 1
    Path(path).write_bytes(content)
    message = (
        f"^{path} is not the file that {manifest.PATH} is about: it is damaged, or of another run; "
        "run dvc repro pipelines/payments/dvc.yaml$"
    )
    with pytest.raises(InputError, match=message):
        Catalogue.load(Settings(revision="abc1234"))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of numpy.load
@pytest.mark.parametrize("path", FILES)
@pytest.mark.usefixtures("payments")
def test_a_damaged_file_is_a_sentence(path: str) -> None:
    """Even one for which somebody has written a new manifest."""
    Path(path).write_bytes(Path(path).read_bytes()[:-10])
    manifest.write()
    message = "^what recommend wrote about payments cannot be read .*; run dvc repro pipelines/pay"
    with pytest.raises(InputError, match=message):
        Catalogue.load(Settings(revision="abc1234"))


@pytest.mark.usefixtures("payments")
def test_the_manifest_holds_the_hash_of_every_file_and_nothing_else() -> None:
    written = json.loads(Path(manifest.PATH).read_text(encoding="utf-8"))
    assert written == {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in FILES}


def test_damaged_payments_do_not_keep_products_from_being_served(
    payments: Path, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    assert payments.is_dir()
    Path(paths.CLEAN).unlink()
    with caplog.at_level(logging.ERROR):
        service = start()
    why = "data/payments/clean.parquet is missing; run dvc repro pipelines/payments/dvc.yaml"
    assert caplog.messages == [f"payments are not served: {why}"]
    assert service.ask({"customer": 1}).status_code == 200
    assert ready(service)["why"] == why
    assert service.ask({"client": 1}, "/payments/operations").json()["detail"] == why


def test_a_reload_that_fails_changes_nothing(paying: Service) -> None:
    before = paying.app.state.payments.catalogue
    asked = paying.ask({"client": 4}, "/payments/operations").json()
    table = clean_table()
    pq.write_table(table.slice(0, len(table) - 1), "new.parquet", row_group_size=ROWS_PER_GROUP)
    Path("new.parquet").replace(paths.CLEAN)  # clean has run, recommend has not yet
    answer = reload(paying)
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith(f"{paths.CLEAN} is not the file that {manifest.PATH}")
    assert paying.app.state.payments.catalogue is before
    again = paying.ask({"client": 4}, "/payments/operations").json()
    assert {**again, "answer": ""} == {**asked, "answer": ""}
    manifest.write()
    assert reload(paying).status_code == 200
    assert paying.app.state.payments.catalogue is not before


def test_answers_are_counted_by_list_and_source(paying: Service) -> None:
    for client in (1, 4, 999):
        paying.ask({"client": client}, "/payments/operations")
    name = "nextbest_payments_answers_total"
    assert sample(paying, name, list="operations", source="personal") == 2
    assert sample(paying, name, list="operations", source="none") == 1
    assert sample(paying, "nextbest_answers_total", source="personal") is None


def test_drift_of_chances(payments: Path, start: Start) -> None:
    """The clients that recommend wrote about are no drift; one who comes again and again is."""
    assert payments.is_dir()
    service = start(drift_requests=200, drift_least=50)
    written = sorted(set(pq.read_table(paths.OPERATIONS)["client"].to_pylist()))
    for client in written:
        service.ask({"client": client}, "/payments/operations")
    assert sample(service, "nextbest_payments_drift_window") == len(written)
    assert sample(service, "nextbest_payments_chance_psi") == 0
    for _ in written:
        service.ask({"client": 1}, "/payments/operations")
    assert (sample(service, "nextbest_payments_chance_psi") or 0) > 0.25


def test_a_reference_is_cut_at_deciles() -> None:
    chances = np.arange(100, dtype=np.float32) / np.float32(128)
    reference = Reference.of(chances)
    assert reference.counts.tolist() == [10.0] * 10
    assert reference.edges == pytest.approx(np.arange(1, 10) * 9.9 / 128)
    same = Reference.of(np.full(5, 0.5, dtype=np.float32))
    assert (same.edges.tolist(), same.counts.tolist()) == ([0.5], [0.0, 5.0])


def test_an_answer_begun_before_a_reload_is_left_out() -> None:
    registry = CollectorRegistry()
    drift = ChanceDrift(registry, requests=10, seconds=60, least=1)
    old, new = (Reference.of(np.array([0.25, 0.75], dtype=np.float32)) for _ in range(2))
    assert registry.get_sample_value("nextbest_payments_drift_window") is None
    drift.use(old)
    drift.count(old, 0.3)
    assert registry.get_sample_value("nextbest_payments_drift_window") == 1
    drift.use(new)
    drift.count(old, 0.3)
    assert registry.get_sample_value("nextbest_payments_drift_window") == 0

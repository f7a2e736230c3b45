import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from src.errors import InputError
from src.products import manifest, paths
from src.products.promoted import Promoted
from src.products.scoring import Models
from src.service.__main__ import main
from src.service.app import create_app
from src.service.settings import Settings
from src.service.web import keys
from tests.service.bank import RULES, Service, TestClient

FILES = [
    paths.HISTORY,
    paths.PROFILES,
    paths.MEDIANS,
    paths.WINDOWS,
    paths.RECOMMENDATIONS,
    paths.REASONS,
    paths.CHANCES,
    paths.WHO_REASONS,
    f"{paths.SERVING_LISTS}/als.parquet",
    f"{paths.SERVING}/ranker.cbm",
    f"{paths.SERVING}/kmeans.npz",
]


@pytest.mark.parametrize("path", FILES)
@pytest.mark.usefixtures("bank")
def test_a_missing_file_ends_the_start_with_a_sentence(path: str) -> None:
    Path(path).unlink()
    with pytest.raises(InputError, match=f"{path} is missing; run dvc repro or dvc pull"):
        create_app(Settings())


@pytest.mark.usefixtures("bank")
def test_profiles_of_another_month() -> None:
    table = pq.read_table(paths.PROFILES)
    pq.write_table(table.slice(1), paths.PROFILES)
    manifest.write()
    with pytest.raises(InputError, match="does not describe the 119 customers of the last month"):
        create_app(Settings())


@pytest.mark.usefixtures("bank")
def test_a_misspelt_rule() -> None:
    rules = {**RULES, "eligibility": {"rulez": []}}
    Path("service.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    message = r"unknown parameter 'eligibility.rulez' \(did you mean 'rules'\?\)"
    with pytest.raises(InputError, match=message):
        create_app(Settings())


def reload(service: Service, kind: str) -> Any:
    return service.client.post(
        "/load_recommendations", json={"kind": kind}, headers=service.as_("admin")
    )


def test_lists_are_read_again(service: Service) -> None:
    before = service.ask({"customer": 1}, k=5).json()["recommendations"]
    lists = pq.read_table(paths.RECOMMENDATIONS)
    scores = pa.array(lists["score"].to_numpy() + 1)
    pq.write_table(
        lists.set_column(lists.column_names.index("score"), "score", scores), paths.RECOMMENDATIONS
    )
    manifest.write()
    answer = reload(service, "personal")
    assert answer.json() == {"kind": "personal", "month": "2016-04-28", "revision": "abc1234"}
    after = service.ask({"customer": 1}, k=5).json()["recommendations"]
    assert after[0]["score"] == pytest.approx(before[0]["score"] + 1)
    assert after[0]["reasons"] == before[0]["reasons"]
    assert reload(service, "all").status_code == 200


@pytest.mark.parametrize(
    ("kind", "path", "message"),
    [
        ("mlc", f"{paths.SERVING_LISTS}/mlc.parquet", "is not a whole parquet file"),
        ("personal", paths.REASONS, "is not a whole parquet file"),
        ("all", paths.PROFILES, "is not a whole parquet file"),
    ],
)
def test_a_broken_file_changes_nothing(
    service: Service, kind: str, path: str, message: str
) -> None:
    before = service.app.state.serving.catalogue
    Path(path).write_bytes(Path(path).read_bytes()[:-10])
    manifest.write()
    answer = reload(service, kind)
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith(f"{path} {message}")
    assert service.app.state.serving.catalogue is before


SERVED = [
    f"{paths.SERVING}/{name}"
    for name in (
        "als.npz",
        "kmeans.npz",
        "mlc.cbm",
        "popularity.npz",
        "ranker.cbm",
        "propensity.cbm",
        "pool.npz",
    )
] + [paths.WINDOWS, paths.MEDIANS, paths.HISTORY]
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "half": lambda content: content[: len(content) // 2],
    "other": lambda _: b'{"base": 3}',
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of numpy.load
@pytest.mark.parametrize("path", SERVED)
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_a_sentence(service: Service, path: str, damage: str) -> None:
    """Even one for which somebody has written a new manifest."""
    before = service.app.state.serving.catalogue
    Path(path).write_bytes(DAMAGES[damage](Path(path).read_bytes()))
    manifest.write()
    answer = reload(service, "all")
    assert answer.status_code == 409
    assert re.match(
        f"^{path} .+; (run dvc repro or dvc pull|get it again)$", answer.json()["detail"]
    )
    assert service.app.state.serving.catalogue is before
    with pytest.raises(InputError, match=f"^{path} "):
        create_app(Settings())


@pytest.mark.parametrize("path", [*SERVED, *FILES])
@pytest.mark.usefixtures("bank")
def test_one_flipped_byte_is_found(path: str) -> None:
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 1
    Path(path).write_bytes(content)
    message = (
        f"^{path} is not the file that {manifest.PATH} is about: it is damaged, or of another run"
    )
    with pytest.raises(InputError, match=message):
        create_app(Settings())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing, so models and lists may not be of one run; run dvc"),
        ("{", "is damaged: it is no JSON; run dvc"),
        ("[]", "is damaged: it is no table of files; run dvc"),
        (
            '{"models/serving/als.npz": "0"}',
            "is not about the files that are served: they differ in 17, for example "
            "data/products/chances.parquet; run dvc",
        ),
    ],
)
@pytest.mark.usefixtures("bank")
def test_a_run_without_a_manifest_is_refused(content: str | None, message: str) -> None:
    Path(manifest.PATH).unlink()
    if content is not None:
        Path(manifest.PATH).write_text(content)
    with pytest.raises(InputError, match=f"^models/serving/manifest.json {message}"):
        create_app(Settings())


@pytest.mark.usefixtures("bank")
def test_the_manifest_holds_the_hash_of_every_file_and_nothing_else() -> None:
    written = json.loads(Path(manifest.PATH).read_text())
    assert set(written) == {*SERVED, *FILES} | {
        f"{paths.SERVING_LISTS}/{name}.parquet" for name in ("mlc", "kmeans")
    }
    for path, found in written.items():
        assert found == hashlib.sha256(Path(path).read_bytes()).hexdigest()
    before = Path(manifest.PATH).read_bytes()
    manifest.write()
    assert Path(manifest.PATH).read_bytes() == before


def test_lists_beside_models_of_another_run(service: Service) -> None:
    before = service.app.state.serving.catalogue
    mlc = Path(f"{paths.SERVING_LISTS}/mlc.parquet")
    content = mlc.read_bytes()
    pq.write_table(pq.read_table(mlc), mlc, compression="none")
    answer = reload(service, "mlc")
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith(f"{mlc} is not the file that {manifest.PATH}")
    popularity = Models.load(paths.SERVING).popularity
    replace(popularity, shares=popularity.shares[::-1].copy()).save(
        f"{paths.SERVING}/popularity.npz"
    )
    manifest.write()  # a whole run
    answer = reload(service, "mlc")
    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        "models/serving/popularity.npz is of another run than what is served, so the lists of mlc "
        'do not fit it; read everything again: {"kind": "all"}'
    )
    assert service.app.state.serving.catalogue is before
    assert reload(service, "all").status_code == 200
    after = service.app.state.serving.catalogue
    assert after.digest != before.digest
    mlc.write_bytes(content)
    manifest.write()
    assert reload(service, "mlc").status_code == 200
    assert service.app.state.serving.catalogue.digest == after.digest


@pytest.mark.usefixtures("bank")
def test_a_file_that_is_replaced_while_it_is_read() -> None:
    def replaced() -> None:
        path = Path(paths.REASONS)
        with manifest.checked(manifest.read(), [paths.REASONS]):
            path.with_name("new").write_bytes(path.read_bytes())
            path.with_name("new").replace(path)

    with pytest.raises(InputError, match=f"^{paths.REASONS} was replaced while it was read; try"):
        replaced()


def test_reasons_of_other_lists(service: Service) -> None:
    before = service.app.state.serving.catalogue
    pq.write_table(pq.read_table(paths.REASONS).slice(1), paths.REASONS)
    manifest.write()
    answer = reload(service, "personal")
    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        f"{paths.REASONS} is not about the personal lists; run dvc repro or dvc pull"
    )
    assert service.app.state.serving.catalogue is before


@pytest.mark.parametrize("path", [paths.CHANCES, paths.WHO_REASONS])
@pytest.mark.usefixtures("bank")
def test_chances_of_other_customers(path: str) -> None:
    pq.write_table(pq.read_table(path).slice(1), path)
    manifest.write()
    message = f"^{path} is not about the 119 customers of the last month; run dvc repro or dvc pull"
    with pytest.raises(InputError, match=message):
        create_app(Settings())


@pytest.mark.usefixtures("bank")
def test_chances_that_are_none() -> None:
    table = pq.read_table(paths.CHANCES)
    place = table.column_names.index("anything")
    above = pa.array(table["anything"].to_numpy() + 1)
    pq.write_table(table.set_column(place, "anything", above), paths.CHANCES)
    manifest.write()
    with pytest.raises(InputError, match=f"^{paths.CHANCES}: column anything is no chance in some"):
        create_app(Settings())


@pytest.mark.parametrize(
    ("path", "column"),
    [(paths.HISTORY, "loan"), (paths.PROFILES, "customer"), (paths.CHANCES, "anything")],
)
@pytest.mark.usefixtures("bank")
def test_a_table_without_a_column(path: str, column: str) -> None:
    pq.write_table(pq.read_table(path).drop_columns(column), path)
    manifest.write()
    with pytest.raises(InputError, match=f"^{path} has no column {column}$"):
        create_app(Settings())
    assert not Path("data/service/feedback.db").exists()


def test_ready_tells_what_is_loaded(service: Service) -> None:
    ready = service.client.get("/ready", headers=service.as_("read")).json()
    assert ready.pop("loaded_at").startswith("20")
    assert len(ready.pop("digest")) == 12
    assert not ready.pop("payments")["ready"]
    assert ready == {
        "ready": True,
        "models": ["blend", "mlc", "kmeans", "als", "popularity"],
        "revision": "abc1234",
        "month": "2016-04-28",
        "known_customers": 120,
        "feedback": True,
        "promoted": None,
        "warnings": [],
    }


@pytest.mark.parametrize(("loaded", "revision"), [(True, "c0ffee0"), (False, "abc1234")])
def test_the_promoted_run_names_the_revision_if_its_models_are_loaded(
    service: Service, loaded: bool, revision: str
) -> None:
    digest = manifest.digest(manifest.read()) if loaded else "of another"
    Promoted("c0ffee0123", digest, "2016-05", "2016-05-03", "The first").write()
    assert reload(service, "all").json()["revision"] == revision
    ready = service.client.get("/ready", headers=service.as_("read")).json()
    assert (ready["revision"], ready["promoted"]) == (
        revision,
        {
            "revision": "c0ffee0123",
            "month": "2016-05",
            "since": "2016-05-03",
            "why": "The first",
            "served": loaded,
        },
    )


def test_statistics(service: Service) -> None:
    service.ask({"customer": 1}, k=1)
    service.ask({"customer": 999}, k=2)
    service.ask({})
    found = service.client.get("/get_statistics", headers=service.as_("read")).json()
    assert found["requests"] == {"/recommendations 200": 2, "/recommendations 422": 1}
    assert found["answers"] == {"personal": 1, "popularity": 1}
    assert found["fallbacks"] == 1
    assert sum(found["recommended"].values()) == 3
    assert sum(count for _, count in found["latency"]) == 3
    assert [bound for bound, _ in found["latency"]][-2:] == [1.0, None]
    assert found["products"]["card"] == {"en": "Card", "ru": "card (Ru)"}
    assert found["errors"] == 0


@pytest.mark.usefixtures("bank_of_texts")
def test_ids_of_text() -> None:
    chosen = Settings(revision="abc1234")
    key = keys.create(chosen.keys_file, "all", ["admin"])
    client = TestClient(create_app(chosen), headers={"Authorization": f"Bearer {key}"})
    with client:
        known = client.post("/recommendations?k=1", json={"customer": "c1000001"}).json()
        assert (known["customer"], known["source"]) == ("c1000001", "personal")
        stranger = client.post("/recommendations?k=1", json={"customer": "x"}).json()
        assert (stranger["customer"], stranger["source"]) == ("x", "popularity")
        digits = client.post("/recommendations?k=1", json={"customer": "0012"}).json()
        assert (digits["customer_id"], digits["source"]) == ("0012", "popularity")
        wrong = client.post("/recommendations?k=1", json={"customer": 1})
        assert wrong.json()["faults"][0]["reason"] == "Input should be a valid string"
        product = known["recommendations"][0]["product"]
        given = {"customer": "c1000001", "product": product, "action": "dismissed"}
        assert client.post("/feedback", json=given).status_code == 201
        again = client.post("/recommendations?k=1", json={"customer": "c1000001"}).json()
        assert again["removed"]["cooldown"] == 1
        profile = client.get("/customers/c1000001").json()
        assert profile["customer"] == "c1000001"
        online = {"customer": "c1000001", "holdings": []}
        answer = client.post("/recommendations?k=1", json=online).json()
        assert answer["source"] == "personal"


def test_a_setting_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTBEST_PORT", "abc")
    with pytest.raises(InputError, match="NEXTBEST_PORT is 'abc': Input should be a valid integer"):
        main()

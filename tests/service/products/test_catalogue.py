from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from src.errors import InputError
from src.products import paths
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
    answer = reload(service, kind)
    assert answer.status_code == 409
    assert answer.json()["detail"].startswith(f"{path} {message}")
    assert service.app.state.serving.catalogue is before


def test_reasons_of_other_lists(service: Service) -> None:
    before = service.app.state.serving.catalogue
    pq.write_table(pq.read_table(paths.REASONS).slice(1), paths.REASONS)
    answer = reload(service, "personal")
    assert answer.status_code == 409
    assert answer.json()["detail"] == (
        f"{paths.REASONS} is not about the personal lists; run dvc repro or dvc pull"
    )
    assert service.app.state.serving.catalogue is before


@pytest.mark.parametrize(
    ("path", "column"), [(paths.HISTORY, "loan"), (paths.PROFILES, "customer")]
)
@pytest.mark.usefixtures("bank")
def test_a_table_without_a_column(path: str, column: str) -> None:
    pq.write_table(pq.read_table(path).drop_columns(column), path)
    with pytest.raises(InputError, match=f"^{path} has no column {column}$"):
        create_app(Settings())
    assert not Path("data/service/feedback.db").exists()


def test_ready_tells_what_is_loaded(service: Service) -> None:
    ready = service.client.get("/ready", headers=service.as_("read")).json()
    assert ready.pop("loaded_at").startswith("20")
    assert len(ready.pop("digest")) == 12
    assert ready == {
        "ready": True,
        "models": ["blend", "mlc", "kmeans", "als", "popularity"],
        "revision": "abc1234",
        "month": "2016-04-28",
        "known_customers": 120,
    }


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

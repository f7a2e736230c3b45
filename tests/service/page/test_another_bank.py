"""Another bank changes the schema section and nothing else: pipeline, service and page run.

Five products, ids that are text, no income, other names; params.yaml and service.yaml are otherwise
those of the repository.
"""

import csv
import logging
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from playwright.sync_api import Browser, Response, expect

from src.errors import InputError
from src.products import clean, ingest, recommend, split
from src.service.app import create_app
from src.service.settings import Settings
from src.service.web import keys
from tests.service.bank import Service, TestClient, fit_models
from tests.service.page.conftest import ROOT, serve
from tests.service.page.screenshots import find, open_page, sign_in

PRODUCTS = {
    "conto": {"en": "Account", "ru": "Счёт"},
    "carta": {"en": "Card", "ru": "Карта"},
    "mutuo": {"en": "Mortgage", "ru": "Ипотека"},
    "fondo": {"en": "Fund", "ru": "Фонд"},
    "polizza": {"en": "Insurance", "ru": "Страховка"},
}
SCHEMA: dict[str, Any] = {
    "id": "codice_cliente",
    "id_type": "string",
    "month": "mese",
    "numeric": {"age": "eta"},
    "categorical": {"sex": "sesso", "branch": "filiale"},
    "products": PRODUCTS,
}
MONTHS = ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]


def rows() -> Iterator[dict[str, object]]:
    generator = np.random.default_rng(5)
    for number in range(150):
        held = generator.random(5) < 0.3
        person = {
            "codice_cliente": f"IT-{number:04}",
            "eta": int(generator.integers(18, 90)),
            "sesso": "MF"[number % 2],
            "filiale": f"Roma {number % 4}",
        }
        for month in MONTHS:
            held ^= generator.random(5) < 0.15
            yield {"mese": month, **person, **dict(zip(PRODUCTS, held.astype(int), strict=True))}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the bank, in which the pipeline has run."""
    made = tmp_path_factory.mktemp("banca")
    before = Path.cwd()
    os.chdir(made)
    try:
        lines = list(rows())
        with Path("estratto.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)
        content = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        content["ingest"]["path"] = "estratto.csv"
        content["schema"] = SCHEMA
        Path("params.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        Path("service.yaml").write_bytes((ROOT / "service.yaml").read_bytes())
        for stage in (ingest, clean, split):
            stage.main()
        fit_models()
        recommend.main()
    finally:
        os.chdir(before)
    return made


@pytest.fixture
def service(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.chdir(folder)
    settings = Settings(revision="abc1234", keys=folder / "keys.json")
    (folder / "keys.json").unlink(missing_ok=True)
    made = {str(scope): keys.create(folder / "keys.json", scope, [scope]) for scope in keys.SCOPES}
    app = create_app(settings)
    with TestClient(app) as client:
        yield Service(app, client, made)


def test_a_customer_is_shown_and_offered_products_of_this_bank(service: Service) -> None:
    answer = service.ask({"customer": "IT-0007"}, k=5).json()
    assert answer["source"] == "personal"
    found = service.client.get("/customers/IT-0007", headers=service.as_("read")).json()
    held = set(found["months"][0]["holdings"])
    assert {row["product"] for row in answer["recommendations"]} == set(PRODUCTS) - held
    assert set(found["profile"]) == {"age", "sex", "branch"}
    assert found["products"] == PRODUCTS


def test_rules_of_the_other_bank_do_not_apply_and_the_log_says_so(
    folder: Path, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    assert service.ask({"profile": {"age": 10}, "holdings": []}, k=5).json()["removed"] == {}
    with caplog.at_level(logging.WARNING):
        create_app(Settings(keys=folder / "keys.json"))
    (said,) = [record.message for record in caplog.records if "service.yaml" in record.message]
    assert "is about a bank whose ids are in another column than codice_cliente" in said
    assert "no rule of eligibility applies" in said


def test_attributes_have_their_plain_names(service: Service) -> None:
    words = service.client.get("/vocabulary", headers=service.as_("read")).json()
    assert words["headline"] == []
    assert words["attributes"] == {
        name: {"title": {"en": name, "ru": name}, "unit": None, "codes": {}}
        for name in ("age", "sex", "branch")
    }
    assert set(words["sources"]) == {"mlc", "kmeans", "als"}


def test_a_rule_about_an_attribute_that_is_not_there_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    rules = yaml.safe_load(Path("service.yaml").read_text(encoding="utf-8"))
    rules["bank"] = {"id": "codice_cliente"}
    own = folder / "own.yaml"
    own.write_text(yaml.safe_dump(rules), encoding="utf-8")
    with pytest.raises(InputError, match="rule 'deceased': 'deceased' is not an attribute"):
        create_app(Settings(rules=own))


def test_the_page_shows_it(folder: Path, browser: Browser) -> None:
    (folder / "data/service/keys.json").unlink(missing_ok=True)
    with serve(folder) as running:
        page = open_page(browser, running.address, "light")
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        sign_in(page, running.keys["page"])
        find(page, "IT-0007")
        expect(page.locator("h1:visible")).to_have_text("Customer IT-0007")
        names = [text.strip() for text in page.locator(".profile dt").all_inner_texts()]
        assert names == ["Age", "Sex", "Branch"]
        values = [text.strip() for text in page.locator(".profile dd").all_inner_texts()]
        profile = running.get("customers/IT-0007").json()["profile"]
        assert values == [f"{profile['age']:.0f}", profile["sex"], profile["branch"]]
        offers = running.recommendations("IT-0007")["recommendations"]
        shown = [text.strip() for text in page.locator(".offer h3").all_inner_texts()]
        assert shown == [offer["title"]["en"] for offer in offers]
        for identity in (".", "..", "a/b", "../ready", "0012", "90071992547409931", "50%2e?x#y"):
            with page.expect_response(partial(_is_feedback, identity)) as stored:
                find(page, identity)
            assert stored.value.status == 201
            expect(page.locator("#found > .note")).to_contain_text(f"Customer {identity} is not")
        page.go_back()
        expect(page.locator("#found > .note")).to_contain_text("Customer 90071992547409931 is not")
        page.context.close()
    assert faults == []


def _is_feedback(customer: str, response: Response) -> bool:
    sent = response.request.post_data_json if response.url.endswith("/feedback") else None
    return sent is not None and sent["customer"] == customer

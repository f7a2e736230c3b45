"""The contacts of a campaign, served by customer."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from src.campaign import paths
from src.reporting import write_parquet
from src.service.app import create_app
from src.service.settings import Settings
from src.service.web import keys
from tests.service.bank import Service, Start, TestClient

# Customer 3 twice, 10 (who wants no letters) and 5 once; the best contact comes first.
CONTACTS = {
    "rank": np.array([1, 2, 3, 4], dtype=np.int32),
    "customer": [3, 10, 5, 3],
    "product": ["loan", "card", "fund", "card"],
    "channel": ["call", "email", "email", "email"],
    "chance": [0.5, 0.25, 0.25, 0.125],
    "expected": [9.5, 4.75, 2.75, 1.5],
}
LOAN = {
    "rank": 1,
    "product": "loan",
    "title": {"en": "Loan", "ru": "loan (Ru)"},
    "channel": "call",
    "chance": 0.5,
    "expected": 9.5,
}
CARD = {
    "rank": 4,
    "product": "card",
    "title": {"en": "Card", "ru": "card (Ru)"},
    "channel": "email",
    "chance": 0.125,
    "expected": 1.5,
}


def plan(month: str = "2016-05", **changes: Any) -> None:
    table = pa.table(CONTACTS | changes)
    write_parquet(paths.CONTACTS, table.replace_schema_metadata({"month": month}))


def ask(service: Service, customer: int) -> Any:
    address = f"/campaign/contacts?customer={customer}"
    return service.client.get(address, headers=service.as_("read"))


def load(service: Service) -> Any:
    return service.client.post("/campaign/load", headers=service.as_("admin"))


@pytest.mark.usefixtures("bank")
def test_contacts_of_a_customer(start: Start) -> None:
    plan()
    service = start()
    assert ask(service, 3).json() == {
        "customer": 3,
        "customer_id": "3",
        "month": "2016-05",
        "contacts": [LOAN, CARD],
        "removed": {},
    }
    assert ask(service, 4).json()["contacts"] == []
    unknown = ask(service, 999)
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "not a known customer")


@pytest.mark.usefixtures("bank")
def test_rules_and_answers_of_today_apply(start: Start) -> None:
    plan()
    service = start()
    silent = ask(service, 10).json()
    assert (silent["contacts"], silent["removed"]) == ([], {"do_not_contact": 1})
    said = {"customer": 3, "product": "loan", "action": "dismissed"}
    answer = service.client.post("/feedback", json=said, headers=service.as_("feedback"))
    assert answer.status_code in {200, 201}, answer.text
    dismissed = ask(service, 3).json()
    assert (dismissed["contacts"], dismissed["removed"]) == ([CARD], {"cooldown": 1})


@pytest.mark.usefixtures("bank")
def test_without_a_campaign_the_answer_says_how_to_plan_one(start: Start) -> None:
    service = start()
    missing = ask(service, 3)
    assert missing.status_code == 404
    assert missing.json()["detail"] == (
        "no campaign has been planned: run 'dvc repro pipelines/campaign/dvc.yaml'"
    )
    assert load(service).status_code == 404
    plan()
    assert load(service).json() == {"month": "2016-05", "contacts": 4}
    assert ask(service, 5).json()["contacts"][0]["product"] == "fund"


@pytest.mark.usefixtures("bank")
def test_a_broken_list_changes_nothing(start: Start) -> None:
    plan()
    service = start()
    for break_it, said in (
        (lambda: plan("2016-04"), "is a campaign for 2016-04, but the models served are asked"),
        (lambda: plan(product=["loan", "card", "house", "card"]), "product 'house' is not known"),
        (lambda: Path(paths.CONTACTS).write_bytes(b"PAR1"), "is not a whole parquet file"),
    ):
        break_it()
        refused = load(service)
        assert refused.status_code == 409
        assert said in refused.json()["detail"]
        assert ask(service, 3).json()["contacts"] == [LOAN, CARD]


@pytest.mark.usefixtures("bank")
def test_a_list_of_another_month_is_not_served(start: Start) -> None:
    plan("2016-04")
    answer = ask(start(), 3)
    assert answer.status_code == 404
    assert (
        "is a campaign for 2016-04, but the models served are asked about 2016-05"
        in (answer.json()["detail"])
    )


@pytest.mark.usefixtures("bank_of_texts")
def test_ids_of_text() -> None:
    plan(customer=["c1000003", "c1000010", "c1000005", "c1000003"])
    chosen = Settings(revision="abc1234")
    key = keys.create(chosen.keys_file, "reader", ["read"])
    client = TestClient(create_app(chosen), headers={"Authorization": f"Bearer {key}"})
    with client:
        answer = client.get("/campaign/contacts?customer=c1000003").json()
    assert [row["product"] for row in answer["contacts"]] == ["loan", "card"]

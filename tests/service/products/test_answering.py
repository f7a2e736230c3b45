import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from src.products import paths
from src.products.scoring import Models
from tests.service.bank import MONTHS, PRODUCTS, Service, Start, online_gaps


def lists(path: str = paths.RECOMMENDATIONS) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for row in pq.read_table(path).to_pylist():
        found.setdefault(row["customer"], []).append(row["product"])
    return found


def products(answer: Any) -> list[str]:
    return [row["product"] for row in answer.json()["recommendations"]]


def test_a_known_customer_gets_their_personal_list(service: Service) -> None:
    adult = [product for product in lists()[1] if product != "junior"]
    answer = service.ask({"customer": 1}, k=1)
    assert answer.status_code == 200
    content = answer.json()
    row = content["recommendations"][0]
    assert row["product"] == adult[0]
    assert row["title"] == {"en": adult[0].title(), "ru": f"{adult[0]} (Ru)"}
    assert row["source"] == "personal"
    assert row["supported_by"] == [
        kind
        for kind in ("mlc", "kmeans", "als")
        if adult[0] in lists(f"{paths.SERVING_LISTS}/{kind}.parquet")[1]
    ]
    expected = pd.read_parquet(paths.RECOMMENDATIONS).set_index(["customer", "product"])["score"]
    assert row["score"] == expected[1, adult[0]]
    assert content["source"] == "personal"
    assert content["why"] == "personal scores"
    assert not content["fallback"]
    assert (content["customer"], content["revision"]) == (1, "abc1234")
    assert content["for_month_after"] == "2016-04-28"


def test_what_the_list_leaves_open_is_filled_down_the_chain(service: Service) -> None:
    answer = service.ask({"customer": 1}, k=5).json()
    held = held_now(1)
    rows = answer["recommendations"]
    assert {row["product"] for row in rows} == set(PRODUCTS) - held - {"junior"}
    sources = [row["source"] for row in rows]
    order = ["personal", "mlc", "kmeans", "popularity"]
    assert sources == sorted(sources, key=order.index)


def test_a_stranger_gets_what_is_popular(service: Service) -> None:
    answer = service.ask({"customer": 999}, k=5).json()
    shares = Models.load(paths.SERVING).popularity.shares
    order = [PRODUCTS[item] for item in np.argsort(-shares, kind="stable")]
    assert [row["product"] for row in answer["recommendations"]] == order
    assert answer["source"] == "popularity"
    assert answer["fallback"]
    assert answer["why"] == "not a known customer; what most customers add"


def test_a_customer_who_left_gets_what_is_popular(service: Service) -> None:
    answer = service.ask({"customer": 8}).json()
    assert answer["source"] == "popularity"
    assert answer["why"] == "not a customer in the last month; what most customers add"


@pytest.mark.parametrize(
    ("customer", "rule", "left"),
    [(7, "deceased", []), (10, "do_not_contact", []), (9, "minors", ["junior"])],
)
def test_rules_come_last_and_are_counted(
    service: Service, customer: int, rule: str, left: list[str]
) -> None:
    held = held_now(customer)
    answer = service.ask({"customer": customer}, k=5)
    assert products(answer) == [product for product in left if product not in held]
    assert answer.json()["removed"] == {rule: len(set(PRODUCTS) - held - set(left))}
    total = service.app.state.process.monitoring.registry.get_sample_value(
        "nextbest_removed_total", {"rule": rule}
    )
    assert total == answer.json()["removed"][rule]


def test_who_holds_everything_is_offered_nothing(service: Service) -> None:
    answer = service.ask({"customer": 12}).json()
    assert answer["recommendations"] == []
    assert answer["source"] == "none"
    assert answer["why"] == "nothing is left to offer"


def test_a_profile_without_holdings_is_for_the_classifier(service: Service) -> None:
    answer = service.ask({"profile": {"age": 40, "segment": "TOP"}}, k=2).json()
    assert answer["source"] == "mlc"
    assert answer["why"] == "holdings are not known; what customers with this profile hold"
    mlc = service.ask({"profile": {"age": 40, "segment": "TOP"}}, "/get_online_mlc", 5).json()
    ranked = [row["product"] for row in mlc["recommendations"] if row["product"] != "junior"]
    assert [row["product"] for row in answer["recommendations"]] == ranked[:2]


def test_a_model_that_fails_is_passed_over(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("broken")

    models = service.app.state.serving.catalogue.models
    monkeypatch.setattr(type(models.first_stage["mlc"]), "score", fail)
    answer = service.ask({"profile": {"age": 40}, "holdings": []}).json()
    assert answer["source"] == "kmeans"
    assert answer["why"] == "personal, mlc failed; what the customer's cluster holds"


def test_a_model_that_fails_supports_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = service.app.state.serving.catalogue
    assert "als" not in catalogue.models.ranker.models
    request = {"profile": {"age": 40}, "holdings": ["account"]}
    before = service.ask(request, k=5).json()["recommendations"]
    assert any("als" in row["supported_by"] for row in before)

    def fail(*_: Any) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(type(catalogue.models.first_stage["als"]), "score", fail)
    after = service.ask(request, k=5).json()["recommendations"]
    without = [[name for name in row["supported_by"] if name != "als"] for row in before]
    assert after == [
        row | {"supported_by": left} for row, left in zip(before, without, strict=True)
    ]


def test_online_is_offline(service: Service) -> None:
    catalogue = service.app.state.serving.catalogue
    gaps = online_gaps(catalogue, list(range(1, 121)))
    assert set(gaps) == set(range(1, 121)) - {8}  # who has left
    assert all(gap <= 1e-6 for gap in gaps.values())


def test_reasons_online_are_those_of_the_pipeline(service: Service) -> None:
    stored = service.ask({"customer": 1}, k=3).json()["recommendations"]
    known = service.client.get("/customers/1", headers=service.as_("read")).json()
    months = [
        {"holdings": month["holdings"], "active": month["active"]} for month in known["months"]
    ]
    profile = {key: value for key, value in known["profile"].items() if key != "income_missing"}
    if known["profile"]["income_missing"]:
        profile["income"] = None
    request = {"profile": profile, "holdings": months[0]["holdings"], "history": months[1:]}
    computed = service.ask(request, k=3).json()["recommendations"]
    for before, now in zip(stored, computed, strict=True):
        if before["source"] != "personal":
            continue
        assert before["product"] == now["product"]
        assert before["supported_by"] == now["supported_by"]
        assert [reason["feature"] for reason in before["reasons"]] == [
            reason["feature"] for reason in now["reasons"]
        ]
        assert [reason["contribution"] for reason in before["reasons"]] == pytest.approx(
            [reason["contribution"] for reason in now["reasons"]],
            abs=2e-3,  # kept in 16 bits
        )
        assert all(reason["en"] and reason["ru"] for reason in before["reasons"])


def test_profile_and_holdings_of_a_known_customer(service: Service) -> None:
    found = service.client.get("/customers/1", headers=service.as_("read")).json()
    raw = pd.read_csv("raw.csv").query("client == 1").set_index("date")
    assert [month["month"] for month in found["months"]] == [*reversed(MONTHS)]
    for month in found["months"]:
        row = raw.loc[month["month"]]
        assert month["holdings"] == [name for name in PRODUCTS if row[name]]
        assert month["active"] == bool(row["activo"])
    assert found["profile"]["age"] == raw["edad"].iloc[0]
    missing = service.client.get("/customers/999", headers=service.as_("read"))
    assert missing.status_code == 404


def test_ids_are_told_as_text_and_may_be_asked_for_as_text(service: Service) -> None:
    by_number, by_text = (service.ask({"customer": one}).json() for one in (1, "1"))
    assert by_number["recommendations"] == by_text["recommendations"]
    assert (by_text["customer"], by_text["customer_id"]) == (1, "1")
    assert service.ask({"profile": {"age": 40}}).json()["customer_id"] is None
    mlc = service.ask({"customer": "1", "profile": {"age": 40}}, "/get_online_mlc").json()
    assert (mlc["customer"], mlc["customer_id"]) == (1, "1")
    read = service.as_("read")
    known = [
        service.client.get(path, headers=read).json()
        for path in ("/customers/1", "/customers?customer=1")
    ]
    assert known[0] == known[1]
    assert (known[0]["customer"], known[0]["customer_id"]) == (1, "1")
    far = service.ask({"customer": str(2**53 + 1)}).json()
    assert (far["customer"], far["customer_id"]) == (2**53 + 1, "9007199254740993")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, {"field": "body", "reason": "Value error, give customer, profile or holdings"}),
        (
            {"profile": {"aeg": 3}},
            {"field": "profile.aeg", "reason": "Extra inputs are not permitted"},
        ),
        (
            {"profile": {"age": "old"}},
            {"field": "profile.age", "reason": "Input should be a valid number"},
        ),
        (
            {"profile": {"segment": [3.5]}},
            {"field": "profile.segment", "reason": "Input should be a valid string"},
        ),
        (
            {"customer": "01"},
            {"field": "customer", "reason": "Input should be a valid integer"},
        ),
        (
            {"customer": "1_000"},
            {"field": "customer", "reason": "Input should be a valid integer"},
        ),
        (
            {"customer": " 1"},
            {"field": "customer", "reason": "Input should be a valid integer"},
        ),
        (
            {"customer": "9223372036854775808"},
            {"field": "customer", "reason": "Input should be less than 9223372036854775808"},
        ),
    ],
)
def test_what_is_wrong_with_a_field(
    service: Service, body: dict[str, Any], fault: dict[str, str]
) -> None:
    answer = service.ask(body)
    assert answer.status_code == 422
    assert answer.json() == {"detail": "the request is not valid", "faults": [fault]}


def test_absurd_and_unknown_values_are_treated_as_by_the_pipeline(service: Service) -> None:
    absurd = {"age": 1640, "tenure": -5, "segment": "never seen", "customer_type": "1.0"}
    missing = {"age": None, "tenure": None, "segment": "never seen", "customer_type": "1"}
    first, second = (
        service.ask({"profile": profile, "holdings": ["card"]}).json()["recommendations"]
        for profile in (absurd, missing)
    )
    assert first == second
    assert first


def test_every_answer_is_recorded(start: Start) -> None:
    service = start()
    answer = service.ask({"customer": 1}, k=2).json()
    service.client.__exit__(None, None, None)
    line = json.loads(Path("data/service/rec_history.log").read_text(encoding="utf-8"))
    assert line["answer"] == answer["answer"]
    assert line["customer"] == 1
    assert line["revision"] == "abc1234"
    assert line["products"] == [row["product"] for row in answer["recommendations"]]
    assert line["sources"] == [row["source"] for row in answer["recommendations"]]
    assert 0 < line["seconds"] < 60
    service.client.__enter__()


def held_now(customer: int) -> set[str]:
    raw = pd.read_csv("raw.csv").set_index(["client", "date"])
    return {name for name in PRODUCTS if raw.loc[(customer, MONTHS[-1]), name]}

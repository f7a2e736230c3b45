import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.payments import paths
from tests.service.bank import Service, Start, TestClient
from tests.service.payments.stream import (
    CLIENTS,
    DAY,
    LAST,
    PROVIDERS,
    Row,
    ago,
    asking,
    run_recommend,
    scored,
    serve_model,
)


def ask(service: Service, body: dict[str, Any], k: int = 50) -> Any:
    return service.ask(body, "/payments/operations", k)


def of_client(table: pa.Table, client: int) -> list[dict[str, Any]]:
    return [row for row in table.to_pylist() if row["client"] == client]


def compared(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Operations of an answer as rows of recommend."""
    cards = {one["provider"] for one in answer["cards"]}
    return [
        {
            "client": answer["client"],
            "provider": one["provider"],
            "chance": float(np.float32(one["chance"])),
            "place": one["place"],
            "card": one["provider"] in cards,
        }
        for one in answer["top"]
    ]


def test_a_whole_answer(paying: Service) -> None:
    answer = ask(paying, {"client": 1}).json()
    gas, tea = of_client(pq.read_table(paths.OPERATIONS), 1)
    assert answer.pop("answer").endswith("-1")
    reasons = [one.pop("reasons") for one in answer["top"]]
    assert all(len(one) <= 3 for one in reasons)
    for one, row in zip(answer["top"], (gas, tea), strict=True):
        assert np.float32(one.pop("chance")) == np.float32(row["chance"])
    assert answer == {
        "client": 1,
        "client_id": "1",
        "revision": "abc1234",
        "day": DAY,
        "horizon_days": 1,
        "model": "booster",
        "threshold": asking()["threshold"],
        "why": "2 of the client's operations were paid in the 40 days before",
        "cards": [],
        "top": [
            {
                "provider": "gas",
                "name": None,
                "place": 1,
                "last_paid": "2025-08-26",
                "last_amount": 100.0,
                "usual_amount": 102.0,  # of 100, 101, …: five payments in 40 days
                "expected": {"day": "2025-09-02", "within_days": 0, "gap_days": 7},
            },
            {
                "provider": "tea",
                "name": None,
                "place": 2,
                "last_paid": "2025-08-29",
                "last_amount": None,
                "usual_amount": 10.0,
                "expected": None,
            },
        ],
        "unknown_providers": [],
    }


def test_by_id_alone(paying: Service) -> None:
    sent = ask(paying, {"client": "4"}, k=2).json()
    got = paying.client.get("/payments/operations/4?k=2", headers=paying.as_("read")).json()
    assert sent.pop("answer") != got.pop("answer")
    assert got == sent
    assert len(got["top"]) == 2


def test_without_new_payments_it_is_what_recommend_wrote(paying: Service) -> None:
    answers = [ask(paying, {"client": client}).json() for client in range(1, CLIENTS + 1)]
    written = pq.read_table(paths.OPERATIONS).to_pylist()
    assert [row for answer in answers for row in compared(answer)] == written
    assert any(row["card"] for row in written)
    due = [
        {
            "client": answer["client"],
            "provider": one["provider"],
            "expected": one["expected"]["day"],
            "within_days": one["expected"]["within_days"],
            "gap_days": one["expected"]["gap_days"],
            "amount": one["last_amount"],
        }
        for answer in answers
        for one in answer["top"]
        if one["expected"]
    ]
    due.sort(key=lambda row: (row["client"], row["expected"], row["provider"]))
    assert due == [
        {**row, "expected": str(row["expected"])} for row in pq.read_table(paths.DUE).to_pylist()
    ]


@pytest.mark.parametrize("model", ["logistic", "network", "booster"])
@pytest.mark.parametrize("day", [None, "2025-09-05"])
def test_payments_made_meanwhile_count_at_once(
    payments: Path, start: Start, model: str, day: str | None
) -> None:
    """As if recommend had seen them."""
    assert payments.is_dir()
    serve_model(model)
    service = start()
    random = np.random.default_rng(5)
    for client in (1, 2, 3, *range(4, CLIENTS + 1, 7)):
        providers = random.choice(np.array([*PROVIDERS, None], dtype=object), 3)
        new: list[Row] = [
            (client, ago(-place), providers[place], 12.5 * place or None) for place in range(3)
        ]
        sent = [
            {"provider": provider, "amount": amount, "date": str(date), "region": "north"}
            for _, date, provider, amount in new
        ]
        if client % 2 == 0:
            for one in sent:
                one["region"] = "south"
        answer = ask(service, {"client": client, "payments": sent, "day": day}).json()
        assert answer["day"] == (day or "2025-09-03")
        assert answer["model"] == model
        expected = of_client(scored(new, answer["day"], model), client)
        assert compared(answer) == expected
        assert len(expected) >= len({one for one in providers if one})


def test_a_provider_whom_nobody_has_paid(paying: Service) -> None:
    new: list[dict[str, Any]] = [
        {"provider": "moon", "amount": 1, "date": DAY},
        {"provider": 7, "date": DAY},
        {"provider": "moon", "date": DAY},
        {"provider": "gas", "date": DAY},
    ]
    answer = ask(paying, {"client": 1, "payments": new}).json()
    assert answer["unknown_providers"] == ["moon", "7"]
    assert {one["provider"] for one in answer["top"]} == {"gas", "tea"}
    as_not_known = [{**one, "provider": None} for one in new[:3]] + new[3:]
    same = ask(paying, {"client": 1, "payments": as_not_known}).json()
    assert same.pop("unknown_providers") == []
    del answer["unknown_providers"], answer["answer"], same["answer"]
    assert same == answer


@pytest.mark.parametrize("client", [2, 3, 999])
def test_nothing_to_repeat(paying: Service, client: int) -> None:
    answer = ask(paying, {"client": client}).json()
    assert answer["why"] == "the client has paid no known provider in the 40 days before"
    assert (answer["cards"], answer["top"]) == ([], [])


def test_somebody_new_has_what_they_just_paid(paying: Service) -> None:
    new = [{"provider": "gas", "amount": 20, "date": str(LAST)}]
    answer = ask(paying, {"client": 999, "payments": new}).json()
    assert [one["provider"] for one in answer["top"]] == ["gas"]
    assert answer["top"][0]["last_paid"] == str(LAST)
    assert answer["day"] == DAY


TOO_LATE = "the pipeline must run on later payments first"


CANNOT_BE: list[tuple[dict[str, Any], str, str]] = [
    ({"client": "x"}, "client", "Input should be a valid integer"),
    ({"client": "9" * 19}, "client", "Input should be less than 9223372036854775808"),
    ({"client": 1, "day": "2025-08-31"}, "day", f"is before {DAY}, the day after the last"),
    (
        {"client": 1, "day": "2025-09-09"},
        "day",
        f"is more than 7 days after {DAY}, the day after the last that is known: {TOO_LATE}",
    ),
    (
        {"client": 1, "payments": [{"date": DAY}, {"date": "2025-08-30"}]},
        "payments.1.date",
        f"is before {LAST}, the last day that is known",
    ),
    (
        {"client": 1, "payments": [{"date": "2025-09-08"}]},
        "payments.0.date",
        f"is more than 7 days after {LAST}, the last day that is known: {TOO_LATE}",
    ),
    (
        {"client": 1, "payments": [{"date": DAY}], "day": DAY},
        "payments.0.date",
        f"is not before {DAY}, the day that is asked about",
    ),
    (
        {"client": 1, "payments": [{"date": DAY, "amount": -1}]},
        "payments.0.amount",
        "Input should be greater than or equal to 0",
    ),
    ({"client": 1, "payments": [{"date": 20_000}]}, "payments.0.date", "Input should be a val"),
    ({"client": 1, "payments": [{"amount": 1}]}, "payments.0.date", "Field required"),
    (
        {"client": 1, "payments": [{"date": DAY}] * 101},
        "payments",
        "List should have at most 100 items",
    ),
    ({"client": 1, "profile": {}}, "profile", "Extra inputs are not permitted"),
]


def test_what_cannot_be_asked(paying: Service) -> None:
    for body, field, reason in CANNOT_BE:
        answer = ask(paying, body)
        assert answer.status_code == 422, body
        (fault,) = answer.json()["faults"]
        assert fault["field"] == field, body
        assert fault["reason"].startswith(reason), body


def test_a_path_that_is_no_id(paying: Service) -> None:
    answer = paying.client.get("/payments/operations/x", headers=paying.as_("read"))
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["faults"]] == ["client"]


def test_the_last_days_that_may_be_asked_about(payments: Path, start: Start) -> None:
    assert payments.is_dir()
    service = start(payments_days=1)
    given: dict[str, Any] = {"client": 1, "payments": [{"date": DAY}]}
    for body in (given, {"client": 1, "day": "2025-09-02"}):
        assert ask(service, body).json()["day"] == "2025-09-02"
    late = {"client": 1, "payments": [{"date": "2025-09-02"}]}
    for body in (late, given | {"day": "2025-09-03"}):
        assert ask(service, body).status_code == 422


def test_ids_of_text_and_names(bank: Path, start: Start) -> None:
    run_recommend(bank, text_ids=True, names=True)
    service = start()
    answer = ask(service, {"client": "c01"}).json()
    assert (answer["client"], answer["client_id"]) == ("c01", "c01")
    assert [(one["provider"], one["name"]) for one in answer["top"]] == [
        ("gas", "Gas & Co"),
        ("tea", "Tea & Co"),
    ]
    assert ask(service, {"client": 1}).json()["faults"] == [
        {"field": "client", "reason": "Input should be a valid string"}
    ]
    assert ask(service, {"client": "c1"}).json()["top"] == []


def lines(service: Service) -> list[dict[str, Any]]:
    """The log of answers, written to the end."""
    service.app.state.process.log.close()
    text = Path("data/service/rec_history.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines() if line]


def test_every_answer_leaves_its_trace(paying: Service) -> None:
    answer = ask(paying, {"client": 1, "payments": [{"date": DAY}]}, k=1).json()
    ask(paying, {"client": 999})
    line, nothing = lines(paying)
    assert line.pop("at") > 1.7e9
    assert 0 < line.pop("seconds") < 60
    assert line == {
        "answer": answer["answer"],
        "customer": 1,
        "revision": "abc1234",
        "path": "payments/operations",
        "digest": paying.app.state.payments.catalogue.digest,
        "day": "2025-09-02",
        "payments": 1,
        "products": ["gas"],
        "scores": [answer["top"][0]["chance"]],
        "cards": len(answer["cards"]),
    }
    assert (nothing["products"], nothing["cards"]) == ([], 0)
    counts = paying.client.get("/get_statistics", headers=paying.as_("read")).json()
    assert counts["payments"] == {"operations personal": 1, "operations none": 1}
    assert counts["answers"] == {}
    assert counts["requests"] == {"/payments/operations 200": 2}


def test_a_key_that_may_not_read(paying: Service) -> None:
    client: TestClient = paying.client
    for method, path in (("POST", "/payments/operations"), ("GET", "/payments/examples/1")):
        answer = client.request(method, path, json={"client": 1}, headers=paying.as_("feedback"))
        assert (answer.status_code, answer.json()) == (403, {"detail": "forbidden"})

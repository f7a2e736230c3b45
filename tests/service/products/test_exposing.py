import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from src.errors import InputError
from src.experiment.assignment import Experiment
from src.feedback.exposure import draw
from src.service.products.exposing import Exposing
from tests.service.bank import RULES, Service, Start

ARMS = {"name": "offers", "salt": "s", "arms": {"control": 0.5, "treatment": 0.5}}
ABOUT = ("exposure", "experiment", "arm")


def decide(**sections: Any) -> None:
    Path("service.yaml").write_text(yaml.safe_dump(RULES | sections), encoding="utf-8")


def lines(service: Service) -> list[dict[str, Any]]:
    """What the log says, once the service has written it and ended."""
    service.client.__exit__(None, None, None)
    text = Path("data/service/rec_history.log").read_text(encoding="utf-8")
    service.client.__enter__()
    return [json.loads(line) for line in text.splitlines()]


def shown(answer: Any) -> list[str]:
    return [row["product"] for row in answer.json()["recommendations"]]


def test_nothing_is_left_to_chance_unless_said(start: Start) -> None:
    service = start()
    products = shown(service.ask({"customer": 1}))
    (line,) = lines(service)
    assert {name: line[name] for name in ABOUT} == {
        "exposure": {
            "share": 0,
            "ranked": products[:1],
            "barred": ["junior"],
            "random": False,
            "first_chance": 1,
            "order_chance": 1,
        },
        "experiment": None,
        "arm": None,
    }


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_log_says_what_was_shown_and_how_likely_that_was(start: Start, k: int) -> None:
    ranked = shown(start(keys=Path("keys.json")).ask({"customer": 1}))
    assert len(ranked) == 3
    decide(exposure={"share": 0.5, "first": 3})
    service = start()
    answers = [service.ask({"customer": 1}, k=k).json() for _ in range(40)]
    logged = {line["answer"]: line for line in lines(service)}
    orders = {1: 3, 2: 6, 3: 6}[k]
    for answer in answers:
        line = logged[answer["answer"]]
        products = [row["product"] for row in answer["recommendations"]]
        order = draw(answer["answer"], 0.5, 3)
        assert products == [ranked[place] for place in order or (0, 1, 2)][:k]
        assert line["products"] == products
        assert line["exposure"] == {
            "share": 0.5,
            "ranked": ranked,
            "barred": ["junior"],
            "random": order is not None,
            "first_chance": pytest.approx(0.5 * (products[0] == ranked[0]) + 0.5 / 3),
            "order_chance": pytest.approx(0.5 * (products == ranked[:k]) + 0.5 / orders),
        }
        assert line["revision"] == "abc1234"
        assert answer["source"] == answer["recommendations"][0]["source"]
        assert answer["why"].startswith("personal scores") == (answer["source"] == "personal")
        assert "left to offer" not in answer["why"]
    assert len({row["products"][0] for row in logged.values()}) == 3


def test_an_order_shown_has_the_same_offers_with_the_same_reasons(start: Start) -> None:
    before = start(keys=Path("keys.json")).ask({"customer": 1}).json()["recommendations"]
    decide(exposure={"share": 1, "first": 3})
    service = start()
    after = [service.ask({"customer": 1}).json()["recommendations"] for _ in range(10)]
    for rows in after:
        assert sorted(rows, key=lambda row: str(row["product"])) == sorted(
            before, key=lambda row: str(row["product"])
        )


def test_offers_behind_the_first_stay_where_they_are(start: Start) -> None:
    ranked = shown(start(keys=Path("keys.json")).ask({"customer": 1}))
    decide(exposure={"share": 1, "first": 2})
    service = start()
    found = [shown(service.ask({"customer": 1})) for _ in range(20)]
    assert {tuple(products) for products in found} == {
        tuple(ranked),
        (ranked[1], ranked[0], ranked[2]),
    }


def test_rules_and_cooldown_come_before(start: Start) -> None:
    decide(exposure={"share": 1, "first": 3})
    service = start()
    first = shown(service.ask({"customer": 1}))[0]
    told = {"customer": 1, "product": first, "action": "dismissed"}
    service.client.post("/feedback", json=told, headers=service.as_("feedback"))
    later = [shown(service.ask({"customer": 1}, k=5)) for _ in range(10)]
    assert not {first, "junior"} & {product for products in later for product in products}
    for line in lines(service)[1:]:
        assert set(line["exposure"]["barred"]) == {first, "junior"}


@pytest.mark.parametrize(
    "request_of",
    [
        {"customer": 999},  # unknown
        {"customer": 8},  # has left
        {"profile": {"age": 40}, "holdings": []},
    ],
)
def test_only_known_customers_meet_chance(start: Start, request_of: dict[str, Any]) -> None:
    decide(exposure={"share": 1, "first": 3}, experiment=ARMS)
    service = start()
    assert len({tuple(shown(service.ask(request_of))) for _ in range(10)}) == 1
    for line in lines(service):
        assert {name: line[name] for name in ABOUT} == dict.fromkeys(ABOUT)


def test_known_customers_meet_it_with_a_profile_as_well(start: Start) -> None:
    decide(exposure={"share": 1, "first": 2})
    service = start()
    body = {"customer": 1, "profile": {"age": 40}, "holdings": ["account"]}
    found = {tuple(shown(service.ask(body, k=2))) for _ in range(20)}
    assert len(found) == 2
    line = lines(service)[0]
    assert line["path"] == "online"
    assert line["exposure"]["barred"] == ["account", "junior"]
    assert line["exposure"]["first_chance"] == 0.5


def test_who_is_offered_nothing_meets_no_chance(start: Start) -> None:
    decide(exposure={"share": 1, "first": 3})
    service = start()
    assert shown(service.ask({"customer": 12})) == []
    (line,) = lines(service)
    assert line["exposure"]["ranked"] == []
    assert line["exposure"]["order_chance"] == 1


def test_arms_are_logged_and_have_shares_of_their_own(start: Start) -> None:
    decide(exposure={"share": 0, "first": 2, "arms": {"treatment": 0.5}}, experiment=ARMS)
    service = start()
    customers = [one for one in range(1, 40) if one not in (7, 8, 9, 10, 12)]
    for customer in customers:
        service.ask({"customer": customer})
    experiment = Experiment.model_validate(ARMS)
    for line in lines(service):
        arm = experiment.arm_of(line["customer"])
        assert (line["experiment"], line["arm"]) == ("offers", arm)
        assert line["exposure"]["share"] == {"control": 0, "treatment": 0.5}[arm]
    assert {experiment.arm_of(customer) for customer in customers} == {"control", "treatment"}


@pytest.mark.parametrize(
    ("sections", "fault"),
    [
        ({"exposure": {"shar": 0.1}}, "unknown parameter 'exposure.shar' .did you mean 'share'"),
        ({"exposure": {"share": 2}}, "'exposure.share' is 2: Input should be less than"),
        ({"exposrue": {"share": 1}}, "unknown section 'exposrue' .did you mean 'exposure'"),
        ({"experiment": ARMS | {"arms": {"a": 0.5, "b": 0.6}}}, "add up to 1, and add up to 1.1"),
        (
            {"exposure": {"arms": {"treatment": 1}}},
            "exposure.arms names 'treatment', but the section experiment is not set",
        ),
        (
            {"exposure": {"arms": {"new": 1}}, "experiment": ARMS},
            "exposure.arms names 'new', but .* has the arms control, treatment",
        ),
    ],
)
def test_what_is_wrong_in_service_yaml(bank: Path, sections: dict[str, Any], fault: str) -> None:
    decide(**sections)
    with pytest.raises(InputError, match=rf"service.yaml: .*{fault}"):
        Exposing.read(str(bank / "service.yaml"))


def test_both_sections_may_be_missing(bank: Path) -> None:
    decide(exposure=None)
    assert Exposing.read(str(bank / "service.yaml")).wanted(1, 1) == 1

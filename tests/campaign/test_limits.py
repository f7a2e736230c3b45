from typing import Any

import numpy as np
import pytest

from src.campaign.limits import problem_of, solve
from src.campaign.settings import Campaign, contacts_of
from src.errors import InputError
from tests.campaign.problems import check

PRODUCTS = ["account", "card", "loan"]
CHANCES = np.full((20, 3), 0.1, dtype=np.float32)
CHANCES[10:, 2] = 0  # ten hold a loan


def campaign(**changes: Any) -> Campaign:
    return Campaign.model_validate(
        {
            "capacity": 10,
            "contacts_per_customer": 1,
            "value": 30,
            "products": {},
            "channels": {"email": {"cost": 1}},
            "eligibility": False,
            "exclude": [],
            "cool_down": {"contacts": None, "days": 90},
            "exact_up_to": 100,
            "seed": 1,
            **changes,
        }
    )


def test_amounts() -> None:
    assert contacts_of(7, 1000) == 7
    assert contacts_of("7%", 100) == 7
    assert contacts_of("2.5%", 1000) == 25
    assert contacts_of("5%", 92_627) == 4631


def test_parameters_become_arrays() -> None:
    problem = problem_of(
        campaign(
            capacity="50%",
            contacts_per_customer=2,
            products={"loan": {"value": 500, "cost": 3, "capacity": "10%", "at_least": 1}},
            channels={
                "email": {"cost": 1, "capacity": 4, "products": ["account", "card"]},
                "call": {"cost": 5, "at_least": 2},
            },
        ),
        PRODUCTS,
        CHANCES,
    )
    limits = problem.limits
    none = CHANCES.size
    assert problem.worth.tolist() == [30, 30, 500]
    assert problem.costs.tolist() == [[1, 5], [1, 5], [np.inf, 8]]
    assert (limits.each, limits.total) == (2, 10)
    assert limits.most.tolist() == [none, none, 2]
    assert limits.least.tolist() == [0, 0, 1]
    assert limits.channel_most.tolist() == [4, none]
    assert limits.channel_least.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"products": {"yacht": {}}}, "campaign.products names yacht, but the schema"),
        (
            {"channels": {"email": {"cost": 1, "products": ["card", "yacht"]}}},
            "campaign.channels.email.products names yacht, but the schema",
        ),
        ({"contacts_per_customer": 4}, "contacts_per_customer is 4, but there are only 3 products"),
        ({"capacity": 0}, r"campaign.capacity \(0\) allows no contact"),
        ({"capacity": "2%"}, r"campaign.capacity \(2%\) allows no contact: with 20 customers it"),
        (
            {"channels": {"a": {"cost": 1, "capacity": 0}, "b": {"cost": 1, "capacity": "1%"}}},
            r"no channel has any capacity \(campaign.channels.a.capacity, "
            r"campaign.channels.b.capacity\)",
        ),
        (
            {"products": {"card": {"capacity": 2, "at_least": 3}}},
            "products.card.at_least asks for 3 contacts, but campaign.products.card.capacity "
            "allows 2",
        ),
        (
            {"channels": {"email": {"cost": 1, "capacity": "10%", "at_least": 3}}},
            "channels.email.at_least asks for 3 contacts, but campaign.channels.email.capacity "
            "allows 2",
        ),
        (
            {
                "products": {"loan": {"at_least": 3}},
                "channels": {"email": {"cost": 1, "products": ["card"]}},
            },
            "products.loan.at_least asks for 3 contacts, but the capacities of campaign.channels "
            "allow 0",
        ),
        (
            {
                "products": {"card": {"capacity": 2}},
                "channels": {"email": {"cost": 1, "products": ["card"], "at_least": 3}},
            },
            "channels.email.at_least asks for 3 contacts, but the capacities of campaign.products "
            "allow 2",
        ),
        (
            {"products": {"loan": {"at_least": 11}}, "capacity": 20},
            "products.loan.at_least asks for 11 contacts, but only 10 are possible",
        ),
        (
            {"products": {"loan": {"at_least": 6}, "card": {"at_least": 5}}},
            r"campaign.products.card.at_least \(5\) \+ campaign.products.loan.at_least \(6\) ask "
            r"for 11 contacts, but campaign.capacity \(10\) allows 10",
        ),
        (
            {
                "products": {"account": {"at_least": 15}, "card": {"at_least": 15}},
                "capacity": 40,
            },
            r"at_least ask for 30 contacts, but campaign.contacts_per_customer \(1\) leaves 20",
        ),
    ],
)
def test_contradictions_name_the_limits(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        problem_of(campaign(**changes), PRODUCTS, CHANCES)


def test_nobody_is_left() -> None:
    with pytest.raises(InputError, match=r"nobody may be offered anything: campaign.exclude"):
        problem_of(campaign(), PRODUCTS, np.zeros((5, 3), dtype=np.float32))


def test_minima_that_only_together_are_too_much() -> None:
    # Ten customers may be offered a loan or a card, and both minima want eight of them.
    chances = np.zeros((20, 3), dtype=np.float32)
    chances[:10, 1:] = 0.1
    chances[10:, 0] = 0.1
    settings = campaign(products={"card": {"at_least": 8}, "loan": {"at_least": 8}}, capacity=20)
    problem = problem_of(settings, PRODUCTS, chances)
    message = r"at_least \(8; .+ cannot be found\).*: all minima together need more customers"
    with pytest.raises(InputError, match=message):
        solve(settings, PRODUCTS, problem)


def test_limits_that_can_be_met() -> None:
    settings = campaign(products={"card": {"at_least": 4}, "loan": {"capacity": 1, "value": 90}})
    problem = problem_of(settings, PRODUCTS, CHANCES)
    found = solve(settings, PRODUCTS, problem)
    check(problem, found.contacts)
    # A loan brings 9 - 1, anything else 3 - 1.
    assert found.value == pytest.approx(8 + 9 * 2)
    counts = np.bincount(found.contacts.products, minlength=3)
    assert counts[1] >= 4
    assert counts[2] == 1


@pytest.mark.parametrize("amount", ["-1%", "5 %", -1, 0.05])
def test_amounts_that_mean_nothing(amount: object) -> None:
    with pytest.raises(ValueError, match="capacity"):
        campaign(capacity=amount)

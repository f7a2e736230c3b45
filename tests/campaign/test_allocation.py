from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from src.campaign import allocation
from src.campaign.allocation import allocate
from src.campaign.greedy import by_score
from src.campaign.prices import bound, find_prices, new_highs
from src.campaign.problem import Prices, Problem
from tests.campaign.problems import check, new_problem, problems, whole_programme

ALL, NOBODY = 1000, 0  # customers in the programme


def taken(problem: Problem, exact_up_to: int = ALL) -> list[tuple[int, int, int]]:
    found = allocate(problem, exact_up_to)
    check(problem, found.contacts)
    contacts = found.contacts
    return list(
        zip(
            contacts.rows.tolist(),
            contacts.products.tolist(),
            contacts.channels.tolist(),
            strict=True,
        )
    )


def test_those_who_bring_most_are_contacted() -> None:
    # 0.5 * 10 - 1 = 4, 0.2 * 10 - 1 = 1, 0.3 * 10 - 1 = 2
    problem = new_problem([[0.5], [0.2], [0.3]], [10], [[1]], total=2)
    assert taken(problem) == [(0, 0, 0), (2, 0, 0)]
    found = allocate(problem, ALL)
    assert found.value == pytest.approx(6)
    assert found.bound == pytest.approx(6)
    assert found.gap == pytest.approx(0, abs=1e-6)
    assert 1 - 1e-6 <= found.prices.total <= 2 + 1e-6  # the next one brings 1, the last one 2


def test_who_does_not_pay_is_not_contacted() -> None:
    problem = new_problem([[0.5], [0.05], [0.08]], [10], [[1]])
    assert taken(problem) == [(0, 0, 0)]
    assert allocate(problem, ALL).prices.total == 0


def test_a_product_with_little_room_goes_to_who_gains_most_by_it() -> None:
    # Highest first would give product 0 to customer 0, and 9 + 1 in all; 8 + 7 is better.
    problem = new_problem([[0.9, 0.7], [0.8, 0.1]], [10, 10], [[0], [0]], most=[1, 2])
    assert sorted(taken(problem)) == [(0, 1, 0), (1, 0, 0)]
    assert allocate(problem, ALL).value == pytest.approx(15)


def test_the_cheap_channel_is_used_up_first() -> None:
    # 8, 6 and 4 less 1 by the first channel, which has room for one, less 5 by the second
    problem = new_problem([[0.8], [0.6], [0.4]], [10], [[1, 5]], channel_most=[1, 3])
    found = allocate(problem, ALL)
    assert found.value == pytest.approx((8 - 5) + (6 - 1))  # 8 - 1 and 6 - 5 come to the same
    assert sorted(taken(problem)) == [(0, 0, 1), (1, 0, 0)]  # the dear way to who brings most
    assert found.prices.channels[0] == pytest.approx(4)  # what the second channel costs more


def test_a_channel_carries_its_products_only() -> None:
    problem = new_problem(
        [[0.9, 0.1], [0.8, 0.2]], [10, 10], [[np.inf, 2], [0, np.inf]], channel_most=[2, 1]
    )
    assert sorted(taken(problem)) == [(0, 0, 1), (1, 1, 0)]


def test_several_contacts_of_a_customer_are_about_different_products() -> None:
    problem = new_problem([[0.9, 0.8, 0.7]], [10, 10, 10], [[0]] * 3, each=2)
    assert taken(problem) == [(0, 0, 0), (0, 1, 0)]


def test_a_minimum_is_met_where_it_costs_least() -> None:
    # Product 1 brings 1 and 2 where product 0 brings 9 and 5: customer 1 loses 3, the other 8.
    problem = new_problem([[0.9, 0.1], [0.5, 0.2]], [10, 10], [[0], [0]], least=[0, 1])
    found = allocate(problem, ALL)
    assert sorted(taken(problem)) == [(0, 0, 0), (1, 1, 0)]
    assert -8 - 1e-6 <= found.prices.products[1] <= -3 + 1e-6


def test_a_minimum_may_make_a_loss() -> None:
    problem = new_problem([[0.1], [0.2]], [10], [[3]], least=1)
    found = allocate(problem, ALL)
    assert taken(problem) == [(1, 0, 0)]
    assert found.value == pytest.approx(-1)
    assert found.bound == pytest.approx(-1)


@pytest.mark.parametrize("exact_up_to", [ALL, NOBODY])
def test_what_a_minimum_lacks_is_said(exact_up_to: int) -> None:
    problem = new_problem(
        [[0.1, 0.3], [0.2, 0], [0, 0.1]], [10, 10], [[0], [0]], least=[2, 2], channel_most=3
    )
    found = allocate(problem, exact_up_to)
    check(problem, found.contacts)
    assert not found.complete
    assert found.lacking.sum() == 1
    assert found.channel_lacking.tolist() == [0]


def test_the_solver_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    highs = new_highs()
    highs.addVar(0, 1)
    highs.run()
    assert capfd.readouterr() == ("", "")


def test_nothing_to_offer() -> None:
    found = allocate(new_problem([[0.0], [0.0]], [10], [[1]]), ALL)
    assert (len(found.contacts), found.value, found.bound, found.gap) == (0, 0, 0, 0)


@settings(max_examples=60)
@given(problem=problems())
def test_the_programme_is_exact(problem: Problem) -> None:
    best = whole_programme(problem)
    found = allocate(problem, ALL)
    check(problem, found.contacts)
    assert found.complete == (best is not None)
    if best is not None:
        assert found.value == pytest.approx(best, abs=1e-4)
        assert found.bound == pytest.approx(best, abs=1e-4)


@settings(max_examples=60)
@given(problem=problems())
def test_prices_never_violate_a_limit_and_never_promise_less_than_there_is(
    problem: Problem,
) -> None:
    best = whole_programme(problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allocation, "_SETTLED", 2)
        found = allocate(problem, NOBODY)
    check(problem, found.contacts)
    assert found.complete == (best is not None)
    if best is not None:
        assert found.value <= best + 1e-4
        assert best <= found.bound + 1e-4


@settings(max_examples=30)
@given(problem=problems(minima=False))
def test_no_simpler_way_brings_more(problem: Problem) -> None:
    value = allocate(problem, ALL).value
    scores = problem.chances * problem.worth.astype(np.float32)
    simple = by_score(problem, scores, 1000, np.random.default_rng(1))
    check(problem, simple)
    assert float(simple.expected(problem).sum()) <= value + 1e-4


@settings(max_examples=30)
@given(problem=problems(minima=False))
def test_any_prices_bound_what_can_be_reached(problem: Problem) -> None:
    value = allocate(problem, ALL).value
    items, ways = problem.costs.shape
    for prices in (
        Prices(0.0, np.zeros(items), np.zeros(ways)),
        Prices(1.0, np.full(items, 0.5), np.full(ways, 0.25)),
    ):
        assert bound(problem, prices) >= value - 1e-4
    assert bound(problem, find_prices(problem)) >= value - 1e-4


def large(customers: int, tied: bool) -> Problem:
    """24 products of very different rates, three channels, limits of all kinds."""
    random = np.random.default_rng(5)
    rates = np.exp(random.normal(-6, 1.5, 24))
    spread = (
        random.integers(0, 8, (customers, 1)) if tied else random.normal(0, 1.5, (customers, 24))
    )
    chances = np.minimum(rates * np.exp(0.5 * spread), 0.9)
    chances[random.random(chances.shape) < 0.1] = 0
    total = customers // 20
    return new_problem(
        chances,
        np.exp(random.normal(3, 1, 24)),
        np.tile([0.0, 0.5, 2.0], (24, 1)),
        total=total,
        most=total // 6,
        least=[total // 50] * 4 + [0] * 20,
        channel_most=[total // 2, total // 3, total],
        channel_least=[0, 0, total // 5],
    )


def test_prices_and_programme_agree_on_twenty_thousand_customers() -> None:
    problem = large(20_000, tied=False)
    exact, priced = allocate(problem, 20_000), allocate(problem, NOBODY)
    for found in (exact, priced):
        check(problem, found.contacts)
        assert found.complete
    assert exact.gap < 1e-6
    assert priced.value == pytest.approx(exact.value, rel=1e-3)
    assert exact.value <= priced.bound * (1 + 1e-9)


def test_equal_chances_of_many_customers_are_no_harm() -> None:
    problem = large(20_000, tied=True)
    exact, priced = allocate(problem, 20_000), allocate(problem, NOBODY)
    check(problem, priced.contacts)
    assert priced.complete
    assert exact.gap < 1e-6
    assert priced.value == pytest.approx(exact.value, rel=1e-3)
    assert priced.gap < 1e-3


@pytest.mark.parametrize("unit", [1e-7, 1e7])
def test_the_currency_does_not_matter(unit: float) -> None:
    problem = large(2_000, tied=False)
    other = replace(problem, worth=problem.worth * unit, costs=problem.costs * unit)
    for exact_up_to in (NOBODY, 2_000):
        found, same = allocate(problem, exact_up_to), allocate(other, exact_up_to)
        assert same.value == pytest.approx(found.value * unit, rel=1e-6)
        assert same.gap < 1e-6
        assert same.prices.total == pytest.approx(found.prices.total * unit, rel=0.05)


def test_the_same_problem_has_the_same_list() -> None:
    problem = large(3_000, tied=True)
    for exact_up_to in (NOBODY, 3_000):
        first, second = allocate(problem, exact_up_to), allocate(problem, exact_up_to)
        for name in ("rows", "products", "channels"):
            assert np.array_equal(getattr(first.contacts, name), getattr(second.contacts, name))

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.errors import InputError
from src.experiment.planning import Question, plan_text

rates = st.floats(0.001, 0.4)
lifts = st.floats(0.02, 1)
shares = st.floats(0.05, 0.95)


def test_customers_by_hand() -> None:
    # 10 % against 12 %: (1.959964 √(2 · 0.11 · 0.89) + 0.841621 √(0.09 + 0.1056))² ÷ 0.02²
    root = 1.959964 * (2 * 0.11 * 0.89) ** 0.5 + 0.841621 * (0.09 + 0.1056) ** 0.5
    assert (root / 0.02) ** 2 == pytest.approx(3840.8, abs=0.1)
    assert Question(rate=0.1, lift=0.2).customers(0.8) == (3841, 3841)


@pytest.mark.parametrize("share", [0.5, 0.2])
@pytest.mark.parametrize("lift", [0.3, -0.3])
def test_the_lift_is_found_as_often_as_planned(share: float, lift: float) -> None:
    question = Question(rate=0.05, lift=lift, share=share)
    first, other = question.customers(0.8)
    generator = np.random.default_rng(3)
    rate = generator.binomial(first, 0.05, 20_000) / first
    other_rate = generator.binomial(other, question.other_rate, 20_000) / other
    pooled = (first * rate + other * other_rate) / (first + other)
    errors = (pooled * (1 - pooled) * (1 / first + 1 / other)) ** 0.5
    found = np.abs(other_rate - rate) / errors > 1.959964
    assert found.mean() == pytest.approx(0.8, abs=0.015)


@given(rates, lifts, shares, st.floats(0.3, 0.99))
def test_power_is_that_of_the_customers_needed(
    rate: float, lift: float, share: float, power: float
) -> None:
    question = Question(rate, lift, share)
    first, other = question.customers(power)
    assert question.power(first + other) == pytest.approx(power, abs=0.05)
    assert question.power(first + other) >= power - 1e-9


@given(rates, lifts)
def test_equal_arms_need_fewest_customers_or_nearly(rate: float, lift: float) -> None:
    equal, unequal = (sum(Question(rate, lift, share).customers(0.8)) for share in (0.5, 0.1))
    assert equal < unequal


def test_the_plan_in_words() -> None:
    text = plan_text(Question(rate=0.1, lift=0.2), power=0.8, per_month=1_000, months=2)
    first, *rest = text.splitlines()
    assert first == (
        "3,841 customers in the first arm and 3,841 in the other find, in 80% of experiments, that "
        "a rate of 10.00% becomes 12.00% (+20%). At 1,000 new customers a month: 8 months."
    )
    assert rest[1:6] == [
        "| months | customers | lift is found in |",
        "| --: | --: | --: |",
        "| 1 | 1,000 | 17% |",
        "| 2 | 2,000 | 30% |",
        "| 8 | 8,000 | 82% |",
    ]
    one = plan_text(Question(rate=0.1, lift=0.2), power=0.8, per_month=10_000, months=1)
    assert "At 10,000 new customers a month: 1 month." in one


@pytest.mark.parametrize(
    ("rate", "lift", "fault"),
    [
        (0, 0.1, "the base rate is 0: it should be between"),
        (0.5, 1.5, "takes a base rate of 0.5 to 1.25"),
        (0.5, 0, "a lift of 0 takes"),
    ],
)
def test_questions_that_cannot_be(rate: float, lift: float, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        Question(rate, lift)

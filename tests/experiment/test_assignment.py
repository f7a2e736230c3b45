from collections import Counter

import pytest
from pydantic import ValidationError

from src.experiment.assignment import Experiment

HALVES = {"control": 0.5, "treatment": 0.5}


def test_arms_are_as_large_as_said() -> None:
    arms = {"control": 0.2, "treatment": 0.5, "other": 0.3}
    experiment = Experiment(name="offers", salt="a", arms=arms)
    sizes = Counter(experiment.arm_of(customer) for customer in range(20_000))
    for arm, share in arms.items():
        spread = (20_000 * share * (1 - share)) ** 0.5
        assert sizes[arm] == pytest.approx(20_000 * share, abs=4 * spread)


def test_an_arm_depends_on_salt_and_id_only() -> None:
    first = Experiment(name="offers", salt="a", arms=HALVES)
    renamed = Experiment(name="again", salt="a", arms=HALVES)
    salted = Experiment(name="offers", salt="b", arms=HALVES)
    customers = range(20_000)
    arms = [first.arm_of(customer) for customer in customers]
    assert arms == [renamed.arm_of(str(customer)) for customer in customers]
    same = sum(arm == salted.arm_of(one) for arm, one in zip(arms, customers, strict=True))
    assert same == pytest.approx(10_000, abs=4 * 5_000**0.5)  # divided anew


@pytest.mark.parametrize(
    ("arms", "fault"),
    [
        ({"control": 0.5, "treatment": 0.4}, "add up to 1, and add up to 0.9"),
        ({"control": 0.9999}, "at least 2 items"),
        ({"control": 0.5, "Treatment!": 0.5}, "should match pattern"),
    ],
)
def test_arms_that_cannot_be(arms: dict[str, float], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Experiment(name="offers", salt="a", arms=arms)

import numpy as np
import pytest

from src.errors import InputError
from src.experiment.assignment import Experiment
from src.experiment.reading import (
    Arm,
    arms_of,
    differences,
    ratio_chance,
    reading_text,
)
from src.feedback.history import Answer

EXPERIMENT = Experiment(name="offers", salt="s", arms={"control": 0.5, "treatment": 0.5})
THREE = Experiment(name="offers", salt="s", arms={"control": 0.5, "b": 0.25, "c": 0.25})


def answer(customer: int, number: int = 1, **change: object) -> Answer:
    given = {
        "answer": f"a-{customer}-{number}",
        "at": 1.0,
        "customer": customer,
        "products": ["card"],
        "ranked": ["card"],
        "barred": frozenset[str](),
        "share": 0.0,
        "experiment": "offers",
        "arm": EXPERIMENT.arm_of(customer),
    }
    return Answer(**{**given, **change})  # type: ignore[arg-type]


def test_a_customer_counts_once() -> None:
    customers = range(40)
    answers = [answer(customer, number) for customer in customers for number in (1, 2, 3)]
    others = [answer(99, experiment="before", arm="x"), answer(98, experiment=None, arm=None)]
    accepted = {("a-0-1", "card"), ("a-0-2", "fund"), ("a-7-3", "card"), ("a-99-1", "card")}
    arms = [EXPERIMENT.arm_of(customer) for customer in customers]
    yes = [EXPERIMENT.arm_of(customer) for customer in (0, 7)]
    assert arms_of([*answers, *others], accepted, EXPERIMENT) == [
        Arm(name, arms.count(name), yes.count(name)) for name in ("control", "treatment")
    ]


def test_what_cannot_be_read() -> None:
    with pytest.raises(InputError, match="no answer in the log is of the experiment 'offers'"):
        arms_of([answer(1, experiment="before")], set(), EXPERIMENT)
    wrong = {"control": "treatment", "treatment": "control"}[EXPERIMENT.arm_of(2)]
    with pytest.raises(
        InputError, match=r"1 of 2 answers \(for example a-2-1\) are of another arm"
    ):
        arms_of([answer(1), answer(2, arm=wrong)], set(), EXPERIMENT)
    other = {"control": "treatment", "treatment": "control"}[EXPERIMENT.arm_of(1)]
    with pytest.raises(InputError, match=f"nobody in the arm '{other}' was offered anything"):
        arms_of([answer(1)], set(), EXPERIMENT)


def test_the_interval_is_that_of_the_paper() -> None:
    # Newcombe 1998, table II: 56/70 less 48/80, method 10.
    (found,) = differences([Arm("control", 80, 48), Arm("treatment", 70, 56)])
    assert [found.change, found.low, found.high] == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)


def test_intervals_cover_the_truth_in_95_of_100_experiments() -> None:
    generator = np.random.default_rng(1)
    covered = 0
    for control, treatment in generator.binomial([900, 1100], [0.03, 0.045], (2_000, 2)).tolist():
        (one,) = differences([Arm("control", 900, control), Arm("treatment", 1100, treatment)])
        covered += one.low <= 0.015 <= one.high
    assert covered / 2_000 == pytest.approx(0.95, abs=3 * (0.95 * 0.05 / 2_000) ** 0.5)


def test_several_arms_hold_together() -> None:
    generator = np.random.default_rng(2)
    all_covered = 0
    for counts in generator.binomial(2_000, 0.05, (2_000, 3)).tolist():
        arms = [Arm(name, 2_000, yes) for name, yes in zip("abc", counts, strict=True)]
        all_covered += all(one.low <= 0 <= one.high for one in differences(arms))
    assert 0.94 < all_covered / 2_000 < 0.98


def test_the_ratio_of_arms_by_hand() -> None:
    arms = [Arm("control", 520, 0), Arm("treatment", 480, 0)]
    # (20² + 20²) ÷ 500 = 1.6, exceeded with probability 0.2059 with 1 degree of freedom
    assert ratio_chance(arms, EXPERIMENT) == pytest.approx(0.2059, abs=5e-5)
    three = [Arm("control", 520, 0), Arm("b", 240, 0), Arm("c", 240, 0)]
    assert ratio_chance(three, THREE) == pytest.approx(np.exp(-1.6 / 2))  # 2 degrees


@pytest.mark.parametrize(
    ("accepted", "verdict"),
    [
        ((300, 400), "**In treatment, more customers accept** than in control"),
        ((400, 300), "**In treatment, fewer customers accept** than in control"),
        ((300, 310), "**No detectable difference** between treatment and control"),
        ((9, 40), "**Too few accepted** in treatment or control"),
    ],
)
def test_what_is_said(accepted: tuple[int, int], verdict: str) -> None:
    arms = [Arm("control", 5_000, accepted[0]), Arm("treatment", 5_020, accepted[1])]
    text = reading_text(arms, EXPERIMENT)
    assert f"| control | 5,000 | {accepted[0]} |" in text
    assert "The sizes of the arms are as they should be (p = 0.84)." in text
    assert text.splitlines()[-1].startswith(verdict)


def test_arms_of_the_wrong_size_are_not_read() -> None:
    arms = [Arm("control", 5_000, 300), Arm("treatment", 5_500, 600)]
    text = reading_text(arms, EXPERIMENT)
    assert "**Do not read it.** The arms should have control 50%, treatment 50%" in text
    assert "more customers accept" not in text

"""What an experiment has found: arms compared by the customers who accepted an offer."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from scipy.special import chdtrc

from src.errors import InputError
from src.experiment.assignment import Experiment
from src.feedback.history import Answer

# A ratio of arms this unlikely is a fault of the experiment: R. Kohavi, D. Tang and Y. Xu,
# Trustworthy Online Controlled Experiments, 2020, chapter 21.
_SUSPICIOUS = 0.001
_FEWEST_ACCEPTED = 10


@dataclass(frozen=True)
class Arm:
    """Customers of an arm who were offered something, and those who accepted an offer."""

    name: str
    customers: int
    accepted: int

    @property
    def rate(self) -> float:
        """Share of the customers who accepted."""
        return self.accepted / self.customers


@dataclass(frozen=True)
class Difference:
    """The rate of an arm minus that of the first, with its interval."""

    arm: Arm
    change: float
    low: float
    high: float


def arms_of(
    answers: Iterable[Answer], accepted: set[tuple[str, str]], experiment: Experiment
) -> list[Arm]:
    """Count customers by arm; each counts once, however many answers they got.

    Raises
    ------
    InputError
        No answer is of the experiment, the arm of an answer is not that of its customer, or an arm
        has no customers.
    """
    own = [answer for answer in answers if answer.experiment == experiment.name]
    if not own:
        raise InputError(
            f"no answer in the log is of the experiment '{experiment.name}': is that its name in "
            "service.yaml, and was the service started since?"
        )
    moved = [one for one in own if one.arm != experiment.arm_of(one.customer)]
    if moved:
        raise InputError(
            f"{len(moved):,} of {len(own):,} answers (for example {moved[0].answer}) are of "
            f"another arm than the salt of '{experiment.name}' puts their customers in: salt or "
            "arms were changed meanwhile. Begin anew, with another name and salt"
        )
    said_yes = {identity for identity, _ in accepted}
    everybody: dict[str, set[str]] = {arm: set() for arm in experiment.arms}
    yes: dict[str, set[str]] = {arm: set() for arm in experiment.arms}
    for answer in own:
        arm = experiment.arm_of(answer.customer)
        everybody[arm].add(str(answer.customer))
        if answer.answer in said_yes:
            yes[arm].add(str(answer.customer))
    if empty := [arm for arm, customers in everybody.items() if not customers]:
        raise InputError(f"nobody in the arm '{empty[0]}' was offered anything yet")
    return [Arm(arm, len(everybody[arm]), len(yes[arm])) for arm in experiment.arms]


def ratio_chance(arms: list[Arm], experiment: Experiment) -> float:
    """Chance of arms at least as far from their shares as these (chi-square test)."""
    total = sum(arm.customers for arm in arms)
    expected = [total * experiment.arms[arm.name] for arm in arms]
    statistic = sum(
        (arm.customers - due) ** 2 / due for arm, due in zip(arms, expected, strict=True)
    )
    return float(chdtrc(len(arms) - 1, statistic))


def differences(arms: list[Arm], level: float = 0.95) -> list[Difference]:
    """Compare each arm with the first.

    R. G. Newcombe, Interval Estimation for the Difference Between Independent Proportions, 1998,
    method 10, from Wilson's intervals of both rates. With several arms, the intervals hold together
    (Bonferroni): each is as wide as its share of 1 - level allows.
    """
    first, *others = arms
    quantile = NormalDist().inv_cdf(1 - (1 - level) / 2 / len(others))
    low, high = _wilson(first, quantile)
    found = []
    for arm in others:
        change = arm.rate - first.rate
        own_low, own_high = _wilson(arm, quantile)
        below = sqrt((arm.rate - own_low) ** 2 + (high - first.rate) ** 2)
        above = sqrt((own_high - arm.rate) ** 2 + (first.rate - low) ** 2)
        found.append(Difference(arm, change, change - below, change + above))
    return found


def reading_text(arms: list[Arm], experiment: Experiment) -> str:
    """What was found, as Markdown: a table and a sentence for each comparison."""
    first = arms[0]
    chance = ratio_chance(arms, experiment)
    compared = differences(arms)
    lines = [
        f"Experiment {experiment.name}: customers who accepted an offer.",
        "",
        "| arm | customers | accepted | rate | more than the first arm | 95 % interval |",
        "| --- | --: | --: | --: | --: | :-: |",
        f"| {first.name} | {first.customers:,} | {first.accepted:,} | {first.rate:.2%} | | |",
    ]
    for one in compared:
        lines.append(
            f"| {one.arm.name} | {one.arm.customers:,} | {one.arm.accepted:,} | "
            f"{one.arm.rate:.2%} | {one.change:+.2%} | {one.low:+.2%} … {one.high:+.2%} |"
        )
    if chance < _SUSPICIOUS:
        shares = ", ".join(f"{name} {share:.0%}" for name, share in experiment.arms.items())
        return "\n".join(
            [
                *lines,
                "",
                f"**Do not read it.** The arms should have {shares} of the customers, and sizes as "
                f"far from that as these come about by chance in {chance:.1g} of experiments: "
                "customers are lost on the way, or counted twice, in one of the arms.",
            ]
        )
    return "\n".join(
        [
            *lines,
            "",
            f"The sizes of the arms are as they should be (p = {chance:.2f}).",
            *(_sentence(one, first) for one in compared),
        ]
    )


def _sentence(one: Difference, first: Arm) -> str:
    name = one.arm.name
    if min(one.arm.accepted, first.accepted) < _FEWEST_ACCEPTED:
        return (
            f"**Too few accepted** in {name} or {first.name} to compare them: at least "
            f"{_FEWEST_ACCEPTED} in each are needed."
        )
    if one.low <= 0 <= one.high:
        return (
            f"**No detectable difference** between {name} and {first.name}; that does not prove "
            "both equal: the truth may be any value in the interval."
        )
    direction = "more" if one.change > 0 else "fewer"
    return (
        f"**In {name}, {direction} customers accept** than in {first.name}: the interval does not "
        "contain 0."
    )


def _wilson(arm: Arm, quantile: float) -> tuple[float, float]:
    """Interval of a rate: E. B. Wilson, Probable Inference, 1927."""
    n, square = arm.customers, quantile**2
    middle = (arm.accepted + square / 2) / (n + square)
    margin = quantile * sqrt(n * arm.rate * (1 - arm.rate) + square / 4) / (n + square)
    return middle - margin, middle + margin

"""How many customers an experiment needs, and how long that takes.

Two proportions are compared by a two-sided z-test: J. L. Fleiss, B. Levin and M. C. Paik,
Statistical Methods for Rates and Proportions, 3rd edition, 2003, chapter 4, without the correction
for continuity.
"""

from dataclasses import dataclass
from math import ceil, sqrt
from statistics import NormalDist

from src.errors import InputError

_NORMAL = NormalDist()


@dataclass(frozen=True)
class Question:
    """What an experiment is to find.

    Attributes
    ----------
    rate : float
        Share of the customers of the first arm who accept an offer.
    lift : float
        How much higher it is in the other arm, as a share of `rate`: 0.1 is 10 % more.
    share : float
        Of the first arm in the customers of both.
    level : float
        1 - chance of finding a difference where there is none.
    """

    rate: float
    lift: float
    share: float = 0.5
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        InputError
            A rate is not between 0 and 1, or there is nothing to find.
        """
        if not 0 < self.rate < 1:
            raise InputError(f"the base rate is {self.rate:g}: it should be between 0 and 1")
        if not self.lift or not 0 < self.other_rate < 1:
            raise InputError(
                f"a lift of {self.lift:g} takes a base rate of {self.rate:g} to "
                f"{self.other_rate:g}: it should be another rate between 0 and 1"
            )

    @property
    def other_rate(self) -> float:
        """Rate of the other arm."""
        return self.rate * (1 + self.lift)

    def customers(self, power: float) -> tuple[int, int]:
        """Customers needed in the first arm and in the other.

        Parameters
        ----------
        power : float
            Chance of finding the lift if it is there.
        """
        alike, apart = self._spreads()
        quantile = _NORMAL.inv_cdf((1 + self.level) / 2)
        root = quantile * alike + _NORMAL.inv_cdf(power) * apart
        both = (root / (self.other_rate - self.rate)) ** 2
        return ceil(both * self.share), ceil(both * (1 - self.share))

    def power(self, customers: float) -> float:
        """Chance of finding the lift with so many customers in both arms."""
        alike, apart = self._spreads()
        quantile = _NORMAL.inv_cdf((1 + self.level) / 2)
        away = sqrt(customers) * abs(self.other_rate - self.rate)
        return _NORMAL.cdf((away - quantile * alike) / apart)

    def _spreads(self) -> tuple[float, float]:
        """Standard error of the difference of one customer, if both arms are alike, and if not."""
        first, other = self.rate, self.other_rate
        mean = self.share * first + (1 - self.share) * other
        alike = sqrt(mean * (1 - mean) * (1 / self.share + 1 / (1 - self.share)))
        apart = sqrt(first * (1 - first) / self.share + other * (1 - other) / (1 - self.share))
        return alike, apart


def plan_text(question: Question, power: float, per_month: float, months: int = 6) -> str:
    """The plan as Markdown.

    Parameters
    ----------
    question : Question
    power : float
    per_month : float
        Customers of both arms who are first offered something in a month.
    months : int
        How many are shown at least.
    """
    first, other = question.customers(power)
    needed = ceil((first + other) / per_month)
    told = "1 month" if needed == 1 else f"{needed:,} months"
    lines = [
        f"{first:,} customers in the first arm and {other:,} in the other find, in {power:.0%} of "
        f"experiments, that a rate of {question.rate:.2%} becomes {question.other_rate:.2%} "
        f"({question.lift:+.0%}). At {per_month:,.0f} new customers a month: {told}.",
        "",
        "| months | customers | lift is found in |",
        "| --: | --: | --: |",
    ]
    for month in sorted({*range(1, months + 1), needed}):
        customers = month * per_month
        lines.append(f"| {month:,} | {customers:,.0f} | {question.power(customers):.0%} |")
    return "\n".join(
        [
            *lines,
            "",
            "Read it once, at the end: who looks 25 times and stops at the first difference finds "
            "one in a quarter of the experiments in which there is none (P. Armitage, C. K. "
            "McPherson and B. C. Rowe, 1969).",
        ]
    )

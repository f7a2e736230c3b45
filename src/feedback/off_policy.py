"""Off-policy evaluation: what another ranking would have been worth, from a log with chances.

An answer shows one product first; what the others would have brought is not known. Answers that
show what the other ranking would show are weighted by one over the probability that they did.

- IPS, inverse propensity scoring: D. G. Horvitz and D. J. Thompson, A Generalization of Sampling
  Without Replacement from a Finite Universe, 1952.
- SNIPS, self-normalised: A. Swaminathan and T. Joachims, The Self-Normalized Estimator for
  Counterfactual Learning, 2015.
- DR, doubly robust: M. Dudík, J. Langford and L. Li, Doubly Robust Policy Evaluation and Learning,
  2011.

Intervals are normal ones of means of influence functions, summed by customer, as the answers to one
customer are no independent evidence.
"""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from src.errors import InputError

Floats = NDArray[np.float64]

_FOLDS = 5
_PRIOR_ANSWERS = 10  # of the mean of all products, in that of one

# When not to believe an estimate. Below these, normal intervals cover less than they say, or what
# is measured is not what was asked.
_FEWEST_EFFECTIVE = 100
_FEWEST_REWARDED = 25
_MOST_IN_ONE_ANSWER = 0.05
_MOST_WITHOUT_CHANCE = 0.05
_FARTHEST_MEAN_WEIGHT = 3.5  # standard errors: by chance in 1 of 2,000 logs


@dataclass(frozen=True)
class Logged:
    """Answers, the probabilities with which they were drawn, and what became of them.

    Attributes
    ----------
    customers : int array, shape (answers,)
        Whom each was for; numbers from 0.
    chances : float64 array, shape (answers, products)
        Probability that a product is shown first; rows add up to 1.
    shown : int array, shape (answers,)
        Product that was shown first.
    rewards : float64 array, shape (answers,)
        What that brought: 1 if it was accepted.
    """

    customers: NDArray[np.intp]
    chances: Floats
    shown: NDArray[np.intp]
    rewards: Floats

    def __post_init__(self) -> None:
        """Refuse chances that cannot be.

        Raises
        ------
        InputError
            There are no answers; or their chances are missing, do not add up to 1, or say that what
            was shown could not be.
        """
        if not len(self.shown):
            raise InputError("the log has no answer whose first offer had a known chance")
        odd = ~(np.abs(self.chances.sum(axis=1) - 1) < 1e-6) | (self.chances < 0).any(axis=1)
        odd |= ~(self.chance > 0)
        if odd.any():
            raise InputError(
                f"the chances of {int(odd.sum()):,} of {len(odd):,} answers (the first is answer "
                f"{int(odd.argmax())} of the log) are missing, do not add up to 1, or are 0 for "
                "what was shown: without them nothing can be said of another ranking"
            )

    @property
    def chance(self) -> Floats:
        """Probability of what was shown; (answers,)."""
        chance: Floats = self.chances[np.arange(len(self.shown)), self.shown]
        return chance


@dataclass(frozen=True)
class Estimate:
    """Value of a ranking per answer, and how much more that is than without it."""

    value: float
    low: float
    high: float
    change: float
    change_low: float
    change_high: float


@dataclass(frozen=True)
class Evidence:
    """What tells whether to believe estimates.

    Attributes
    ----------
    effective : float
        How many answers, each of the same weight, say as much: (Σw)² ÷ Σw², after L. Kish, Survey
        Sampling, 1965.
    rewarded : float
        The same for the answers that brought something: (Σwr)² ÷ Σ(wr)². Where it is small, normal
        intervals are too narrow, however many answers there are.
    largest_weight : float
    largest_share : float
        Of all weight, in one answer.
    without_chance : float
        Share of the answers in which what the ranking shows had no chance to be shown. IPS counts
        them as 0, SNIPS as the others, DR as the mean of the product.
    mean_weight : float
        1 - `without_chance`, but for chance, if the chances are what they are said to be.
    spread : float
        Standard error of `mean_weight`.
    """

    effective: float
    rewarded: float
    largest_weight: float
    largest_share: float
    without_chance: float
    mean_weight: float
    spread: float

    @property
    def doubts(self) -> list[str]:
        """Why not to believe an estimate, a sentence each; empty if there is no reason."""
        doubts = []
        if self.without_chance > _MOST_WITHOUT_CHANCE:
            doubts.append(
                f"In {self.without_chance:.1%} of the answers, what the ranking shows first had no "
                "chance to be shown: nothing is known of these. More offers must change places "
                "(exposure.first)."
            )
        if self.effective < _FEWEST_EFFECTIVE:
            doubts.append(
                f"It says as much as {self.effective:,.0f} answers would: at least "
                f"{_FEWEST_EFFECTIVE} are needed. Wait, or raise exposure.share."
            )
        if self.rewarded < _FEWEST_REWARDED:
            doubts.append(
                f"What was accepted says as much as {self.rewarded:,.0f} acceptances would: at "
                f"least {_FEWEST_REWARDED} are needed for an interval."
            )
        if self.largest_share > _MOST_IN_ONE_ANSWER:
            doubts.append(
                f"One answer has {self.largest_share:.1%} of all weight "
                f"({self.largest_weight:,.1f}): what became of it decides."
            )
        due = 1 - self.without_chance
        if self.spread and abs(self.mean_weight - due) > _FARTHEST_MEAN_WEIGHT * self.spread:
            doubts.append(
                f"Weights have the mean {self.mean_weight:.3f}, and would have about {due:.3f} "
                "were the chances those in the log: answers were drawn in another way, or some are "
                "missing."
            )
        return doubts


@dataclass(frozen=True)
class Evaluation:
    """What another ranking is worth; what was shown brought `shown` per answer."""

    answers: int
    shown: float
    ips: Estimate
    snips: Estimate
    dr: Estimate
    evidence: Evidence


def evaluate(
    logged: Logged,
    target: Floats,
    instead_of: Floats | None = None,
    expected: Floats | None = None,
    level: float = 0.95,
) -> Evaluation:
    """Estimate what answers would bring if their first offers were chosen in another way.

    Parameters
    ----------
    logged : Logged
    target : float64 array, shape (answers, products)
        Probability with which the other ranking shows a product first: 1 for one of them, unless it
        is random, too.
    instead_of : float64 array, shape (answers, products), optional
        The ranking from which the change is measured; what was really shown, without it.
    expected : float64 array, shape (answers, products), optional
        What each product would bring, for DR, from a model that has not seen these answers; without
        it, means by product (`means_by_product`).
    level : float
        Probability mass of the intervals.

    Raises
    ------
    InputError
        No answer shows what the other ranking would.
    """
    if expected is None:
        expected = means_by_product(logged)
    terms, weights = _terms(logged, target, expected)
    before = logged.rewards[:, None]
    if instead_of is not None:
        before, _ = _terms(logged, instead_of, expected)
    changes = terms - before
    errors = standard_errors(np.column_stack([terms, weights]), logged.customers)
    change_errors = standard_errors(changes, logged.customers)
    quantile = NormalDist().inv_cdf((1 + level) / 2)

    def estimate(column: int) -> Estimate:
        value, change = float(terms[:, column].mean()), float(changes[:, column].mean())
        wide = float(quantile * errors[column])
        change_wide = float(quantile * change_errors[column])
        return Estimate(
            value, value - wide, value + wide, change, change - change_wide, change + change_wide
        )

    ips = weights * logged.rewards
    evidence = Evidence(
        effective=float(weights.sum() ** 2 / (weights**2).sum()),
        rewarded=float(ips.sum() ** 2 / (ips**2).sum()) if ips.any() else 0.0,
        largest_weight=float(weights.max()),
        largest_share=float(weights.max() / weights.sum()),
        without_chance=float((target * (logged.chances == 0)).sum(axis=1).mean()),
        mean_weight=float(weights.mean()),
        spread=float(errors[3]),
    )
    shown = float(logged.rewards.mean())
    return Evaluation(len(weights), shown, estimate(0), estimate(1), estimate(2), evidence)


def _terms(logged: Logged, target: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """Answer by answer, what IPS, SNIPS and DR are the means of, (answers, 3); and the weights."""
    answers = np.arange(len(logged.shown))
    weights = target[answers, logged.shown] / logged.chance
    if not weights.any():
        raise InputError(
            f"none of {len(answers):,} answers shows first what the other ranking would, so the "
            "log says nothing about it: a larger exposure.share or exposure.first is needed"
        )
    ips = weights * logged.rewards
    snips = ips.sum() / weights.sum()
    direct = (target * expected).sum(axis=1)
    missed = logged.rewards - expected[answers, logged.shown]
    terms = [
        ips,
        snips + weights * (logged.rewards - snips) / weights.mean(),
        direct + weights * missed,
    ]
    return np.column_stack(terms), weights


def standard_errors(terms: Floats, customers: NDArray[np.intp]) -> Floats:
    """Standard errors of means; what is of one customer counts as one observation.

    The variance of a mean of clusters that differ in size, with the factor c ÷ (c - 1) for c
    customers: A. C. Cameron and D. L. Miller, A Practitioner's Guide to Cluster-Robust Inference,
    2015, section II.

    Parameters
    ----------
    terms : float64 array, shape (answers, columns)
    customers : int array, shape (answers,)

    Returns
    -------
    float64 array, shape (columns,)
    """
    apart = terms - terms.mean(axis=0)
    sums = np.column_stack([np.bincount(customers, weights=column) for column in apart.T])
    clusters = max(len(np.unique(customers)), 2)
    variance = (sums**2).sum(axis=0) * clusters / (clusters - 1)
    errors: Floats = np.sqrt(variance) / len(terms)
    return errors


def means_by_product(logged: Logged) -> Floats:
    """What each product brought on average where it was shown first; (answers, products).

    Those of an answer are from the answers to other customers (five folds), so that no answer
    predicts itself. A product that was seldom shown is drawn towards the mean of all.
    """
    products = logged.chances.shape[1]
    fold = logged.customers % _FOLDS
    expected = np.empty_like(logged.chances)
    for one in range(_FOLDS):
        others = fold != one
        rewards, shown = logged.rewards[others], logged.shown[others]
        mean = rewards.mean() if len(rewards) else 0.0
        sums = np.bincount(shown, weights=rewards, minlength=products)
        counts = np.bincount(shown, minlength=products)
        expected[~others] = (sums + _PRIOR_ANSWERS * mean) / (counts + _PRIOR_ANSWERS)
    return expected

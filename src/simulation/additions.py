"""Who adds which product in a month, and with what chance."""

from dataclasses import dataclass

import numpy as np

from src.simulation.calibration import Calibration, Flags, Floats, Integers
from src.simulation.effects import Effects, Recency, View
from src.simulation.intercepts import sigmoid, solve
from src.simulation.portfolios import Portfolios, months_since


@dataclass(frozen=True)
class Follower:
    """A product that another product's addition brings along.

    Attributes
    ----------
    leader : str
        The product whose addition brings it along.
    chance : float, optional
        Chance that it does; None if `share` says how often.
    share : float
        Share of the follower's additions that come this way.
    """

    leader: str
    chance: float | None = None
    share: float = 0.0


FOLLOWERS = {
    "ind_nom_pens_ult1": Follower("ind_nomina_ult1", chance=0.98),
    "ind_cno_fin_ult1": Follower("ind_nomina_ult1", share=0.41),
    "ind_ctma_fin_ult1": Follower("ind_cco_fin_ult1", share=0.14),
}
LEADERS = {follower.leader for follower in FOLLOWERS.values()}


@dataclass(frozen=True)
class Chances:
    """Chances of a month's additions; arrays (products, customers).

    Attributes
    ----------
    total : array
        Marginal chance of adding: alone or brought along by a leader.
    alone : array
        Chance of adding without a leader's help.
    pull : dict
        For each follower, the chance that its leader's addition brings it along.
    """

    total: Floats
    alone: Floats
    pull: dict[str, float]


class Additions:
    """Additions of all products, month by month; expected counts equal the facts, scaled."""

    def __init__(self, calibration: Calibration, scale: float) -> None:
        self.products = calibration.products
        self.expected = scale * calibration.additions
        self.effects = Effects.from_table(calibration.addition_effects)
        self.returns = Recency.from_table(calibration.return_effects)

    def chances(self, month: int, view: View, history: Portfolios, who: Integers) -> Chances:
        """Chance of each addition of `who` in `month`, given the month before; 0 where held.

        A follower is added alone or brought along, independently:
        total = brought + (1 - brought) * alone, with brought = pull * (leader's total).
        """
        log_odds = self.effects.log_odds(view)
        total, alone = np.zeros_like(log_odds), np.zeros_like(log_odds)
        pull: dict[str, float] = {}
        for name in sorted(self.products, key=lambda product: product not in LEADERS):
            product = self.products.index(name)
            free = np.flatnonzero(view.held[product] == 0)
            mine = log_odds[product][free] + self.returns.log_odds(
                product,
                months_since(month, history.dropped[product, who[free]]),
                history.drops[product, who[free]],
            )
            target = float(self.expected[month, product])
            brought = np.zeros(len(free), np.float32)
            if name in FOLLOWERS:
                leading = total[self.products.index(FOLLOWERS[name].leader)][free]
                pull[name] = _pull(FOLLOWERS[name], target, leading)
                brought = np.float32(pull[name]) * leading
            others = 1.0 - brought
            left = target - float(brought.sum(dtype=np.float64))
            own = sigmoid(np.float32(solve(mine, left, others)) + mine)
            alone[product, free] = own
            total[product, free] = brought + others * own
        return Chances(total, alone, pull)

    def draw(self, chances: Chances, view: View, random: np.random.Generator) -> Flags:
        """Draw additions, array (products, customers)."""
        added = np.zeros(view.held.shape, bool)
        for product, alone in enumerate(chances.alone):
            added[product] = systematic(alone, random)
        for name, pull in chances.pull.items():
            product = self.products.index(name)
            leader = added[self.products.index(FOLLOWERS[name].leader)]
            follows = random.random(len(leader), dtype=np.float32) < pull
            added[product] |= leader & follows & (view.held[product] == 0)
        return added


def systematic(chances: Floats, random: np.random.Generator) -> Flags:
    """Draw each with its chance, and as many in all as expected, up or down to a whole number.

    Systematic sampling in random order (Madow 1949): a rare product is not added twice as often as
    in reality by mere luck.
    """
    order = random.permutation(len(chances))
    passed = np.floor(np.cumsum(chances[order], dtype=np.float64) + random.random())
    drawn = np.empty(len(chances), bool)
    drawn[order] = np.diff(passed, prepend=0.0) > 0
    return drawn


def _pull(follower: Follower, target: float, leading: Floats) -> float:
    if follower.chance is not None:
        return follower.chance
    reach = float(leading.sum(dtype=np.float64))
    return min(1.0, follower.share * target / reach) if reach > 0 else 0.0

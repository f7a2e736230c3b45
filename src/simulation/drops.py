"""Who drops which product in a month."""

import numpy as np
import numpy.typing as npt

from src.simulation.calibration import Calibration, Flags, Integers
from src.simulation.effects import Effects, Recency, View
from src.simulation.intercepts import sigmoid, solve
from src.simulation.portfolios import Portfolios, months_since

PAYROLL, PAYROLL_OR_PENSION = "ind_nomina_ult1", "ind_nom_pens_ult1"
HAZARD_RANGE = (0.001, 0.7)  # mean chance of dropping, per owner and month


class Drops:
    """Drops of all products, as many as bring the owners to the facts."""

    def __init__(self, calibration: Calibration, scale: float) -> None:
        self.products = calibration.products
        self.owners = scale * calibration.owned
        self.effects = Effects.from_table(calibration.drop_effects)
        self.lapses = Recency.from_table(calibration.lapse_effects)

    def draw(
        self,
        month: int,
        view: View,
        history: Portfolios,
        who: Integers,
        without_drops: npt.NDArray[np.float64],
        random: np.random.Generator,
    ) -> Flags:
        """Draw drops, array (products, who).

        Parameters
        ----------
        without_drops : array (products,)
            Owners to be expected if nobody dropped anything.
        """
        log_odds = self.effects.log_odds(view)
        dropped = np.zeros(view.held.shape, bool)
        surplus = without_drops - self.owners[month]
        payroll = self.products.index(PAYROLL)
        for product, name in enumerate(self.products):
            at_risk = view.held[product] == 1
            if name == PAYROLL_OR_PENSION:
                # Whoever loses the payroll loses this flag with it; the rest are pensioners.
                dropped[product] = at_risk & dropped[payroll]
                surplus[product] -= dropped[product].sum()
                at_risk &= view.held[payroll] == 0
            owners = np.flatnonzero(at_risk)
            mine = log_odds[product][owners] + self.lapses.log_odds(
                product,
                months_since(month, history.added[product, who[owners]]),
                history.drops[product, who[owners]],
            )
            low, high = (len(owners) * hazard for hazard in HAZARD_RANGE)
            hazard = sigmoid(solve(mine, float(np.clip(surplus[product], low, high))) + mine)
            dropped[product, owners] |= random.random(len(owners), dtype=np.float32) < hazard
        return dropped

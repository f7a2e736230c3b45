"""What customers hold and what they have done so far."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from src.simulation.calibration import Flags, Integers
from src.simulation.effects import Recency

NOT_YET = -100
Held = npt.NDArray[np.int8]


@dataclass
class Portfolios:
    """What all customers hold and have done; arrays (products, all customers).

    Attributes
    ----------
    held : array
        1 where held.
    added, dropped : array
        Index of the month of the last addition or drop, NOT_YET if there was none.
    drops : array
        Drops so far.
    """

    held: Held
    added: Held
    dropped: Held
    drops: Held

    @classmethod
    def empty(cls, products: int, customers: int) -> "Portfolios":
        """Start with nothing held and nothing done."""
        shape = (products, customers)
        nothing = np.zeros(shape, np.int8)
        never = np.full(shape, NOT_YET, np.int8)
        return cls(nothing, never, never.copy(), nothing.copy())

    def record(self, month: int, who: Integers, added: Flags, dropped: Flags) -> None:
        """Enter a month's additions and drops, both arrays (products, who)."""
        self.held[:, who] += added.view(np.int8) - dropped.view(np.int8)
        for product in range(len(added)):
            gained, lost = who[added[product]], who[dropped[product]]
            self.added[product, gained] = month
            self.dropped[product, lost] = month
            self.drops[product, lost] += 1


def months_since(month: int, when: Held) -> Held:
    """Months from the event to `month`; Recency.NEVER if it has not happened."""
    return np.where(when == NOT_YET, Recency.NEVER, month - when).astype(np.int8)

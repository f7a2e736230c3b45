"""How simulated customers react to offers: they accept, dismiss, or say nothing, and they tire."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from src.params import Section

ACCEPTED, DISMISSED, NOTHING = 0, 1, 2

_LEAST = 1e-6  # a chance: what is never added unasked is hardly ever accepted


class Reacting(Section):
    """What decides how customers react to their first offer.

    Attributes
    ----------
    persuasion : float
        Log-odds that being offered a product adds to those of adding it unasked.
    taste : float
        Standard deviation, between groups of customers, of the log-odds of accepting a product:
        what offers tell about customers that their history does not.
    fatigue : float
        Log-odds of accepting that each dismissed offer takes away from all later ones.
    dismissing : float
        Chance that what is not accepted is dismissed; else nothing is said.
    """

    persuasion: float
    taste: float = Field(ge=0)
    fatigue: float = Field(ge=0)
    dismissing: float = Field(ge=0, le=1)


@dataclass(frozen=True)
class Reactions:
    """What every customer would say to every offer.

    Attributes
    ----------
    log_odds : float64 array, shape (customers, products)
        Of accepting, before any fatigue; -inf for what cannot be added.
    reacting : Reacting
    """

    log_odds: NDArray[np.float64]
    reacting: Reacting

    @classmethod
    def of(
        cls,
        chances: NDArray[np.float32],
        groups: list[NDArray[np.intp]],
        reacting: Reacting,
        random: np.random.Generator,
    ) -> "Reactions":
        """Begin from true chances of adding unasked, and draw the tastes of groups.

        Parameters
        ----------
        chances : float32 array, shape (customers, products)
            0 for what a customer holds.
        groups : list of int arrays, shape (customers,)
            Divisions of the customers; tastes of several add up.
        reacting : Reacting
        random : Generator
        """
        known = np.clip(chances.astype(np.float64), _LEAST, 1 - _LEAST)
        log_odds = np.log(known / (1 - known)) + reacting.persuasion
        for group in groups:
            size = (int(group.max(initial=0)) + 1, chances.shape[1])
            log_odds += random.normal(0, reacting.taste, size)[group]
        return cls(np.where(chances > 0, log_odds, -np.inf), reacting)

    def accepting(self, dismissed: NDArray[np.intp] | None = None) -> NDArray[np.float64]:
        """Chance of accepting each offer; (customers, products).

        Parameters
        ----------
        dismissed : int array, shape (customers,), optional
            Offers that each customer has dismissed; none without it.
        """
        tired = 0 if dismissed is None else self.reacting.fatigue * dismissed[:, None]
        return np.asarray(1 / (1 + np.exp(tired - self.log_odds)))

    def react(
        self,
        rows: NDArray[np.intp],
        items: NDArray[np.intp],
        dismissed: NDArray[np.intp],
        random: np.random.Generator,
    ) -> NDArray[np.intp]:
        """Draw what some customers say to one offer each.

        Parameters
        ----------
        rows, items : int arrays, shape (offers,)
        dismissed : int array, shape (customers,)
        random : Generator

        Returns
        -------
        int array, shape (offers,)
            `ACCEPTED`, `DISMISSED` or `NOTHING`.
        """
        log_odds = self.log_odds[rows, items] - self.reacting.fatigue * dismissed[rows]
        accepts = random.random(len(rows)) < 1 / (1 + np.exp(-log_odds))
        dismisses = random.random(len(rows)) < self.reacting.dismissing
        return np.where(accepts, ACCEPTED, np.where(dismisses, DISMISSED, NOTHING))

"""Holdings month by month: who is there, what they hold, how active they are."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from src.simulation.additions import Additions
from src.simulation.calibration import TOTAL_CUSTOMERS, Calibration, Flags, Floats, Integers
from src.simulation.drops import Drops
from src.simulation.effects import Effects, View, cell
from src.simulation.intercepts import sigmoid, solve
from src.simulation.portfolios import Held, Portfolios
from src.simulation.profiles import BOOKED_AT_ONCE, Profiles, leavers_by

ACTIVE_AT_FIRST = 0.57
NEW_RELATION = (2, 23)  # months
NEWCOMERS_HOLD = {"ind_cco_fin_ult1": 0.41, "ind_ctma_fin_ult1": 0.03, "ind_cno_fin_ult1": 0.004}
BOOKED_AT_ONCE_HOLD = {"ind_cco_fin_ult1": 0.015}
NEWCOMERS_ACTIVE = {True: 0.9, False: 0.02}  # by whether they hold anything
PASSIVE = ("ind_cco_fin_ult1", "ind_ctop_fin_ult1", "ind_ctpp_fin_ult1", "ind_ctju_fin_ult1")
# Monthly chances of turning inactive: without products, with passive ones only, with others.
SLEEP = (0.25, 0.02, 0.001)
# Monthly chances of turning active: after an addition, with passive products only, with others.
WAKE = (0.9, 0.001, 0.05)


@dataclass(frozen=True)
class Snapshot:
    """One snapshot; to be used before the next is drawn, which changes `Profiles`.

    Attributes
    ----------
    index : int
        0 for 2015-01-28 … 16 for 2016-05-28.
    who : array (customers,)
        Positions in `Profiles` of those present, ascending.
    held : array (products, customers)
        1 where held.
    active : array (customers,)
        The activity flag.
    stayers : array (stayers,)
        Positions in `Profiles` of those present in this month and the month before.
    chances : array (products, stayers)
        True probability of adding each product in this month, given all that was to be seen in
        the month before; 0 for what was held.
    """

    index: int
    who: Integers
    held: Held
    active: Flags
    stayers: Integers
    chances: Floats


def simulate(
    calibration: Calibration, profiles: Profiles, random: np.random.Generator
) -> Iterator[Snapshot]:
    """Yield the 17 snapshots, oldest first.

    Expected additions of each month and product equal the facts (scaled); drops are as many as
    bring the owners to the facts.
    """
    bank = SimulatedBank(calibration, profiles, random)
    yield bank.first()
    for index in range(1, len(calibration.months)):
        yield bank.following(index)


class SimulatedBank:
    """The bank's customers and their holdings, as time goes by."""

    def __init__(
        self, calibration: Calibration, profiles: Profiles, random: np.random.Generator
    ) -> None:
        scale = len(profiles) / TOTAL_CUSTOMERS
        self.profiles, self.random = profiles, random
        self.products = calibration.products
        self.owners_at_first = scale * calibration.owned[0]
        self.holding_effects = calibration.holding_effects
        self.additions = Additions(calibration, scale)
        self.drops = Drops(calibration, scale)
        self.history = Portfolios.empty(len(self.products), len(profiles))
        self.active = np.zeros(len(profiles), bool)
        self.present = np.zeros(len(profiles), bool)

    def first(self) -> Snapshot:
        """Draw holdings product by product, each given the profile and the ones before it."""
        who = np.flatnonzero(self.profiles.arrival == 0)
        table = self.holding_effects
        effects = Effects.from_table(table[self.products])
        alone = table.loc["none_of_the_others=1"].to_dict()
        cells = cell(self.profiles.codes(0, who, np.zeros(len(who), bool)))
        held = np.zeros((len(self.products), len(who)), np.int8)
        for name in table.columns.drop("active"):
            product = self.products.index(name)
            log_odds = effects.by_cell[product][cells] + np.float32(alone[name]) * ~held.any(axis=0)
            log_odds += effects.by_held[product] @ held.astype(np.float32)
            held[product] = self._draw(log_odds, self.owners_at_first[product])
        by_held = table["active"].reindex([f"held={name}" for name in self.products])
        log_odds = by_held.to_numpy(np.float32) @ held + np.float32(alone["active"]) * ~held.any(
            axis=0
        )
        self.history.held[:, who] = held
        self.active[who] = self._draw(log_odds, ACTIVE_AT_FIRST * len(who))
        self.present[who] = True
        nobody = np.zeros((len(self.products), 0), np.float32)
        return Snapshot(0, who, held, self.active[who], np.zeros(0, np.int64), nobody)

    def following(self, index: int) -> Snapshot:
        """Let one month pass."""
        newcomers, stayers = self._come_and_go(index)
        view = self._view(index - 1, stayers)
        chances = self.additions.chances(index, view, self.history, stayers)
        added = self.additions.draw(chances, view, self.random)
        without_drops = view.held.sum(axis=1) + chances.total.sum(axis=1, dtype=np.float64)
        without_drops += self.history.held[:, newcomers].sum(axis=1)
        dropped = self.drops.draw(index, view, self.history, stayers, without_drops, self.random)
        self.history.record(index, stayers, added, dropped)
        self._wake_and_sleep(stayers, np.any(added, axis=0))
        who = np.flatnonzero(self.present)
        held = self.history.held[:, who]
        self.profiles.change_segments(who, held.sum(axis=0), self.random)
        return Snapshot(index, who, held, self.active[who], stayers, chances.total)

    def _draw(self, log_odds: Floats, expected: float) -> Flags:
        chances = sigmoid(solve(log_odds, expected) + log_odds)
        return self.random.random(len(log_odds), dtype=np.float32) < chances

    def _view(self, index: int, who: Integers) -> View:
        active = self.active[who]
        tenure = self.profiles.tenure[who] + index
        return View(
            cells=cell(self.profiles.codes(index, who, active)),
            held=self.history.held[:, who],
            just_added=(self.history.added[:, who] == index).view(np.int8),
            active=active,
            new=(tenure >= NEW_RELATION[0]) & (tenure <= NEW_RELATION[1]),
        )

    def _come_and_go(self, index: int) -> tuple[Integers, Integers]:
        fixed = self.present & (self.profiles.leaves == index)
        gone = int(((self.profiles.arrival < index) & ~self.present).sum())
        others = leavers_by(index, len(self.profiles)) - gone - int(fixed.sum())
        self.present &= ~fixed
        idle = np.flatnonzero(self.present & ~self.active)
        others = min(max(0, others), len(idle))
        self.present[self.random.choice(idle, others, replace=False)] = False
        stayers = np.flatnonzero(self.present)
        newcomers = np.flatnonzero(self.profiles.arrival == index)
        self.present[newcomers] = True
        booked = self.profiles.population[newcomers] == BOOKED_AT_ONCE
        for name, share in NEWCOMERS_HOLD.items():
            shares = np.where(booked, BOOKED_AT_ONCE_HOLD.get(name, 0.0), share)
            holds = self.random.random(len(newcomers)) < shares
            self.history.held[self.products.index(name), newcomers] = holds
        anything = self.history.held[:, newcomers].any(axis=0)
        active = np.where(anything, NEWCOMERS_ACTIVE[True], NEWCOMERS_ACTIVE[False])
        self.active[newcomers] = ~booked & (self.random.random(len(newcomers)) < active)
        return newcomers, stayers

    def _wake_and_sleep(self, stayers: Integers, adders: Flags) -> None:
        held = self.history.held[:, stayers]
        size = held.sum(axis=0)
        passive = size == held[[self.products.index(name) for name in PASSIVE]].sum(axis=0)
        sleep = np.where(size == 0, SLEEP[0], np.where(passive, SLEEP[1], SLEEP[2]))
        wake = np.where(adders, WAKE[0], np.where(passive, WAKE[1], WAKE[2]))
        draw = self.random.random(len(stayers), dtype=np.float32)
        self.active[stayers] = np.where(self.active[stayers], (draw >= sleep) | adders, draw < wake)

from itertools import pairwise

import numpy as np
import pytest

from src.simulation.additions import systematic
from src.simulation.calibration import TOTAL_CUSTOMERS, Calibration
from src.simulation.holdings import Snapshot

SCALE = 3000 / TOTAL_CUSTOMERS


def test_customers_of_every_month_are_the_facts(months: list[Snapshot], facts: Calibration) -> None:
    customers = np.array([len(month.who) for month in months])
    assert customers == pytest.approx(facts.customers * SCALE, abs=2)


def test_expected_additions_are_the_facts(months: list[Snapshot], facts: Calibration) -> None:
    expected = [month.chances.sum(axis=1, dtype=np.float64) for month in months[1:]]
    assert np.stack(expected) == pytest.approx(facts.additions[1:] * SCALE, rel=1e-3, abs=1e-6)


def test_owners_follow_the_facts(months: list[Snapshot], facts: Calibration) -> None:
    owned = np.stack([month.held.sum(axis=1) for month in months]).mean(axis=0)
    facts_owned = facts.owned.mean(axis=0) * SCALE
    common = facts_owned > 100
    assert common.sum() == 11
    assert owned[common] == pytest.approx(facts_owned[common], rel=0.1)


def test_what_is_held_cannot_be_added(months: list[Snapshot]) -> None:
    for before, month in pairwise(months):
        held = before.held[:, np.searchsorted(before.who, month.stayers)] == 1
        assert not month.chances[held].any()
        assert (month.chances[~held] < 1.0).all()


def test_nearly_every_payroll_comes_with_its_account_flag(
    months: list[Snapshot], facts: Calibration
) -> None:
    payroll = facts.products.index("ind_nomina_ult1")
    flag = facts.products.index("ind_nom_pens_ult1")
    both = alone = 0
    for before, month in pairwise(months):
        had = before.held[:, np.searchsorted(before.who, month.stayers)]
        has = month.held[:, np.searchsorted(month.who, month.stayers)]
        added = (has == 1) & (had == 0) & (had[flag] == 0)
        both += int((added[payroll] & added[flag]).sum())
        alone += int((added[payroll] & ~added[flag]).sum())
    assert both > 100
    assert both / (both + alone) == pytest.approx(0.98, abs=0.02)


def test_chances_are_calibrated(months: list[Snapshot]) -> None:
    expected = found = 0.0
    for before, month in pairwise(months):
        had = before.held[:, np.searchsorted(before.who, month.stayers)]
        has = month.held[:, np.searchsorted(month.who, month.stayers)]
        likely = month.chances > 0.3
        expected += float(month.chances[likely].sum())
        found += float((has > had)[likely].sum())
    assert found > 100
    assert found == pytest.approx(expected, abs=4 * expected**0.5)


def test_systematic_sampling_draws_as_many_as_expected_and_each_with_its_chance() -> None:
    random = np.random.default_rng(1)
    chances = np.tile(np.array([0.0, 0.05, 0.2, 0.75], np.float32), 100)  # 100 expected in all
    draws = np.stack([systematic(chances, random) for _ in range(400)])
    counts = draws.sum(axis=1)
    assert set(counts.tolist()) <= {99, 100, 101}
    shares = draws.reshape(400, 100, 4).mean(axis=(0, 1))  # 40,000 draws of each chance
    assert shares[0] == 0
    assert shares[1:] == pytest.approx([0.05, 0.2, 0.75], abs=0.01)

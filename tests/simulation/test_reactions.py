import numpy as np
import pytest

from src.simulation.reactions import ACCEPTED, DISMISSED, NOTHING, Reacting, Reactions

CHANCES = np.array([[0.1, 0.5, 0.0], [0.2, 0.0, 0.01]], dtype=np.float32)


def reactions(**change: float) -> Reactions:
    given = {"persuasion": 1.0, "taste": 0.0, "fatigue": 0.5, "dismissing": 0.25, **change}
    groups = [np.array([0, 1])]
    return Reactions.of(CHANCES, groups, Reacting(**given), np.random.default_rng(1))


def test_an_offer_persuades_and_dismissed_ones_tire() -> None:
    e = np.exp(1)
    odds = np.array([[1 / 9, 1, 0], [1 / 4, 0, 1 / 99]])
    assert reactions().accepting() == pytest.approx(odds * e / (1 + odds * e), rel=1e-5)
    tired = odds * np.exp([[1.0], [0.0]])  # two dismissed offers take away what offers add
    assert reactions().accepting(np.array([0, 2])) == pytest.approx(
        tired[[0, 1]] / (1 + tired[[0, 1]]), rel=1e-5
    )


def test_without_a_taste_groups_do_not_matter_and_with_one_they_do() -> None:
    plain, tasting = reactions(), reactions(taste=1.0)
    moved = tasting.log_odds[CHANCES > 0] - plain.log_odds[CHANCES > 0]
    assert (moved != 0).all()
    assert np.isinf(tasting.log_odds[CHANCES == 0]).all()


def test_reactions_are_as_frequent_as_said() -> None:
    one = reactions()
    rows, items = np.zeros(40_000, dtype=np.intp), np.ones(40_000, dtype=np.intp)
    said = one.react(rows, items, np.zeros(2, dtype=np.intp), np.random.default_rng(2))
    accepting = one.accepting()[0, 1]
    shares = [(said == action).mean() for action in (ACCEPTED, DISMISSED, NOTHING)]
    left = 1 - accepting
    assert shares == pytest.approx([accepting, left * 0.25, left * 0.75], abs=0.01)


def test_what_cannot_be_added_is_not_accepted() -> None:
    said = reactions(dismissing=1).react(
        np.zeros(100, dtype=np.intp),
        np.full(100, 2),
        np.zeros(2, dtype=np.intp),
        np.random.default_rng(3),
    )
    assert set(said.tolist()) == {DISMISSED}

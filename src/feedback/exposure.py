"""Exposure: a share of answers in random order, so that each order shown had a known chance.

With probability `share` the first offers of an answer, already ranked and allowed, are put in a
random order, each order equally likely. What is drawn follows from the id of the answer alone, so
anybody who has the log can draw it again. Scores decide no chance: those of different sources are
not comparable.
"""

import hashlib
from math import perm
from typing import Annotated

from pydantic import Field

from src.params import Section

Share = Annotated[float, Field(ge=0, le=1)]

_SHARE_BYTES = 8  # of the hash; the others decide the order


class Exposure(Section):
    """The section ``exposure`` of service.yaml.

    Attributes
    ----------
    share : float
        Of the answers to known customers, in random order.
    first : int
        How many offers, the best ones, change places.
    arms : dict of arm -> share
        What else `share` is in an arm of the experiment.
    """

    share: Share = 0
    first: int = Field(default=3, ge=2, le=10)
    arms: dict[str, Share] = Field(default={})

    def share_in(self, arm: str | None) -> float:
        """Share of the answers in an arm, or outside any experiment."""
        return self.share if arm is None else self.arms.get(arm, self.share)


def draw(answer: str, share: float, ranked: int) -> list[int] | None:
    """Draw for an answer: the order of its first offers, or None if it stays as ranked.

    SHA-256 of the id: its first 8 bytes as a fraction are below `share` with that probability; the
    other 24 are a number whose digits choose, place by place, among the offers that are left (the
    chances of two orders differ by less than 1e-50).

    Parameters
    ----------
    answer : str
        Id of the answer.
    share : float
    ranked : int
        How many offers change places.

    Returns
    -------
    list of int or None
        Ranks, from 0, in the order in which they are shown.
    """
    digest = hashlib.sha256(f"exposure {answer}".encode()).digest()
    if int.from_bytes(digest[:_SHARE_BYTES]) >= share * 2 ** (8 * _SHARE_BYTES):
        return None
    number = int.from_bytes(digest[_SHARE_BYTES:])
    left, order = list(range(ranked)), []
    while left:
        number, place = divmod(number, len(left))
        order.append(left.pop(place))
    return order


def first_chance(rank: int, share: float, ranked: int) -> float:
    """Probability that the offer of a rank, from 0, is shown first.

    share ÷ n for each of the n offers that change places, and 1 - share more for the best.
    """
    if rank >= ranked:
        return 0.0
    return share / ranked + (1 - share) * (rank == 0)


def order_chance(shown: list[int], share: float, ranked: int) -> float:
    """Probability that these ranks are shown in this order.

    Parameters
    ----------
    shown : list of int
        Ranks, from 0, of the offers that were shown of the first `ranked`; fewer than those if a
        shorter list was asked for.
    """
    as_ranked = shown == list(range(len(shown)))
    return share / perm(ranked, len(shown)) + (1 - share) * as_ranked

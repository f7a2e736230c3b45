"""Arms of an experiment: which customers are in which, by a salted hash of their ids."""

import hashlib
from typing import Annotated, Self

from pydantic import Field, model_validator

from src.params import Section

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]


class Experiment(Section):
    """The section ``experiment`` of service.yaml.

    Attributes
    ----------
    name : str
    salt : str
        New for each experiment: with the same one, two experiments divide customers alike, and what
        one does is mistaken for what the other does.
    arms : dict of arm -> share of customers
        The first one is what the others are compared with.
    """

    name: _Name
    salt: str = Field(min_length=1)
    arms: dict[_Name, Annotated[float, Field(gt=0, lt=1)]] = Field(min_length=2)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        total = sum(self.arms.values())
        if abs(total - 1) > 1e-9:
            raise ValueError(f"the shares of the arms should add up to 1, and add up to {total:g}")
        return self

    def arm_of(self, customer: int | str) -> str:
        """Arm of a customer, the same for ever: SHA-256 of salt and id, as a fraction of 1."""
        digest = hashlib.sha256(f"{self.salt}:{customer}".encode()).digest()
        left = int.from_bytes(digest[:8]) / 2**64
        for arm, share in self.arms.items():
            if left < share:
                return arm
            left -= share
        return arm  # the shares add up to a little less than 1

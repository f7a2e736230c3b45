"""Alternating least squares of implicit, as all that factorise make it."""

from typing import Literal

from implicit.cpu.als import AlternatingLeastSquares
from pydantic import Field

from src.params import Section


class AlsSettings(Section):
    """Hyperparameters; `alpha` is the confidence of a value of 1."""

    factors: int = Field(ge=1, le=512)
    iterations: int = Field(ge=1)
    regularization: float = Field(ge=0)
    alpha: float = Field(gt=0, le=1e6)
    seed: int = Field(ge=0)


class TrainAls(AlsSettings):
    """The same, and who learns the factors: `implicit` in this process, or the engine's cluster."""

    trainer: Literal["implicit", "cluster"]


def new_als(settings: AlsSettings) -> AlternatingLeastSquares:
    """Make an untrained model of implicit; within a limit on the threads of BLAS."""
    return AlternatingLeastSquares(
        factors=settings.factors,
        iterations=settings.iterations,
        regularization=settings.regularization,
        alpha=settings.alpha,
        random_state=settings.seed,
        num_threads=1,  # more wait for each other: BLAS takes a lock for every customer
    )

"""Parameters of the monthly cycle."""

from typing import Literal, Self

from pydantic import Field, model_validator

from src.params import Section

PARAMS = "pipelines/month/params.yaml"


class Month(Section):
    """`pipelines/month/params.yaml` says what each is."""

    folder: str
    lookback: int = Field(ge=2)
    warn_beyond: float = Field(gt=0)
    refuse_beyond: float = Field(gt=0)
    promote: Literal["not worse", "better"]
    resamples: int = Field(ge=10)
    seed: int = Field(ge=0)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.warn_beyond > self.refuse_beyond:
            raise ValueError("warn_beyond must be at most refuse_beyond")
        return self

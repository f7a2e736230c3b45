"""What a study may try: values of a model's parameters, checked against its own settings."""

import difflib
import json
import math
from typing import Any, TypeVar

from optuna.distributions import (
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from pydantic import Field, ValidationError, model_validator

from src.errors import InputError
from src.params import Section

PARAMS = "pipelines/tuning/params.yaml"

Settings = TypeVar("Settings", bound=Section)
Distribution = IntDistribution | FloatDistribution | CategoricalDistribution
Space = dict[str, Distribution]


class Values(Section):
    """Values of one parameter: from `low` to `high`, evenly or by logarithm, or `choices`."""

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: list[Any] | None = Field(default=None, min_length=2)

    @model_validator(mode="after")
    def _range_or_choices(self) -> "Values":
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log:
                raise ValueError("give either low and high, or choices")
        elif self.low is None or self.high is None:
            raise ValueError("give low and high, or choices")
        elif self.low >= self.high:
            raise ValueError("low must be below high")
        elif self.log and self.low <= 0:
            raise ValueError("a range by logarithm begins above 0")
        return self


class Tuning(Section):
    """One study: its size, its seed, and the values it may try; all other parameters stay.

    `trials` are those of the whole study, `seconds` bounds one run of it; `prune` is the part of
    its budget with which a trial must show its worth, 0 for trials that are never given up.
    """

    trials: int = Field(ge=1, le=100_000)
    seconds: float = Field(gt=0)
    seed: int = Field(ge=0)
    prune: float = Field(ge=0, lt=1)
    space: dict[str, Values] = Field(min_length=1)


def label(value: object) -> str:
    """Name a choice in tables and on the command line of an experiment: JSON."""
    return json.dumps(value)


def distributions(model: str, section: str, tuning: Tuning, current: Section) -> Space:
    """Turn a search space into Optuna's distributions.

    Parameters
    ----------
    model, section : str
        Names of the study in its params file and of the model's settings in params.yaml.
    tuning : Tuning
    current : Section
        The settings in params.yaml, with which every study begins.

    Raises
    ------
    InputError
        A parameter is unknown, its values go beyond what the model takes, or they leave out the
        current one.
    """
    space, faults = {}, []
    for name, values in tuning.space.items():
        try:
            space[name] = _distribution(section, name, values, current)
        except ValueError as fault:
            faults.append(f"'{model}.space.{name}' {fault}")
    if faults:
        raise InputError(f"{PARAMS}: " + "; ".join(faults))
    return space


def _distribution(section: str, name: str, values: Values, current: Section) -> Distribution:
    known = list(type(current).model_fields)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"it has {', '.join(known)}"
        raise ValueError(f"is no parameter of {section} ({hint})")
    now = getattr(current, name)
    if values.choices is not None:
        labels = [label(_accepted(section, name, choice, current)) for choice in values.choices]
        if len(set(labels)) < len(labels):
            raise ValueError("names a choice twice")
        if label(now) not in labels:
            raise ValueError(f"leaves out the current value {label(now)}: a study begins with it")
        return CategoricalDistribution(labels)
    if not isinstance(now, int | float):
        raise ValueError("is no number: give choices instead of low and high")
    low, high = (_accepted(section, name, end, current) for end in (values.low, values.high))
    if not low <= now <= high:
        raise ValueError(f"leaves out the current value {now}: a study begins with it")
    kind = IntDistribution if isinstance(now, int) else FloatDistribution
    return kind(low, high, log=values.log)


def _accepted(section: str, name: str, value: object, current: Section) -> Any:
    """Give back a value as the model's settings hold it; ValueError if they refuse it."""
    try:
        return getattr(with_values(current, {name: value}), name)
    except ValidationError as error:
        cause = error.errors()[0]["msg"]
        raise ValueError(f"allows {value!r}, which {section}.{name} refuses: {cause}") from None


def with_values(current: Settings, values: dict[str, object]) -> Settings:
    """Change some settings, with every check; ValidationError if one is refused."""
    return type(current).model_validate(current.model_dump() | values)


def to_params(current: Section, space: Space) -> dict[str, Any]:
    """Current settings as parameters of a trial: choices by their labels."""
    now = {name: getattr(current, name) for name in space}
    return {
        name: label(now[name]) if isinstance(values, CategoricalDistribution) else now[name]
        for name, values in space.items()
    }


def to_settings(params: dict[str, Any], space: Space, current: Settings) -> Settings:
    """Settings of a trial: the current ones with its parameters."""
    values = {
        name: json.loads(value) if isinstance(space[name], CategoricalDistribution) else value
        for name, value in params.items()
    }
    return with_values(current, values)


def rounded(params: dict[str, Any], space: Space) -> dict[str, Any]:
    """Cut numbers to three digits, within their range: the best ones end up in params.yaml."""
    result = dict(params)
    for name, values in space.items():
        if isinstance(values, FloatDistribution):
            result[name] = min(max(float(f"{params[name]:.3g}"), values.low), values.high)
    return result


def at_edge(name: str, value: float, space: Space, current: Section) -> bool:
    """Whether a value lies in the outer twentieth of a range that could be wider."""
    values = space[name]
    if not isinstance(values, IntDistribution | FloatDistribution):
        return False
    scale = math.log if values.log else float
    low, high, place = scale(values.low), scale(values.high), scale(value)
    margin = (high - low) / 20
    if low + margin < place < high - margin:
        return False
    further = place + margin if place > (low + high) / 2 else place - margin
    beyond = math.exp(further) if values.log else further
    if isinstance(values, IntDistribution):
        beyond = values.high + 1 if place > (low + high) / 2 else values.low - 1
    try:
        with_values(current, {name: beyond})
    except ValidationError:
        return False  # the model itself ends there
    return True

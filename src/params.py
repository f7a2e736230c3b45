"""params.yaml section -> frozen pydantic model; every range is checked before work begins."""

import difflib
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from src.errors import InputError


class Section(BaseModel):
    """A section of params.yaml: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


AnySection = TypeVar("AnySection", bound=BaseModel)


def load(section: str, model: type[AnySection], path: str = "params.yaml") -> AnySection:
    """Read and check one section of a params file.

    Parameters
    ----------
    section : str
        Top-level key of the file.
    model : type
        Pydantic model that names the parameters, their types and their ranges.
    path : str
        The params file.

    Raises
    ------
    InputError
        The file or section is missing, a key is unknown, or a value is out of range; the message
        names file, key and value.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        content = yaml.load(text, Loader=yaml.CSafeLoader)  # safe_load takes ten times as long
    except FileNotFoundError:
        raise InputError(f"{path} is missing: run from the root of the repository") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(content, dict) or section not in content:
        raise InputError(f"{path} has no section '{section}'")
    try:
        return model.model_validate(content[section])
    except ValidationError as error:
        known = list(model.model_fields)
        faults = [_sentence(section, dict(fault), known) for fault in error.errors()]
        raise InputError(f"{path}: " + "; ".join(faults)) from None


def _sentence(section: str, fault: dict[str, object], known: list[str]) -> str:
    location = fault["loc"]
    assert isinstance(location, tuple)  # noqa: S101
    key = ".".join([section, *(str(part) for part in location)])
    if fault["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}"
        return f"unknown parameter '{key}' ({hint})"
    if fault["type"] == "missing":
        return f"parameter '{key}' is missing"
    return f"'{key}' is {fault['input']!r}: {fault['msg']}"

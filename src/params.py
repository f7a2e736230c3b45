"""params.yaml section -> frozen pydantic model; every range is checked before work begins."""

import datetime
import difflib
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from src.errors import InputError


class Section(BaseModel):
    """A section of params.yaml: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


AnySection = TypeVar("AnySection", bound=BaseModel)


def read_yaml(text: str | bytes) -> Any:
    """Read YAML 1.2, as DVC does: ``010`` is 10, and ``on``, ``no`` and ``yes`` are texts.

    Raises
    ------
    YAMLError
        It is not YAML.
    """
    return YAML(typ="safe").load(text)


# Once for each content: a stage asks for many sections, and to parse the file takes 50 ms.
_parsed = lru_cache(maxsize=8)(read_yaml)


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
        The file or section is missing, a date is not quoted, a key is unknown, or a value is out of
        range; the message names file, key and value.
    """
    try:
        content = _parsed(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path} is missing: run from the root of the repository") from None
    except YAMLError as error:
        raise InputError(f"{path} is not valid YAML: {error}") from None
    if not isinstance(content, dict) or section not in content:
        raise InputError(f"{path} has no section '{section}'")
    if dates := _dates(content):
        key, value = dates[0]
        raise InputError(
            f"{path}: '{key}' is a date, and DVC reads no dates; quote it, as in \"{value}\""
        )
    try:
        return model.model_validate(content[section])
    except ValidationError as error:
        known = list(model.model_fields)
        faults = [_sentence(section, dict(fault), known) for fault in error.errors()]
        raise InputError(f"{path}: " + "; ".join(faults)) from None


def _dates(content: Any, key: str = "") -> list[tuple[str, datetime.date]]:
    """Dates that are not quoted, with their keys."""
    if isinstance(content, datetime.date):
        return [(key, content)]
    if isinstance(content, dict):
        parts = {f"{key}.{name}".removeprefix("."): value for name, value in content.items()}
    elif isinstance(content, list):
        parts = {f"{key}.{place}": value for place, value in enumerate(content)}
    else:
        return []
    return [found for name, value in parts.items() for found in _dates(value, name)]


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
    if fault["type"] == "string_type":
        return f"'{key}' is {fault['input']!r}, but should be text: quote it"
    shown = repr(fault["input"])
    shown = shown if len(shown) <= 80 else f"{shown[:80]}…"
    return f"'{key}' is {shown}: {fault['msg']}"

"""Which run is served since when, and why: promoted.json, and promoted.lock; git keeps both."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from src.errors import InputError
from src.reporting import write_json

PATH = "promoted.json"
LOCK = "promoted.lock"  # the dvc.lock of that run: containers pull by it, and have no git


@dataclass(frozen=True)
class Promoted:
    """The run whose models and lists are served.

    Attributes
    ----------
    revision : str
        The commit that holds its dvc.lock.
    digest : str
        Short hash of its model files, see `manifest.digest`.
    month : str
        The month that it offers for, ``2016-06``.
    since : str
        The day of the decision.
    why : str
        A sentence.
    """

    revision: str
    digest: str
    month: str
    since: str
    why: str

    def write(self) -> None:
        """Write the file."""
        write_json(PATH, asdict(self))


def read(content: str | None = None) -> Promoted | None:
    """Read the file, or the given content of it; None if nothing was ever promoted.

    Raises
    ------
    InputError
        It is damaged.
    """
    if content is None:
        if not Path(PATH).exists():
            return None
        content = Path(PATH).read_text(encoding="utf-8")
    try:
        return Promoted(**json.loads(content))
    except (ValueError, TypeError):
        raise InputError(
            f"{PATH} is damaged; get it again with 'git checkout {PATH}', or promote a revision "
            "with 'python -m src.month.promote REVISION'"
        ) from None

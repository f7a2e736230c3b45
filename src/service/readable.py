"""Faults of files as sentences, whichever library finds them."""

from collections.abc import Iterator
from contextlib import contextmanager

from src.errors import InputError


@contextmanager
def readable(what: str, mend: str) -> Iterator[None]:
    """Say in a sentence what a library says of a file that it cannot read, each in its own way."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        cause = (str(error).splitlines() or [""])[0][:200]
        raise InputError(
            f"{what} cannot be read ({type(error).__name__}: {cause}); {mend}"
        ) from error

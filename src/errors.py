"""Errors that a user can act on, and how a stage ends on them."""

import os
import sys
from collections.abc import Callable
from typing import NoReturn


class InputError(Exception):
    """Bad input: a sentence that says what is wrong, where, and what to do about it."""


class ResourceError(Exception):
    """The memory, the disk or a file failed: a cause that the user can remove."""


def run(stage: Callable[[], None]) -> None:
    """Run a stage; end on bad input or a failing disk with one sentence and exit code 1.

    The stage leaves the previous outputs as they were. DVC, however, removes them before it starts
    a stage: ``git checkout metrics plots && dvc checkout`` brings them back.

    An interrupt ends the stage with exit code 130. Set NEXTBEST_TRACEBACK=1 to see the traceback.
    """
    if os.environ.get("NEXTBEST_TRACEBACK"):
        stage()
        return
    try:
        stage()
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _end(f"{error.strerror or error}{where}")
    except ResourceError as error:
        _end(str(error))
    except KeyboardInterrupt:
        print("interrupted: previous outputs are untouched", file=sys.stderr)
        sys.exit(130)


def _end(cause: str) -> NoReturn:
    sys.exit(f"error: {cause}. Nothing was replaced; mend the cause and run the stage again.")

"""Errors that a user can act on, and how a stage ends on them."""

import os
import sys
from collections.abc import Callable


class InputError(Exception):
    """Bad input: a sentence that says what is wrong, where, and what to do about it."""


def run(stage: Callable[[], None]) -> None:
    """Run a stage; end on bad input or a failing disk with one sentence and exit code 1.

    Set NEXTBEST_TRACEBACK=1 to see the traceback instead.
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
        sys.exit(
            f"error: {error.strerror or error}{where}. Nothing was replaced; "
            "mend the cause and run the stage again."
        )
    except KeyboardInterrupt:
        print("interrupted: previous outputs are untouched", file=sys.stderr)
        sys.exit(130)

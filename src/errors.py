"""Errors that a user can act on, and how a stage ends on them."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
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
        _refuse_links()
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


def _refuse_links() -> None:
    """DVC writes no outputs through a link, and would say so only after the work is done."""
    for folder in (Path("data"), Path("models")):
        if folder.is_symlink():
            raise InputError(
                f"{folder} is a link ({folder.readlink()}), through which DVC does not write: make "
                "it a folder again ('git checkout' brings it back), and keep what is large on the "
                "other disk by 'dvc cache dir /other/disk' and 'dvc config cache.type symlink'"
            )


def _end(cause: str) -> NoReturn:
    sys.exit(f"error: {cause}. Nothing was replaced; mend the cause and run the stage again.")

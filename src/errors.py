"""Errors that a user can act on, and how a stage ends on them."""

import os
import re
import sys
from collections.abc import Callable
from typing import NoReturn


class InputError(Exception):
    """Bad input: a sentence that says what is wrong, where, and what to do about it."""


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
    except KeyboardInterrupt:
        _interrupted()
    except Exception as error:
        from src.engine import EngineLimit  # imports DuckDB: only where something has failed

        if str(error) == "Query interrupted":  # the engine's KeyboardInterrupt
            _interrupted()
        if not isinstance(error, EngineLimit):
            raise
        report = str(error).splitlines()[0]
        inner = re.search(r'"exception_message":"(.+?)"[,}]', report.replace('\\"', "'"))
        _end(inner[1] if inner else report)


def _interrupted() -> NoReturn:
    print("interrupted: previous outputs are untouched", file=sys.stderr)
    sys.exit(130)


def _end(cause: str) -> NoReturn:
    sys.exit(f"error: {cause}. Nothing was replaced; mend the cause and run the stage again.")

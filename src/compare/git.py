"""What git says, and what to do if it refuses."""

import subprocess

from src.errors import InputError


def git(*command: str) -> str:
    """What git prints; nothing if it fails.

    Raises
    ------
    InputError
        The repository belongs to another user.
    """
    done = subprocess.run(  # noqa: S603
        ["git", *command],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if "dubious ownership" in done.stderr:
        raise InputError(
            "git refuses this repository, as it belongs to another user: if you trust it, 'git "
            'config --global --add safe.directory "$PWD"\''
        )
    return "" if done.returncode else done.stdout.strip()


def unknown(revision: str, advice: str) -> InputError:
    """The error for a revision that is not there; in a shallow clone, that it may be cut off."""
    if git("rev-parse", "--is-shallow-repository") == "true":
        advice = "this clone is shallow, so it may be cut off: 'git fetch --unshallow', then again"
    return InputError(f"unknown revision '{revision}': {advice}")

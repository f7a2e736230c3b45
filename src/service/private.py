"""Files and folders that only the service's own user may read: answers, feedback, hashed keys."""

import contextlib
import os
from pathlib import Path


def make_private_folder(folder: Path) -> None:
    """Make the folder of the service's state, closed to others; close it if it was open to them.

    A folder in which everybody may write, like /tmp, was not made for the service: it stays so.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    if not folder.stat().st_mode & 0o002:
        close_to_others(folder, 0o700)


def make_private_file(path: Path) -> None:
    """Make an empty file that is closed to others; close it if it is there already."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    close_to_others(path, 0o600)


def open_privately(path: str, flags: int) -> int:
    """For the argument ``opener`` of `open`: what is made is closed to others."""
    return os.open(path, flags, 0o600)


def close_to_others(path: Path, mode: int) -> None:
    """Give a file or folder this mode if others may read or write it."""
    with contextlib.suppress(PermissionError):  # it is somebody else's, who has let us in
        if path.stat().st_mode & 0o077:
            path.chmod(mode)

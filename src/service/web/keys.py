"""API keys: hashed on disk, compared in constant time, each with scopes.

A key is 256 random bits, so a plain SHA-256 of it cannot be reversed by guessing; slow hashes are
for passwords that people choose.

    python -m src.service.web.keys create page --scopes read feedback
    python -m src.service.web.keys revoke page
    python -m src.service.web.keys list
"""

import argparse
import contextlib
import datetime
import fcntl
import hashlib
import hmac
import json
import logging
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from src.errors import InputError, run
from src.reporting import atomic
from src.service.private import make_private_file
from src.service.settings import Settings

logger = logging.getLogger(__name__)

Scope = Literal["read", "feedback", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "feedback", "admin")

_LOOK_AGAIN_SECONDS = 1.0
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Key(BaseModel):
    """A key as it is stored: without the key."""

    name: str
    sha256: str
    scopes: list[Scope]
    created: str
    revoked: str | None = None

    def allows(self, scope: str) -> bool:
        """Whether the key may do what needs a scope; admin may do everything."""
        return scope in self.scopes or "admin" in self.scopes


class Keys:
    """The keys of a file, read again when it changes: a revoked key is refused a second later."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked = float("-inf")
        self._changed = 0
        self._keys: list[tuple[bytes, Key]] = []
        self.look_again()

    def find(self, presented: str) -> Key | None:
        """The valid key that was presented; None for any other text.

        All keys are compared, so the time does not reveal which one was close.
        """
        now = time.monotonic()
        if now - self._looked >= _LOOK_AGAIN_SECONDS:
            self._looked = now
            try:
                self.look_again()
            except InputError:
                logger.exception("the keys that were known before stay valid")
        digest = digest_of(presented).encode()
        found = None
        for stored, key in self._keys:
            if hmac.compare_digest(stored, digest):
                found = key
        return found

    def __len__(self) -> int:
        return len(self._keys)

    def look_again(self) -> None:
        """Read the file if it has changed.

        Raises
        ------
        InputError
            It is not a file of keys.
        """
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            changed = 0
        if changed != self._changed:
            self._keys = [
                (key.sha256.encode(), key) for key in read_keys(self._path) if not key.revoked
            ]
            self._changed = changed


def digest_of(key: str) -> str:
    """SHA-256 of a key, in hexadecimal."""
    return hashlib.sha256(key.encode("utf-8", errors="replace")).hexdigest()


def read_keys(path: Path) -> list[Key]:
    """Read a file of keys; none if there is no file.

    Raises
    ------
    InputError
        It is not such a file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return [Key.model_validate(key) for key in content]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, ValidationError):
        raise InputError(
            f"{path} is not a file of keys; remove it and make new ones with "
            "'python -m src.service.web.keys create'"
        ) from None


def create(path: Path, name: str, scopes: list[Scope]) -> str:
    """Make a key, store its hash, and return the key itself: nobody can read it again.

    Raises
    ------
    InputError
        It is no name, or there is a valid key of that name.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"'{name[:100]}' is no name of a key: it has 1 to 64 letters (a to z), digits, - "
            "and _, for example 'branch-12'"
        )
    with _changing(path) as keys:
        if any(key.name == name and not key.revoked for key in keys):
            raise InputError(f"there is a key '{name}'; revoke it first, or choose another name")
        presented = "nb_" + secrets.token_urlsafe(32)
        keys.append(Key(name=name, sha256=digest_of(presented), scopes=scopes, created=_now()))
    return presented


def revoke(path: Path, name: str) -> None:
    """Refuse a key from now on.

    Raises
    ------
    InputError
        There is no valid key of that name.
    """
    with _changing(path) as keys:
        valid = [key for key in keys if key.name == name and not key.revoked]
        if not valid:
            raise InputError(f"there is no valid key '{name}' in {path}")
        for key in valid:
            key.revoked = _now()


@contextlib.contextmanager
def _changing(path: Path) -> Iterator[list[Key]]:
    """The keys of a file, to be changed: written back at the end, one process at a time."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    make_private_file(lock)
    with lock.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # until it is closed
        keys = read_keys(path)
        yield keys
        content = json.dumps([key.model_dump() for key in keys], indent=2)
        with atomic(path) as temporary:
            make_private_file(temporary)
            temporary.write_text(content + "\n", encoding="utf-8")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def main() -> None:
    """Create, revoke or list keys."""
    parser = argparse.ArgumentParser(
        prog="python -m src.service.web.keys", description=main.__doc__
    )
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("create", help="make a key and print it, once")
    making.add_argument("name")
    making.add_argument("--scopes", nargs="+", choices=SCOPES, default=["read"])
    commands.add_parser("revoke", help="refuse a key from now on").add_argument("name")
    commands.add_parser("list", help="names and scopes")
    chosen = parser.parse_args()
    path = Settings().keys_file
    if chosen.command == "create":
        print(create(path, chosen.name, chosen.scopes))
    elif chosen.command == "revoke":
        revoke(path, chosen.name)
    else:
        for key in read_keys(path):
            state = f"revoked {key.revoked}" if key.revoked else "valid"
            print(f"{key.name}: {', '.join(key.scopes)}, created {key.created}, {state}")


if __name__ == "__main__":
    run(main)

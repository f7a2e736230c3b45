"""What the cycle does to the repository: commits, and files of other revisions put into place."""

import hashlib
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from src.compare import revisions
from src.compare.git import git
from src.errors import InputError
from src.products import manifest, paths, promoted
from src.products.promoted import Promoted
from src.products.windows import Windows
from src.reporting import atomic

_LOCK = "dvc.lock"


def run(*command: str) -> None:
    """Run a command whose output the user sees.

    Raises
    ------
    InputError
        It fails.
    """
    if subprocess.run(command, check=False).returncode:  # noqa: S603
        raise InputError(f"'{' '.join(command)}' failed, see above; mend it and run this again")


def commit(message: str, names: Sequence[str]) -> None:
    """Commit some paths as they are, and nothing else; nothing if all of it is committed.

    Raises
    ------
    InputError
        git refuses, for example because it does not know who commits.
    """
    there = [name for name in names if Path(name).exists()]
    _git("add", "--", *there)
    if _git("status", "--porcelain", "--", *there):
        _git("commit", "--quiet", "--message", message, "--", *there)


def _git(*command: str) -> str:
    done = subprocess.run(  # noqa: S603
        ["git", *command],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise InputError(f"'git {command[0]}' failed: {said}; mend it and run this again")
    return done.stdout.strip()


def last_run() -> str:
    """The commit of the last run of the products pipeline."""
    return git("log", "-1", "--format=%H", "--", _LOCK)


def describe(revision: str, since: str, why: str) -> Promoted:
    """What promoted.json says of a revision.

    Raises
    ------
    InputError
        It is unknown, or its models are neither in the cache nor in the remote.
    """
    commit_of = git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    hashes, windows = revisions.read(commit_of or revision, manifest.PATH, paths.WINDOWS)
    digest = manifest.digest(json.loads(hashes))
    return Promoted(commit_of, digest, str(Windows.read(windows).next), since, why)


def promote(chosen: Promoted) -> None:
    """Write which run is served, and its dvc.lock, which names its files to whoever has no git."""
    _replace(promoted.LOCK, revisions.in_git(chosen.revision, _LOCK)[_LOCK])
    chosen.write()


def put_into_place(chosen: Promoted) -> list[str]:
    """Make the files that the service reads those of a promoted run; returns what was replaced.

    The manifest comes last: whoever reads half of it is refused by the service.

    Raises
    ------
    InputError
        They are neither in the cache nor in the remote.
    """
    (content,) = revisions.read(chosen.revision, manifest.PATH)
    hashes = json.loads(content)
    replaced = []
    for name in manifest.files():
        if name in hashes and not _is(Path(name), hashes[name]):
            (own,) = revisions.read(chosen.revision, name)
            _replace(name, own)
            replaced.append(name)
    if not _is(Path(manifest.PATH), hashlib.sha256(content).hexdigest()):
        _replace(manifest.PATH, content)
        replaced.append(manifest.PATH)
    return replaced


def _is(file: Path, hashed: str) -> bool:
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == hashed


def _replace(name: str, content: bytes) -> None:
    with atomic(name) as temporary:
        temporary.write_bytes(content)


def pushed() -> bool:
    """Push everything that the last run made to the DVC remote; whether that worked."""
    command = ["dvc", "push", "--quiet"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603


def committed() -> Promoted | None:
    """What is promoted as of HEAD, whatever lies in the working folder."""
    files = revisions.in_git("HEAD", promoted.PATH)
    return promoted.read(files[promoted.PATH].decode()) if files else None


def current() -> Promoted:
    """The run that is promoted now.

    Raises
    ------
    InputError
        There is none.
    """
    now = promoted.read()
    if now is None:
        raise InputError(f"there is no {promoted.PATH}: nothing was promoted yet (docs/month.md)")
    return now


def earlier() -> Promoted:
    """The run that was promoted before the one that is now.

    Raises
    ------
    InputError
        There is none.
    """
    now = current()
    for revision in git("log", "--format=%H", "--", promoted.PATH).split():
        files = revisions.in_git(revision, promoted.PATH)
        found = promoted.read(files[promoted.PATH].decode()) if files else None
        if found and found.revision != now.revision:
            return found
    raise InputError(f"{promoted.PATH} names no run before the one that is promoted now")

"""Which files belong together: the SHA-256 of everything that the service reads of one run.

recommend writes it last. So a run that broke off, a file that was damaged on its way, and models of
one run beside lists of another are found before anybody is answered from them.
"""

import hashlib
import json
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from src.errors import InputError
from src.models.registry import FIRST_STAGE
from src.products import paths
from src.products.scoring import model_files
from src.reporting import write_json

PATH = f"{paths.SERVING}/manifest.json"

_MEND = "run dvc repro or dvc pull"

Hashes = dict[str, str]  # of paths


def models() -> list[str]:
    """Paths of the served models."""
    return [f"{paths.SERVING}/{file}" for file in model_files().values()]


def lists(name: str) -> str:
    """Path of the lists of a first-stage model."""
    return f"{paths.SERVING_LISTS}/{name}.parquet"


def files() -> list[str]:
    """Paths of all files that belong together."""
    data = [paths.HISTORY, paths.MEDIANS, paths.PROFILES, paths.WINDOWS]
    personal = [paths.RECOMMENDATIONS, paths.REASONS]
    return sorted([*models(), *data, *personal, *map(lists, FIRST_STAGE)])


def write() -> None:
    """Write the hashes of what lies there now; of a run that lacks a file, nothing is served."""
    write_json(PATH, _hashes([path for path in files() if Path(path).is_file()]))


def read() -> Hashes:
    """Read the hashes that recommend wrote.

    Raises
    ------
    InputError
        There are none, or not of the files that this code reads.
    """
    try:
        content = json.loads(Path(PATH).read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"{PATH} is missing, so models and lists may not be of one run; {_MEND}"
        ) from None
    except ValueError:
        raise InputError(f"{PATH} is damaged: it is no JSON; {_MEND}") from None
    if not isinstance(content, dict):
        raise InputError(f"{PATH} is damaged: it is no table of files; {_MEND}")
    if differing := sorted(set(files()) ^ set(content)):
        raise InputError(
            f"{PATH} is not about the files that are served: they differ in "
            f"{len(differing)}, for example {differing[0]}; {_MEND}"
        )
    return content


def check(hashes: Hashes, names: Collection[str]) -> None:
    """Compare files with their hashes.

    Raises
    ------
    InputError
        One is missing, or another one.
    """
    for path, found in _hashes(names).items():
        if found != hashes[path]:
            raise InputError(
                f"{path} is not the file that {PATH} is about: it is damaged, or of "
                f"another run; {_MEND}"
            )


@contextmanager
def checked(hashes: Hashes, names: Collection[str]) -> Iterator[None]:
    """Check files before they are read, and that nobody has replaced them meanwhile.

    Raises
    ------
    InputError
        One is missing, another one, or was replaced.
    """
    before = _stamps(names)
    check(hashes, names)
    yield
    after = _stamps(names)
    for path in names:
        if after[path] != before[path]:
            raise InputError(f"{path} was replaced while it was read; try again after the run")


def _stamps(names: Collection[str]) -> dict[str, tuple[int, int, int]]:
    found = {}
    for path in names:
        try:
            state = Path(path).stat()
        except FileNotFoundError:
            raise InputError(f"{path} is missing; {_MEND}") from None
        found[path] = (state.st_ino, state.st_size, state.st_mtime_ns)
    return found


def _hashes(names: Collection[str]) -> Hashes:
    """Hash files side by side: a million customers are a third of a gigabyte."""
    with ThreadPoolExecutor() as threads:
        return dict(zip(names, threads.map(_hash, names), strict=True))


def _hash(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise InputError(f"{path} is missing; {_MEND}") from None

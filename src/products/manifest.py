"""Which files of a run of the products pipeline belong together; see `src.manifest`."""

import hashlib

from src.manifest import Hashes, Manifest
from src.models.registry import FIRST_STAGE
from src.products import paths
from src.products.scoring import model_files

PATH = f"{paths.SERVING}/manifest.json"
MEND = "run dvc repro or dvc pull"

_MANIFEST = Manifest(PATH, MEND)

checked = _MANIFEST.checked


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
    who = [paths.CHANCES, paths.WHO_REASONS]
    return sorted([*models(), *data, *personal, *who, *map(lists, FIRST_STAGE)])


def write() -> None:
    """Write the hashes of what lies there now; of a run that lacks a file, nothing is served."""
    _MANIFEST.write(files())


def read() -> Hashes:
    """Read the hashes that recommend wrote.

    Raises
    ------
    InputError
        There are none, or not of the files that this code reads.
    """
    return _MANIFEST.read(files())


def digest(hashes: Hashes) -> str:
    """Short hash of the served models."""
    together = "".join(hashes[path] for path in models())
    return hashlib.sha256(together.encode()).hexdigest()[:12]

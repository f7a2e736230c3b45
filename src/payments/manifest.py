"""Which files of a run of the payments pipeline belong together; see `src.manifest`."""

from pathlib import Path

from src.manifest import Hashes, Manifest
from src.payments import paths

PATH = f"{paths.SERVED_OPERATIONS}/manifest.json"
MEND = "run dvc repro pipelines/payments/dvc.yaml"

_MANIFEST = Manifest(PATH, MEND)
_MODELS = (
    "booster.cbm",
    "logistic.json",
    "network.npz",
    "population.npz",
    "serving.json",
    "woe.json",
)

checked = _MANIFEST.checked


def models() -> list[str]:
    """Paths of what operations are scored with."""
    return [f"{paths.SERVED_OPERATIONS}/{file}" for file in _MODELS]


def examples() -> list[str]:
    """Paths of the lists of new providers; none where they were not made."""
    return [path for path in (paths.NEW_PROVIDERS, paths.POPULAR) if Path(path).is_file()]


def files() -> list[str]:
    """Paths of all files that belong together."""
    return sorted([*models(), *examples(), paths.CLEAN, paths.OPERATIONS])


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

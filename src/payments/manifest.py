"""Which files of a run of the payments pipeline belong together; see `src.manifest`."""

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


def files() -> list[str]:
    """Paths of all files that belong together."""
    lists = [paths.OPERATIONS, paths.NEW_PROVIDERS, paths.POPULAR]
    return sorted([*models(), paths.CLEAN, *lists])


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

"""The first-stage models: every module of this folder that has a record of one.

To add a model is to add its file; nothing else names it. (`python -m scripts.deps` follows the same
rule, so that dvc.yaml lists these files where this module is used.)
"""

import pkgutil
from importlib import import_module
from pathlib import Path

from src.models.contract import FirstStage

RECORD = "FIRST_STAGE"  # the record's name in the module of a model


def _collected() -> dict[str, FirstStage]:
    modules = sorted(found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)]))
    loaded = (import_module(f"src.models.{name}") for name in modules if name != "registry")
    records = [getattr(module, RECORD) for module in loaded if hasattr(module, RECORD)]
    return {one.name: one for one in sorted(records, key=lambda one: (one.turn, one.name))}


FIRST_STAGE: dict[str, FirstStage] = _collected()  # by name, in the order of turns

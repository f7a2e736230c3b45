"""The small bank of the products pipeline, and the files that finished months are named by."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from src.products import paths
from src.products.dataset import Dataset
from tests.products.conftest import SECTIONS, OpenBank, bank, crowd, open_bank, schema, write_params

__all__ = ["bank", "crowd", "open_bank", "schema", "write_params"]

SETTINGS = {"months": "auto", "months_before": 3, "at_most": 6, "workers": 1}
DEPS = [paths.CLEAN, paths.HISTORY, paths.WINDOWS, "src/model.py"]

WriteSettings = Callable[..., None]


@pytest.fixture
def write_settings(workspace: Path) -> WriteSettings:
    """Write the backtest's params.yaml."""

    def write(**predict: object) -> None:
        content = {
            "predict": SETTINGS | predict,
            "evaluate": {"resamples": 50, "seed": 1},
        }
        path = workspace / "pipelines/backtest/params.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    return write


@pytest.fixture
def dataset(
    workspace: Path,
    open_bank: OpenBank,
    crowd: pd.DataFrame,
    write_params: Callable[..., None],
    write_settings: WriteSettings,
) -> Dataset:
    """Forty customers, January to May, and everything that the stage reads."""
    (workspace / "pipelines/backtest").mkdir(parents=True)
    (workspace / "src").mkdir()
    (workspace / "src/model.py").write_text("x = 1")
    (workspace / "requirements.txt").write_text("numpy==2")
    stage = {"deps": DEPS, "params": ["schema", *SECTIONS, {"elsewhere.yaml": ["predict"]}]}
    content = yaml.safe_dump({"stages": {"predict": stage}})
    (workspace / "pipelines/backtest/dvc.yaml").write_text(content, encoding="utf-8")
    write_params(**SECTIONS)
    write_settings()
    return open_bank(crowd)

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from src.simulation import calibration, holdings, population
from src.simulation.calibration import Calibration
from src.simulation.products import ProductsSimulation, simulate


@pytest.fixture(scope="session")
def facts() -> Calibration:
    return calibration.load()


@pytest.fixture(scope="session")
def params() -> ProductsSimulation:
    return ProductsSimulation(customers=2000, months=17, seed=7)


@pytest.fixture(scope="session")
def folder(params: ProductsSimulation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two files of a small bank."""
    folder = tmp_path_factory.mktemp("simulation")
    simulate(params, folder / "train_ver2.csv", folder / "truth.parquet")
    return folder


@pytest.fixture(scope="session")
def raw(folder: Path) -> pd.DataFrame:
    """The snapshots as text, nothing stripped, empty cells as empty strings."""
    return pd.read_csv(folder / "train_ver2.csv", dtype=str, keep_default_na=False)


@pytest.fixture(scope="session")
def truth(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "truth.parquet")


@pytest.fixture(scope="session")
def months(facts: Calibration) -> list[holdings.Snapshot]:
    """The snapshots of another small bank, before they become text."""
    random = np.random.default_rng(3)
    people = population.draw(facts, 3000, random)
    return list(holdings.simulate(facts, people, random))

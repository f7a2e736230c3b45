from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from src.simulation import raw_text
from src.simulation.calibration import TOTAL_CUSTOMERS, Calibration
from src.simulation.population import NUMBERS, customer_numbers
from src.simulation.products import ProductsSimulation, simulate


def test_the_same_seed_gives_the_same_bytes(
    params: ProductsSimulation, folder: Path, tmp_path: Path
) -> None:
    simulate(params, tmp_path / "train_ver2.csv", tmp_path / "truth.parquet")
    for name in ("train_ver2.csv", "truth.parquet"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train_ver2.csv", "truth.parquet"]


def test_fewer_months_are_the_last_of_them(
    params: ProductsSimulation, folder: Path, tmp_path: Path
) -> None:
    fewer = params.model_copy(update={"months": 4})
    simulate(fewer, tmp_path / "train_ver2.csv", tmp_path / "truth.parquet")
    whole = (folder / "train_ver2.csv").read_bytes().splitlines()
    first = next(row for row, line in enumerate(whole) if line.startswith(b"2016-02-28"))
    part = (tmp_path / "train_ver2.csv").read_bytes().splitlines()
    assert part == [whole[0], *whole[first:]]
    assert (tmp_path / "truth.parquet").read_bytes() == (folder / "truth.parquet").read_bytes()


def test_the_smallest_bank_has_adders_in_the_last_month(tmp_path: Path) -> None:
    params = ProductsSimulation(customers=500, months=4, seed=1)
    simulate(params, tmp_path / "train_ver2.csv", tmp_path / "truth.parquet")
    raw = pd.read_csv(tmp_path / "train_ver2.csv", skipinitialspace=True, na_values=["NA"])
    products = [name for name in raw if str(name).endswith("_ult1")]
    before, now = (
        raw[raw["fecha_dato"] == date].set_index("ncodpers")[products].fillna(0)
        for date in ("2016-04-28", "2016-05-28")
    )
    stayers = before.index.intersection(now.index)
    assert (now.loc[stayers] > before.loc[stayers]).any(axis=1).sum() > 3


def test_columns_and_order(raw: pd.DataFrame, facts: Calibration) -> None:
    assert list(raw) == [*raw_text.PROFILE_COLUMNS, *facts.products]
    assert len(raw.columns) == 48
    order = raw["fecha_dato"] + raw["ncodpers"].str.zfill(7)
    assert order.is_monotonic_increasing
    assert order.is_unique


def test_truth(raw: pd.DataFrame, truth: pd.DataFrame, facts: Calibration) -> None:
    assert list(truth) == ["customer", *facts.products]
    assert truth["customer"].dtype == np.int64
    assert set(truth.dtypes[1:]) == {np.dtype(np.float32)}
    before, now = (
        raw[raw["fecha_dato"] == date].astype({"ncodpers": int}).set_index("ncodpers")
        for date in facts.months[-2:]
    )
    assert truth["customer"].tolist() == sorted(before.index.intersection(now.index))
    held = before.loc[truth["customer"], facts.products].map(str.strip) == "1"
    chances = truth[facts.products].to_numpy()
    assert not chances[held.to_numpy()].any()
    assert chances.min() >= 0
    assert chances.max() < 1


@pytest.mark.parametrize("wrong", [{"customers": 499}, {"months": 3}, {"months": 18}, {"seed": -1}])
def test_params_out_of_range(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        ProductsSimulation.model_validate({"customers": 500, "months": 17, "seed": 0, **wrong})


def test_a_bank_of_three_times_the_size_has_ids_for_all() -> None:
    customers = 3 * TOTAL_CUSTOMERS
    assert ProductsSimulation(customers=customers, months=17, seed=1).customers == customers
    with pytest.raises(ValueError, match="less than or equal to 2869935"):
        ProductsSimulation(customers=customers + 1, months=17, seed=1)
    ids = customer_numbers(customers, np.random.default_rng(1))
    assert len(ids) == customers
    assert (np.diff(ids) > 0).all()
    assert ids[-1] < NUMBERS.start + 3 * len(NUMBERS)
    real = customer_numbers(TOTAL_CUSTOMERS, np.random.default_rng(1))
    assert real[-1] < NUMBERS.stop

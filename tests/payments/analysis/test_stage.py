"""The stage eda as a whole."""

import datetime
import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from src.payments import eda, paths
from src.payments.schema import PARAMS
from src.reporting import write_parquet

ROOT = Path(__file__).parents[3]
OUTPUTS = {path for name, path in vars(paths).items() if name.startswith("EDA_")}


@pytest.mark.parametrize("provider", ["shop", None])
def test_one_payment_suffices(workspace: Path, provider: str | None) -> None:
    (workspace / PARAMS).parent.mkdir(parents=True)
    shutil.copy(ROOT / PARAMS, PARAMS)
    write_parquet(
        paths.CLEAN,
        pa.table(
            {
                "client": pa.array([7], pa.int64()),
                "date": pa.array([datetime.date(2025, 8, 31)]),
                "provider": pa.array([provider], pa.string()),
                "amount": [9.5],
                "category": pa.array([None], pa.string()),
                "region": ["north"],
            }
        ),
    )
    eda.main()
    written = {str(path) for path in Path("plots").rglob("*") if path.is_file()}
    assert written == OUTPUTS
    months = pd.read_csv(paths.EDA_MONTHS).to_dict("list")
    expected = ["2025-08-01"], [1], [1], [1], [False]
    names = ["month", "visits", "new", "nobody", "judged"]
    assert months == {
        name: values if provider else [] for name, values in zip(names, expected, strict=True)
    }

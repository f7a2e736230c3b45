"""The payments of 60 clients over 120 days, as clean writes them, and what recommend makes of them.

Client 1 pays gas every week, the last time on 26 August, and tea twice; client 2 has paid nobody
who is known; client 3 has paid nothing for half a year. All others pay at random.
"""

import datetime
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from src.payments import manifest, paths, recommend
from src.payments.calendar import Calendar, day_of
from src.payments.operations.factors import Basis, factor_columns
from src.payments.operations.models import OperationModels
from src.payments.operations.population import Population
from src.payments.operations.snapshot import Snapshot, by_operation
from src.payments.payments import Payments
from src.payments.schema import PARAMS

ROOT = Path(__file__).parents[3]
LAST = datetime.date(2025, 8, 31)
DAY = "2025-09-01"  # that recommend asks about
LOOKBACK = 40
CLIENTS = 60
PROVIDERS = ["bread", "fuel", "gas", "net", "tea", "tram", "water"]
ROWS_PER_GROUP = 500

Row = tuple[int, datetime.date, str | None, float | None]


def ago(days: int) -> datetime.date:
    """A date so many days before the last."""
    return LAST - datetime.timedelta(days=days)


def rows() -> list[Row]:
    """Client, date, provider, amount; by client and date."""
    random = np.random.default_rng(11)
    found: list[Row] = [(1, ago(5 + 7 * weeks), "gas", 100.0 + weeks) for weeks in range(12)]
    found += [(1, ago(9), "tea", 10.0), (1, ago(2), "tea", None), (1, ago(1), None, 5.0)]
    found += [(2, ago(4), None, 50.0)]
    found += [(3, ago(LOOKBACK + 10), "gas", 70.0)]
    for client in range(4, CLIENTS + 1):
        for place, provider in enumerate(random.choice(PROVIDERS, 4, replace=False)):
            gap = int(random.integers(2, 15))
            age = int(random.integers(0, gap))
            first = 120 if place else int(random.integers(15, 60))  # new to them not long ago
            while age < first:
                amount = round(float(random.lognormal(4, 1)), 2)
                found.append((client, ago(age), str(provider), amount))
                age += max(1, gap + int(random.integers(-1, 2)))
    return sorted(found, key=lambda row: row[:2])


def region_of(client: int) -> str:
    """Where a client belongs."""
    return "north" if client % 2 else "south"


def clean_table(*, text_ids: bool = False, names: bool = False) -> pa.Table:
    """The table that clean writes; ids of text if wanted, and names of providers."""
    client, date, provider, amount = zip(*rows(), strict=True)
    columns: dict[str, Any] = {
        "client": [f"c{one:02}" for one in client] if text_ids else pa.array(client, pa.int64()),
        "date": pa.array(date, pa.date32()),
        "provider": pa.array(provider, pa.string()),
        "amount": pa.array(amount, pa.float64()),
        "region": [region_of(one) for one in client],
        "unit": [f"u{one % 3}" for one in client],
    }
    if names:
        columns["name"] = [one and f"{one.title()} & Co" for one in provider]
    return pa.table(columns)


def run_recommend(folder: Path, *, text_ids: bool = False, names: bool = False) -> None:
    """Write clean payments into a folder, and run recommend there."""
    params = yaml.safe_load((ROOT / PARAMS).read_text(encoding="utf-8"))
    params["split"] |= {"test_days": 10, "valid_days": 10}
    params["observe"] |= {"lookback_days": LOOKBACK, "train_step": 4, "negatives": 1}
    params["train_operations"]["booster"] |= {"iterations": 15, "depth": 3}
    params["train_operations"]["network"] |= {"units": 3, "epochs": 2}
    params["examples"]["horizon_days"] = 20
    params["examples"]["second_stage"] |= {"windows": 1, "iterations": 5}
    before = Path.cwd()
    os.chdir(folder)
    try:
        for path in (PARAMS, paths.CLEAN):
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(PARAMS).write_text(yaml.safe_dump(params), encoding="utf-8")
        table = clean_table(text_ids=text_ids, names=names)
        pq.write_table(table, paths.CLEAN, row_group_size=ROWS_PER_GROUP)
        recommend.main()
    finally:
        os.chdir(before)


def asking() -> dict[str, Any]:
    """What is served, in the folder of the bank."""
    text = Path(f"{paths.SERVED_OPERATIONS}/serving.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def serve_model(model: str) -> None:
    """Let another model be served in the folder of the bank."""
    path = Path(f"{paths.SERVED_OPERATIONS}/serving.json")
    path.write_text(json.dumps(asking() | {"model": model}), encoding="utf-8")
    manifest.write()


def scored(new: list[Row], day: str, model: str) -> pa.Table:
    """What recommend would write for a day, if new payments were among those of everybody.

    What factors know of everybody is as it was.
    """
    table = clean_table()
    client, date, provider, amount = zip(*new, strict=True) if new else ([], [], [], [])
    more = pa.table(
        {
            "client": pa.array(client, pa.int64()),
            "date": pa.array(date, pa.date32()),
            "provider": pa.array(provider, pa.string()),
            "amount": pa.array(amount, pa.float64()),
            "region": [region_of(one) for one in client],
            "unit": pa.array([None] * len(client), pa.string()),
        },
        schema=table.schema,
    )
    together = pa.concat_tables([table, more])
    order = np.argsort(together["client"].to_numpy(), kind="stable")
    pq.write_table(together.take(pa.array(order)), "all.parquet")
    stream = by_operation(Payments.open("all.parquet"))
    population = Population.load(f"{paths.SERVED_OPERATIONS}/population.npz")
    assert stream.providers == population.providers
    snapshot = Snapshot(stream, day_of(day), LOOKBACK, asking()["horizon_days"])
    columns = factor_columns(Basis(snapshot, population, Calendar(**asking()["calendar"])))
    chance = OperationModels.load(paths.SERVED_OPERATIONS).score(columns)[model]
    return recommend.operation_table(snapshot, chance, asking()["threshold"])

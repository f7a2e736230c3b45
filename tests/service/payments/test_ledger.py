import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.errors import InputError
from src.service.payments.ledger import Ledger

FIRST = datetime.date(2025, 8, 1)


def written(path: Path, clients: list[Any], rows_per_group: int, **more: list[Any]) -> Ledger:
    """A ledger in which the n-th payment is of n, on the n-th day, to p0, p1, p0, …"""
    count = len(clients)
    table = pa.table(
        {
            "client": clients,
            "date": [FIRST + datetime.timedelta(days=row) for row in range(count)],
            "provider": [f"p{row % 2}" for row in range(count)],
            "amount": [float(row) for row in range(count)],
            **more,
        }
    )
    pq.write_table(table, path, row_group_size=rows_per_group)
    return Ledger.open(path)


def amounts(ledger: Ledger, client: int | str) -> list[float]:
    return ledger.of(client)["amount"].to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("rows_per_group", [1, 2, 3, 4, 100])
def test_clients_may_lie_in_several_row_groups(tmp_path: Path, rows_per_group: int) -> None:
    ledger = written(tmp_path / "x.parquet", [2, 2, 5, 5, 5, 5, 9], rows_per_group)
    assert ledger.clients.tolist() == [2, 5, 9]
    assert ledger.begins.tolist() == [0, 2, 6, 7]
    assert [amounts(ledger, client) for client in (2, 5, 9)] == [[0, 1], [2, 3, 4, 5], [6]]
    assert [amounts(ledger, client) for client in (1, 3, 10)] == [[], [], []]
    assert ledger.of(9).to_pylist() == [
        {"date": datetime.date(2025, 8, 7), "amount": 6.0, "provider": "p0"}
    ]


def test_ids_of_text_and_attributes(tmp_path: Path) -> None:
    ledger = written(
        tmp_path / "x.parquet",
        ["a", "b", "b"],
        2,
        region=["north", None, "south"],
        category=["food", "food", "food"],
    )
    assert [amounts(ledger, client) for client in ("a", "b", "c")] == [[0], [1, 2], []]
    assert ledger.columns == ["date", "amount", "provider", "region"]
    assert ledger.of("b")["region"].to_pylist() == [None, "south"]


def test_names_are_those_written_last(tmp_path: Path) -> None:
    ledger = written(
        tmp_path / "x.parquet",
        [1, 1, 2, 2, 3],
        2,
        name=["old", "tea", "new", None, None],
    )
    assert ledger.names() == {"p0": "new", "p1": "tea"}
    assert written(tmp_path / "y.parquet", [1], 1).names() == {}


def test_a_table_in_another_order(tmp_path: Path) -> None:
    for clients in ([2, 1], [1, 2, 1]):
        with pytest.raises(InputError, match="its rows are not in the order of clients; run"):
            written(tmp_path / "x.parquet", clients, 1)


def test_what_replaces_the_file_is_not_read(tmp_path: Path) -> None:
    ledger = written(tmp_path / "x.parquet", [1, 1], 1)
    written(tmp_path / "new.parquet", [3, 3, 3], 1)
    (tmp_path / "new.parquet").replace(tmp_path / "x.parquet")
    assert amounts(ledger, 1) == [0, 1]

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.errors import InputError
from src.payments import manifest, paths
from src.service.payments.examples import Lists
from tests.service.bank import Service, Start
from tests.service.payments.stream import DAY, run_recommend

LISTS = [  # client, place, provider, score
    (1, 1, "net", 0.5),
    (1, 2, "fuel", 0.25),
    (4, 1, "water", 0.125),
]
POPULAR = [  # region, place, provider: not in order
    (None, 2, "fuel"),
    (None, 1, "bread"),
    ("south", 1, "tram"),
    ("north", 2, "gas"),
    ("north", 1, "water"),
    (None, 3, "gas"),
]


def write(lists: list[tuple[Any, int, str, float]], popular: list[Any] = POPULAR) -> None:
    """Write lists in the folder of the bank."""
    client, place, provider, score = zip(*lists, strict=True)
    table = {
        "client": client,
        "place": pa.array(place, pa.int32()),
        "provider": provider,
        "score": pa.array(score, pa.float32()),
    }
    pq.write_table(pa.table(table), paths.NEW_PROVIDERS)
    rows = [dict(zip(("region", "place", "provider"), row, strict=True)) for row in popular]
    kinds = {"region": pa.string(), "place": pa.int32(), "provider": pa.string()}
    pq.write_table(pa.Table.from_pylist(rows, pa.schema(kinds)), paths.POPULAR)
    manifest.write()


@pytest.fixture
def offering(payments: Path, start: Start) -> Service:
    """A service with lists of new providers."""
    assert payments.is_dir()
    write(LISTS)
    return start()


def ask(service: Service, body: dict[str, Any], k: int = 4) -> Any:
    return service.ask(body, "/payments/examples", k).json()


def offered(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["provider"], one["source"]) for one in answer["examples"]]


def test_a_whole_answer(offering: Service) -> None:
    answer = ask(offering, {"client": 1}, k=3)
    assert answer.pop("answer").endswith("-1")
    assert answer == {
        "client": 1,
        "client_id": "1",
        "revision": "abc1234",
        "source": "personal",
        "region": "north",
        "why": "the client's own list, then what is popular in the region",
        "examples": [
            {"provider": "net", "name": None, "source": "personal", "score": 0.5},
            {"provider": "fuel", "name": None, "source": "personal", "score": 0.25},
            {"provider": "water", "name": None, "source": "region", "score": None},
        ],
    }
    got = offering.client.get("/payments/examples/1?k=3", headers=offering.as_("read")).json()
    del got["answer"]
    assert got == answer


def test_what_was_paid_is_never_an_example(offering: Service) -> None:
    """Client 1 has paid gas and tea; fuel is paid with the request."""
    answer = ask(offering, {"client": 1, "payments": [{"provider": "fuel", "date": DAY}]}, k=50)
    assert offered(answer) == [("net", "personal"), ("water", "region")]


def test_known_clients_without_a_list_see_what_is_popular(offering: Service) -> None:
    answer = ask(offering, {"client": 2})  # has paid nobody who is known
    assert offered(answer) == [("tram", "region")]
    assert (answer["source"], answer["region"]) == ("region", "south")
    assert answer["why"] == "what is popular in the region"


@pytest.mark.parametrize(
    ("region", "source", "first"),
    [("north", "region", "water"), ("west", "everywhere", "bread"), (None, "everywhere", "bread")],
)
def test_unknown_clients(offering: Service, region: str | None, source: str, first: str) -> None:
    answer = ask(offering, {"client": 999, "region": region}, k=1)
    assert offered(answer) == [(first, source)]
    assert answer["region"] == region
    where = "in the region" if source == "region" else "everywhere"
    assert answer["why"] == f"not a known client; what is popular {where}"
    path = "/payments/examples/999?k=1" + (f"&region={region}" if region else "")
    got = offering.client.get(path, headers=offering.as_("read")).json()
    assert offered(got) == offered(answer)


def test_the_region_of_the_latest_payment(offering: Service) -> None:
    moved = [{"provider": "net", "date": DAY, "region": "south"}]
    answer = ask(offering, {"client": 1, "payments": moved}, k=2)
    assert offered(answer) == [("fuel", "personal"), ("tram", "region")]
    assert answer["region"] == "south"


def test_nothing_is_left(payments: Path, start: Start) -> None:
    assert payments.is_dir()
    write(LISTS, popular=[])
    service = start()
    answer = ask(service, {"client": 999})
    assert (answer["source"], answer["examples"]) == ("none", [])
    assert answer["why"] == "not a known client; nothing is left to offer"
    paid = [{"provider": name, "date": DAY} for name in ("net", "fuel")]
    answer = ask(service, {"client": 1, "payments": paid})
    assert answer["why"] == "nothing is left to offer"
    counts = service.client.get("/get_statistics", headers=service.as_("read")).json()
    assert counts["payments"] == {"examples none": 2}


def test_dates_are_checked_here_too(offering: Service) -> None:
    answer = ask(offering, {"client": 1, "payments": [{"provider": "net", "date": "2025-01-01"}]})
    assert answer["faults"] == [
        {"field": "payments.0.date", "reason": "is before 2025-08-31, the last day that is known"}
    ]


def test_names(bank: Path, start: Start) -> None:
    run_recommend(bank, text_ids=True, names=True)
    write([("c01", 1, "net", 0.5), ("c01", 2, "moon", 0.25)])
    answer = ask(start(), {"client": "c01"}, k=2)
    assert [(one["provider"], one["name"]) for one in answer["examples"]] == [
        ("net", "Net & Co"),
        ("moon", None),
    ]


@pytest.mark.parametrize(
    "lists",
    [
        [(1, 2, "net", 0.5)],
        [(1, 1, "net", 0.5), (1, 3, "fuel", 0.5)],
        [(1, 1, "net", 0.5), (1, 1, "fuel", 0.5)],
        [(1, 1, "net", 0.5), (4, 2, "fuel", 0.5)],
        [(4, 1, "net", 0.5), (1, 1, "fuel", 0.5)],
    ],
)
def test_lists_that_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lists: list[tuple[Any, int, str, float]]
) -> None:
    for folder in (paths.NEW_PROVIDERS, manifest.PATH):
        (tmp_path / folder).parent.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    write(lists)
    message = (
        r"^data/payments/examples.parquet: column place does not count 1, 2, … for every client in "
        r"order; run dvc repro pipelines/payments/dvc.yaml$"
    )
    with pytest.raises(InputError, match=message):
        Lists.read()


def test_scores_are_as_written(offering: Service) -> None:
    lists = offering.app.state.payments.catalogue.lists
    assert lists.choose(4, None, {"bread"}, 3) == [
        {"provider": "water", "source": "personal", "score": np.float32(0.125)},
        {"provider": "fuel", "source": "everywhere", "score": None},
        {"provider": "gas", "source": "everywhere", "score": None},
    ]

"""What everybody does, counted by hand in the stream of `stream`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.payments.operations.population import Group, Population
from src.payments.operations.snapshot import by_operation
from src.payments.payments import Payments
from tests.payments.operations.stream import CUTOFF, ROWS, TOY, payments

FIELDS = (
    "provider_recent",
    "provider_before",
    "provider_clients",
    "provider_repeated",
    "gaps",
    "client_gaps",
)


def population(paid: Payments, lookback_days: int = 60) -> Population:
    return Population.of(by_operation(paid), CUTOFF, lookback_days)


def counted(lengths: dict[int, int]) -> list[int]:
    return [lengths.get(days, 0) for days in range(60)]


def told(group: Group) -> dict[str, Any]:
    return {name: np.asarray(value).tolist() for name, value in vars(group).items()}


def latest_by_name(paid: Payments, name: str) -> list[str | None]:
    window = by_operation(paid).between(CUTOFF - 60, CUTOFF)
    labels = window.attributes[name].labels
    return [labels[code] if code >= 0 else None for code in window.latest(name)]


def test_counts_of_providers_and_gaps() -> None:
    found = population(TOY)
    assert found.providers == ["gas", "net", "tea"]
    assert {name: getattr(found, name).tolist() for name in FIELDS} == {
        "provider_recent": [4 + 2, 0, 3],
        "provider_before": [1 + 1, 0, 0],
        "provider_clients": [3, 0, 1],
        "provider_repeated": [2, 0, 1],
        "gaps": counted({7: 3, 6: 1, 30: 1, 18: 1}),
        "client_gaps": counted({7: 2, 5: 1, 2: 2, 4: 1, 30: 1, 18: 1}),
    }


def test_counts_of_regions_and_units() -> None:
    groups = {name: told(group) for name, group in population(TOY).groups.items()}
    assert groups == {
        # ann and cid, bob; providers 0, gas, and 2, tea
        "region": {
            "labels": ["north", "south"],
            "week": [3, 1],
            "recent": [8, 2],
            "keys": [0 * 3 + 0, 0 * 3 + 2, 1 * 3 + 0],
            "payments": [4, 3, 2],
        },
        # ann and bob are of u1 now, cid of none
        "unit": {
            "labels": ["u0", "u1"],
            "week": [0, 3 + 1],
            "recent": [0, 8 + 2],
            "keys": [1 * 3 + 0, 1 * 3 + 2],
            "payments": [4 + 2, 3],
        },
    }


def test_payments_of_a_group_to_a_provider() -> None:
    unit = population(TOY).groups["unit"]
    labels, providers = np.array([1, 1, 1, 0, 0]), np.array([0, 1, 2, 0, 2])
    assert unit.to_provider(labels, providers, 3).tolist() == [6, 0, 3, 0, 0]


@pytest.mark.parametrize(
    ("age", "recent", "before"), [(1, 1, 0), (30, 1, 0), (31, 0, 1), (90, 0, 1), (91, 0, 0)]
)
def test_ends_of_what_is_recent(age: int, recent: int, before: int) -> None:
    found = population(payments([("ann", age, "gas", 1.0)], unit=["u"]), 100)
    assert (found.provider_recent.tolist(), found.provider_before.tolist()) == ([recent], [before])
    assert found.groups["unit"].recent.tolist() == [recent]
    assert found.groups["unit"].payments.tolist() == [1] * recent


@pytest.mark.parametrize(("age", "week"), [(1, 1), (7, 1), (8, 0)])
def test_ends_of_a_week(age: int, week: int) -> None:
    found = population(payments([("ann", age, "gas", 1.0)], unit=["u"]))
    assert found.groups["unit"].week.tolist() == [week]


def test_the_latest_label_of_a_client() -> None:
    # bob's last payment of the window has no unit, cid's only one neither
    assert latest_by_name(TOY, "unit") == ["u1", "u1", None]
    assert latest_by_name(TOY, "region") == ["north", "south", "north"]


def test_of_labels_of_one_day_the_last_by_provider_counts() -> None:
    rows = [("ann", 2, "tea", 1.0), ("ann", 2, "gas", 1.0), ("ann", 5, "tea", 1.0)]
    assert latest_by_name(payments(rows, unit=["a", "b", "c"]), "unit") == ["a"]


def test_the_latest_label_may_be_of_any_provider() -> None:
    rows = [("ann", 9, "tea", 1.0), ("ann", 2, "gas", 1.0), ("ann", 5, None, 1.0)]
    assert latest_by_name(payments(rows, unit=["old", "new", "middle"]), "unit") == ["new"]


def test_data_without_regions_and_units() -> None:
    assert population(payments(ROWS)).groups == {}


def test_nobody_paid_anybody_known() -> None:
    found = population(payments([("ann", 1, None, 1.0), ("ann", 99, "gas", 1.0)], unit=["u", None]))
    assert {name: getattr(found, name).tolist() for name in FIELDS} == {
        "provider_recent": [0],
        "provider_before": [0],
        "provider_clients": [0],
        "provider_repeated": [0],
        "gaps": [0] * 60,
        "client_gaps": [0] * 60,
    }
    assert found.groups["unit"].to_provider(np.array([0]), np.array([0]), 1).tolist() == [0]


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    for name, paid in (("with", TOY), ("without", payments(ROWS))):
        one, path = population(paid), tmp_path / f"{name}.npz"
        one.save(path)
        other = Population.load(path)
        assert other.providers == one.providers
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(other, field), getattr(one, field))
        assert {name: told(group) for name, group in other.groups.items()} == {
            name: told(group) for name, group in one.groups.items()
        }
        other.save(tmp_path / "again.npz")
        assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()

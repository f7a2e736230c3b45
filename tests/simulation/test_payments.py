"""The simulated payments: the chances of a day by hand, the bytes, and what the truth promises."""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from src.simulation.payments import (
    ABROAD,
    HABITS,
    IRREGULAR,
    KEPT,
    MONTHLY,
    TRIES,
    WEEKLY,
    Clients,
    Habits,
    PaymentsSimulation,
    Providers,
    choose_providers,
    date_of,
    draw_habits,
    payments_of,
    simulate,
)

PARAMS = PaymentsSimulation(clients=2000, providers=150, days=120, seed=3)
FILES = ("transactions.csv", "truth.parquet")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("payments")
    simulate(PARAMS, *(made / name for name in FILES))
    return made


def habits(kind: int, anchor: int, begins: int = -1, chance: float = 0.4) -> Habits:
    """A single pair; the client is paid on the 5th."""
    one = np.ones(1, dtype=np.intp)
    return Habits(
        0 * one, 0 * one, kind * one, chance * np.ones(1), anchor * one, 5 * one, begins * one
    )


@pytest.mark.parametrize(
    ("pair", "date", "chance"),
    [
        # Monthly, around the 10th: half of 0.4 on the day, less on the two beside it.
        (habits(MONTHLY, 10), "2025-07-10", 0.4 * 0.5),
        (habits(MONTHLY, 10), "2025-07-09", 0.4 * 0.15),
        (habits(MONTHLY, 10), "2025-07-12", 0.4 * 0.05),
        (habits(MONTHLY, 10), "2025-07-13", 0.0),
        (habits(MONTHLY, 4), "2025-11-04", 0.4 * 0.5 * 0.2),  # a holiday
        # Weekly, on Tuesdays.
        (habits(WEEKLY, 1), "2025-07-08", 0.4),
        (habits(WEEKLY, 1), "2025-07-09", 0.4 * 0.03),
        # Now and then: more after the pay on the 5th, and at weekends.
        (habits(IRREGULAR, 1), "2025-07-07", 0.4 * 1.8 * 0.9),
        (habits(IRREGULAR, 1), "2025-07-09", 0.4 * 0.9 * 0.9),
        (habits(IRREGULAR, 1), "2025-07-12", 0.4 * 0.9 * 1.3),
        (habits(IRREGULAR, 1, chance=0.9), "2025-07-05", 1.0),  # never above
        # The first payment is certain, and none comes before it.
        (habits(MONTHLY, 10, begins=8), "2025-07-10", 0.0),
        (habits(MONTHLY, 10, begins=7), "2025-07-13", 1.0),
    ],
)
def test_chances_of_a_day(pair: Habits, date: str, chance: float) -> None:
    (found,) = pair.chances(7, datetime.date.fromisoformat(date))
    assert found == pytest.approx(chance)


def test_the_last_day_is_the_last_of_august() -> None:
    assert date_of(59, 60) == datetime.date(2025, 8, 31)
    assert date_of(0, 60) == datetime.date(2025, 7, 3)


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    simulate(PARAMS, *(tmp_path / name for name in FILES))
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)


def test_the_raw_form(folder: Path) -> None:
    lines = (folder / "transactions.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == '"client_id","date","amount","provider_id","category","region"'
    rows = pd.read_csv(folder / "transactions.csv", parse_dates=["date"])
    assert rows["date"].is_monotonic_increasing
    assert (rows["date"].min(), rows["date"].max()) == (
        pd.Timestamp("2025-05-04"),
        pd.Timestamp("2025-08-31"),
    )
    assert set(rows["client_id"]) <= set(range(2000))
    assert set(rows["provider_id"]) <= set(range(-1, 150))
    # What a bank's file has, too: refunds, unknown providers, rows that are there twice.
    assert 0 < (rows["amount"] < 0).mean() < 0.01
    assert 0 < (rows["provider_id"] == -1).mean() < 0.01
    assert 0 < rows.duplicated().mean() < 0.005
    assert not rows[["client_id", "region"]].drop_duplicates().duplicated("client_id").any()


def test_a_day_has_as_many_payments_as_its_chances_add_up_to() -> None:
    random = np.random.default_rng(5)
    providers, clients = Providers.draw(500, random), Clients.draw(5000, random)
    pairs = draw_habits(clients, providers, 90, random)
    date = date_of(89, 90)
    chances = pairs.chances(89, date)
    rows = payments_of(pairs, clients, providers, 89, date, random).to_pandas()
    spread = np.sqrt((chances * (1 - chances)).sum())
    assert abs(len(rows.drop_duplicates()) - chances.sum()) < 4 * spread


def test_the_truth_is_about_the_day_after_the_last(folder: Path) -> None:
    random = np.random.default_rng(PARAMS.seed)
    providers = Providers.draw(PARAMS.providers, random)
    clients = Clients.draw(PARAMS.clients, random)
    pairs = draw_habits(clients, providers, PARAMS.days, random)
    chances = pairs.chances(PARAMS.days, datetime.date(2025, 9, 1))
    expected = pd.DataFrame(
        {"client": pairs.client, "provider": pairs.provider, "chance": chances.astype(np.float32)}
    )
    expected = expected[expected["chance"] > 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(pq.read_table(folder / "truth.parquet").to_pandas(), expected)


def test_clients_begin_with_some_habits_and_try_new_providers_each_month() -> None:
    random = np.random.default_rng(5)
    providers, clients = Providers.draw(20_000, random), Clients.draw(5000, random)
    pairs = draw_habits(clients, providers, 90, random)
    # Some are chosen twice, which makes them one pair.
    assert (pairs.begins == -1).sum() / 5000 == pytest.approx(HABITS, rel=0.2)
    assert (pairs.begins >= 0).sum() / 5000 == pytest.approx(3 * TRIES, rel=0.2)
    assert (pairs.chance[pairs.begins >= 0] > 0).mean() == pytest.approx(KEPT, abs=0.03)
    assert pairs.begins.max() == 89
    keys = pairs.client * 20_000 + pairs.provider
    assert (np.diff(keys) > 0).all()


def test_no_category_is_without_a_provider() -> None:
    for seed in range(200):
        drawn = Providers.draw(100, np.random.default_rng(seed))
        assert set(drawn.category) == set(range(12))


def test_providers_are_chosen_by_region_and_taste() -> None:
    random = np.random.default_rng(5)
    providers = Providers(
        category=np.array([0, 0, 0, 1]),
        region=np.array([0, 1, 1, 0]),
        federal=np.array([False, False, True, False]),
        popularity=np.array([1.0, 1.0, 1.0, 1.0]),
        amount=np.ones(4),
    )
    taste = np.zeros((2, 12), dtype=np.float32)
    taste[0, :2] = 1, 0
    taste[1, :2] = 3, 1
    clients = Clients(np.array([0, 1]), np.array([5, 5]), np.ones(2), taste)
    who = np.repeat([0, 1], 40_000)
    chosen = choose_providers(clients, who, np.ones(12), providers, random)
    # Client 0: category 0 alone, in region 0; provider 1 is regional and elsewhere.
    shares = np.bincount(chosen[:40_000], minlength=4) / 40_000
    assert shares == pytest.approx(np.array([1, ABROAD, 1, 0]) / (2 + ABROAD), abs=0.01)
    shares = np.bincount(chosen[40_000:], minlength=4) / 40_000
    expected = np.array([0.75 * ABROAD, 0.75, 0.75, 0.25 * (2 + ABROAD)]) / (2 + ABROAD)
    assert shares == pytest.approx(expected, abs=0.01)

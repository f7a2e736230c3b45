"""Payments of a bank's clients, simulated, and the true chances of the day after the last.

A client pays some providers by habit: every month around a day, every week on a day, or now and
then. They also try new ones, as their taste, their region and the season have it; some of these
become habits. Whether a habit is paid on a day is an independent draw, so its chance on the day
after the last is known exactly: no model can rank the repeats of that day better.
"""

import datetime
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv
from pydantic import Field
from tqdm import tqdm

from src.errors import run
from src.params import Section, load
from src.reporting import atomic, write_parquet

PARAMS = "pipelines/payments/params.yaml"
TRANSACTIONS = Path("data/simulation/transactions.csv")
TRUTH = Path("data/simulation/payments_truth.parquet")

LAST_DAY = datetime.date(2025, 8, 31)
REGION_SHARES = np.array([0.2, 0.16, 0.13, 0.11, 0.1, 0.09, 0.07, 0.06, 0.05, 0.03])  # of clients
PAY_DAYS = (5, 10, 25)
HOLIDAYS = {(1, 1), (1, 7), (2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4), (12, 31)}
MONTHLY, WEEKLY, IRREGULAR = range(3)  # kinds of habits
USUAL_CHANCE = np.array([1.0, 0.6, 0.03])  # of a payment on a usual day, by kind, at most
AROUND_ANCHOR = np.array([0.5, 0.15, 0.05, 0.0])  # the same by days from the day of the month

FEDERAL = 0.12  # share of providers that are paid everywhere
ABROAD = 0.004  # weight of a regional provider outside its region
TAIL = 0.9  # exponent of popularity by rank
HABITS = 4.0  # of a client at the start
TRIES = 0.35  # new providers a month
KEPT = 0.35  # share of the new ones that become habits
REFUNDS, DUPLICATES, UNKNOWN = 0.004, 0.001, 0.005  # shares of the rows

RAW = pa.schema(
    {
        "client_id": pa.int64(),
        "date": pa.date32(),
        "amount": pa.float64(),
        "provider_id": pa.int64(),
        "category": pa.string(),
        "region": pa.int64(),
    }
)


@dataclass(frozen=True)
class Category:
    """What is paid for: its share of habits, and how it is paid.

    `peak` is the month in which it attracts `pull` times as many new clients (0: none); `monthly`
    and `weekly` are shares of its habits.
    """

    name: str
    share: float
    amount: float
    monthly: float
    weekly: float
    peak: int = 0
    pull: float = 1.0


CATEGORIES = (
    Category("utilities", 0.14, 60, 0.95, 0.0),
    Category("telecom", 0.14, 12, 0.85, 0.0),
    Category("groceries", 0.16, 35, 0.05, 0.6),
    Category("transport", 0.10, 4, 0.05, 0.5),
    Category("restaurants", 0.10, 20, 0.0, 0.35),
    Category("clothes", 0.07, 70, 0.0, 0.05, peak=11, pull=2),
    Category("education", 0.05, 90, 0.7, 0.1, peak=9, pull=4),
    Category("health", 0.06, 45, 0.1, 0.1, peak=2, pull=2),
    Category("travel", 0.04, 250, 0.0, 0.0, peak=7, pull=3),
    Category("sport", 0.05, 40, 0.6, 0.2, peak=1, pull=3),
    Category("gifts", 0.04, 30, 0.0, 0.0, peak=12, pull=4),
    Category("charity", 0.05, 15, 0.5, 0.0, peak=12, pull=2),
)


class PaymentsSimulation(Section):
    """Size and seed of the simulation; the same parameters give the same bytes."""

    clients: int = Field(ge=100, le=2_000_000)
    providers: int = Field(ge=100, le=200_000)
    days: int = Field(ge=60, le=1_000)
    seed: int = Field(ge=0)


@dataclass(frozen=True)
class Providers:
    """One array entry per provider.

    Attributes
    ----------
    category, region : int array
        Their indices.
    federal : bool array
        Whether it is paid in every region.
    popularity : float array
        A weight.
    amount : float array
        What is usually paid.
    """

    category: NDArray[np.intp]
    region: NDArray[np.intp]
    federal: NDArray[np.bool_]
    popularity: NDArray[np.float64]
    amount: NDArray[np.float64]

    @classmethod
    def draw(cls, number: int, random: np.random.Generator) -> "Providers":
        """Draw them, at least one of each category; popularity falls with a power of the rank."""
        shares = np.array([category.share for category in CATEGORIES])
        category = random.choice(len(CATEGORIES), number, p=shares / shares.sum())
        category[: len(CATEGORIES)] = np.arange(len(CATEGORIES))
        usual = np.array([category.amount for category in CATEGORIES])
        return cls(
            category=category,
            region=random.choice(len(REGION_SHARES), number, p=REGION_SHARES),
            federal=random.random(number) < FEDERAL,
            popularity=np.power(1.0 + random.permutation(number), -TAIL),
            amount=usual[category] * random.lognormal(0, 0.4, number),
        )


@dataclass(frozen=True)
class Clients:
    """One array entry per client.

    Attributes
    ----------
    region : int array
        Its index.
    pay_day : int array
        Day of the month on which they are paid.
    income : float array
        Relative to the others'.
    taste : float32 array, shape (clients, categories)
        Weights.
    """

    region: NDArray[np.intp]
    pay_day: NDArray[np.intp]
    income: NDArray[np.float64]
    taste: NDArray[np.float32]

    @classmethod
    def draw(cls, number: int, random: np.random.Generator) -> "Clients":
        """Draw them; each likes a few categories far more than the others."""
        shares = np.array([category.share for category in CATEGORIES], dtype=np.float32)
        liking = random.standard_gamma(0.6, (number, len(CATEGORIES)), dtype=np.float32)
        return cls(
            region=random.choice(len(REGION_SHARES), number, p=REGION_SHARES),
            pay_day=random.choice(PAY_DAYS, number),
            income=random.lognormal(0, 0.5, number),
            taste=liking * shares + np.float32(1e-6),
        )


@dataclass(frozen=True)
class Habits:
    """Pairs of a client and a provider; one array entry per pair, by client and provider.

    Attributes
    ----------
    client, provider, kind : int array
    chance : float array
        Of a payment on a usual day.
    anchor : int array
        The usual day: of the month, or of the week from Monday = 0.
    pay_day : int array
        Day of the month on which the client is paid.
    begins : int array
        Day of the first payment, which is certain; -1 where the habit is older than the data.
    """

    client: NDArray[np.intp]
    provider: NDArray[np.intp]
    kind: NDArray[np.intp]
    chance: NDArray[np.float64]
    anchor: NDArray[np.intp]
    pay_day: NDArray[np.intp]
    begins: NDArray[np.intp]

    def chances(self, day: int, date: datetime.date) -> NDArray[np.float64]:
        """Chance of a payment on a day, by pair."""
        distance = np.minimum(np.abs(date.day - self.anchor), len(AROUND_ANCHOR) - 1)
        weekly = np.where(self.anchor == date.weekday(), 1.0, 0.03)
        after_pay = (date.day - self.pay_day) % 31 < 4
        irregular = np.where(after_pay, 1.8, 0.9) * (1.3 if date.weekday() >= 5 else 0.9)
        usual = np.choose(self.kind, [AROUND_ANCHOR[distance], weekly, irregular]) * self.chance
        if (date.month, date.day) in HOLIDAYS:
            usual *= np.where(self.kind == IRREGULAR, 1.3, 0.2)
        return np.where(self.begins < day, np.minimum(usual, 1.0), self.begins == day)


def choose_providers(
    clients: Clients,
    who: NDArray[np.intp],
    season: NDArray[np.float64],
    providers: Providers,
    random: np.random.Generator,
) -> NDArray[np.intp]:
    """Choose a provider for each of some clients, by taste, season, region and popularity."""
    wished = np.cumsum(clients.taste[who] * season, axis=1)
    drawn = random.random(len(who)) * wished[:, -1]
    category = (wished <= drawn[:, np.newaxis]).sum(axis=1)
    group = clients.region[who] * len(CATEGORIES) + category
    order = np.argsort(group, kind="stable")
    present, starts = np.unique(group[order], return_index=True)
    chosen = np.empty(len(who), dtype=np.intp)
    for number, rows in zip(present, np.split(order, starts[1:]), strict=True):
        region, wanted = divmod(int(number), len(CATEGORIES))
        offered = np.flatnonzero(providers.category == wanted)
        at_home = providers.federal[offered] | (providers.region[offered] == region)
        weight = np.where(at_home, 1.0, ABROAD) * providers.popularity[offered]
        chosen[rows] = random.choice(offered, len(rows), p=weight / weight.sum())
    return chosen


def draw_habits(
    clients: Clients, providers: Providers, days: int, random: np.random.Generator
) -> Habits:
    """Draw who pays whom, how, and from which day on."""
    everybody = np.arange(len(clients.region))
    who = [np.repeat(everybody, 1 + random.poisson(HABITS - 1, len(everybody)))]
    begins = [np.full(len(who[0]), -1)]
    chosen = [choose_providers(clients, who[0], np.ones(len(CATEGORIES)), providers, random)]
    for first in range(0, days, 30):
        month = date_of(first, days).month
        season = np.array([each.pull if each.peak == month else 1.0 for each in CATEGORIES])
        who.append(np.repeat(everybody, random.poisson(TRIES, len(everybody))))
        begins.append(random.integers(first, min(first + 30, days), len(who[-1])))
        chosen.append(choose_providers(clients, who[-1], season, providers, random))
    client, provider, begin = (np.concatenate(parts) for parts in (who, chosen, begins))
    order = np.lexsort([begin, provider, client])
    client, provider, begin = client[order], provider[order], begin[order]
    # A provider that is chosen again is no new one: the first time counts.
    first_time = np.r_[True, (np.diff(client) != 0) | (np.diff(provider) != 0)]
    client, provider, begin = client[first_time], provider[first_time], begin[first_time]

    shares = np.array([(each.monthly, each.monthly + each.weekly) for each in CATEGORIES])
    which = random.random(len(client))[:, np.newaxis]
    kind = (which >= shares[providers.category[provider]]).sum(axis=1)
    chance = USUAL_CHANCE[kind] * random.uniform(0.5, 1.0, len(client))
    chance[(begin >= 0) & (random.random(len(client)) >= KEPT)] = 0.0
    day_of_month = random.integers(1, 29, len(client))
    anchor = np.where(kind == WEEKLY, day_of_month % 7, day_of_month)
    return Habits(client, provider, kind, chance, anchor, clients.pay_day[client], begin)


def date_of(day: int, days: int) -> datetime.date:
    """Date of a day, of which the last has the number `days` - 1."""
    return LAST_DAY + datetime.timedelta(days=day - days + 1)


def payments_of(
    habits: Habits,
    clients: Clients,
    providers: Providers,
    day: int,
    date: datetime.date,
    random: np.random.Generator,
) -> pa.Table:
    """Draw the payments of a day, raw: with refunds, doubled rows and unknown providers."""
    paid = np.flatnonzero(random.random(len(habits.client)) < habits.chances(day, date))
    doubled = random.random(len(paid)) < DUPLICATES
    client, provider = habits.client[paid], habits.provider[paid]
    spread = np.where(habits.kind[paid] == MONTHLY, 0.03, 0.5)
    amount = providers.amount[provider] * clients.income[client]
    amount *= np.exp(spread * random.standard_normal(len(paid)))
    amount = np.maximum(np.round(amount, 2), 0.01)
    amount[random.random(len(paid)) < REFUNDS] *= -1
    unknown = random.random(len(paid)) < UNKNOWN
    rows = np.repeat(np.arange(len(paid)), 1 + doubled)
    names = pa.array([category.name for category in CATEGORIES])
    return pa.table(
        {
            "client_id": client[rows],
            "date": np.full(len(rows), np.datetime64(date)),
            "amount": amount[rows],
            "provider_id": np.where(unknown, -1, provider)[rows],
            "category": names.take(pa.array(providers.category[provider[rows]])),
            "region": clients.region[client[rows]],
        },
        schema=RAW,
    )


def simulate(params: PaymentsSimulation, transactions: Path, truth: Path) -> None:
    """Write the payments as CSV and the true chances of the day after the last.

    Parameters
    ----------
    params : PaymentsSimulation
        Size and seed.
    transactions : Path
        CSV: client_id, date, amount, provider_id (-1: unknown), category, region of the client; by
        date, then client.
    truth : Path
        Parquet: client, provider, chance in float32; pairs that have no chance are left out.
    """
    random = np.random.default_rng(params.seed)
    providers = Providers.draw(params.providers, random)
    clients = Clients.draw(params.clients, random)
    habits = draw_habits(clients, providers, params.days, random)
    with atomic(transactions) as path, csv.CSVWriter(path, RAW) as writer:
        for day in tqdm(range(params.days), "simulated", unit="day", disable=None):
            date = date_of(day, params.days)
            writer.write_table(payments_of(habits, clients, providers, day, date, random))
    chances = habits.chances(params.days, date_of(params.days, params.days))
    likely = chances > 0
    write_parquet(
        truth,
        pa.table(
            {
                "client": habits.client[likely],
                "provider": habits.provider[likely],
                "chance": chances[likely].astype(np.float32),
            }
        ),
    )


if __name__ == "__main__":
    run(lambda: simulate(load("simulate", PaymentsSimulation, PARAMS), TRANSACTIONS, TRUTH))

"""Who the customers are: arrivals and attributes of everybody who is ever seen."""

import numpy as np
import numpy.typing as npt

from src.simulation import effects
from src.simulation.calibration import TOTAL_CUSTOMERS, Calibration, Codes, Flags, Integers
from src.simulation.profiles import NEVER, POPULATIONS, Profiles, leavers_by

NUMBERS = range(15_889, 1_553_689)  # ids of the real bank's customers
FIRST_OF_NEWCOMERS = POPULATIONS.index("autumn")
JULY_2015 = 6
AUTUMN_2015 = range(7, 11)
JULY_2015_BOOKED_AT_ONCE = 0.93
# The block of customers whose whole profile is missing in 2015-01…06, and for how many months.
BLOCK_SHARE = 7_340 / TOTAL_CUSTOMERS
BLOCK_LENGTHS = (0.14, 0.14, 0.15, 0.17, 0.19, 0.21)
BLOCK_LEAVES = 0.966
BLOCK_WITHOUT_PAYROLL = 16_063 / 27_734
FOREIGN = 0.0048
SENTINEL_CUSTOMERS = 3 / TOTAL_CUSTOMERS
RECORDED_LATE = 0.84  # newcomers whose first snapshot lacks segment, channel and relation
NEVER_RECORDED = 0.004
INCOME_SPREAD = 0.47
INCOME_TAIL = 6
INCOME_MISSING = (0.66, 0.16)  # newcomers, others
INCOME_RANGE = (1_202.73, 28_894_395.51)
OLDEST_RELATION = 240  # months at the first snapshot
SAME_HOUSEHOLD = 0.15
WOMEN = {"TOP": 0.354, "PARTICULARES": 0.395, "UNIVERSITARIO": 0.563}
INCOME_BY_SEGMENT = {"TOP": 0.15, "PARTICULARES": 0.0, "UNIVERSITARIO": -0.02}


def draw(calibration: Calibration, customers: int, random: np.random.Generator) -> Profiles:
    """Draw every customer who is ever seen.

    Parameters
    ----------
    customers : int
        How many of them; all counts of the facts are scaled by customers / 956,645.
    """
    arrival = _arrivals(calibration, customers)
    population = _populations(arrival, random)
    newcomer = population >= FIRST_OF_NEWCOMERS
    table = calibration.populations.iloc[_cells(calibration, population, random)]
    segment = _codes(table["segment"].to_numpy(), effects.SEGMENTS)
    age = _ages(calibration, table["age_from"].to_numpy(), random)
    birthday = random.integers(0, 12, customers, dtype=np.int32)
    tenure = _within(effects.TENURES, OLDEST_RELATION, table["tenure_from"].to_numpy(), random)
    tenure[newcomer] = 0
    share = calibration.provinces["share"].to_numpy()
    numbers = calibration.provinces["cod_prov"].to_numpy(np.int32)
    province = random.choice(numbers, customers, p=share / share.sum())
    income = _incomes(calibration, segment, age, province, newcomer, random)
    same = 1 + np.flatnonzero(random.random(customers - 1) < SAME_HOUSEHOLD)
    income[same], province[same] = income[same - 1], province[same - 1]
    hidden = _hidden(arrival, random)
    going = (hidden > 0) & (random.random(customers) < BLOCK_LEAVES)
    late = newcomer & (random.random(customers) < RECORDED_LATE)
    known_from = np.where(random.random(customers) < NEVER_RECORDED, NEVER, arrival + late)
    women = np.array([WOMEN.get(name, 0.45) for name in effects.SEGMENTS])
    order = np.lexsort((random.random(customers), arrival - tenure))
    return Profiles(
        customer=customer_numbers(customers, random),
        arrival=arrival[order],
        leaves=np.where(going, hidden, NEVER).astype(np.int32)[order],
        hidden_until=hidden[order],
        known_from=known_from.astype(np.int32)[order],
        payroll_hidden=random.random(customers) < BLOCK_WITHOUT_PAYROLL,
        sentinel=_sentinel(arrival[order], random),
        population=population[order],
        tenure=(tenure - arrival)[order],
        age=(age - (arrival + birthday) // 12)[order],
        birthday=birthday[order],
        segment=segment[order],
        channel=_codes(table["channel"].to_numpy(), effects.CHANNELS)[order],
        income=income[order],
        province=province[order],
        foreign=random.random(customers) < FOREIGN,
        woman=(random.random(customers) < women[segment])[order],
    )


def _cells(calibration: Calibration, population: Codes, random: np.random.Generator) -> Integers:
    names = calibration.populations["population"].to_numpy()
    cells = np.empty(len(population), np.int64)
    for code, name in enumerate(POPULATIONS):
        rows = np.flatnonzero(names == name)
        weights = calibration.populations["weight"].to_numpy()[rows]
        mine = np.flatnonzero(population == code)
        cells[mine] = random.choice(rows, len(mine), p=weights / weights.sum())
    return cells


def customer_numbers(customers: int, random: np.random.Generator) -> Integers:
    """Ids, ascending; no denser than the real ones, however many customers there are."""
    most = len(NUMBERS) * -(-customers // TOTAL_CUSTOMERS)
    return np.sort(random.choice(most, customers, replace=False)) + NUMBERS.start


def _sentinel(arrival: Codes, random: np.random.Generator) -> Flags:
    chosen = np.zeros(len(arrival), bool)
    wanted = max(1, round(SENTINEL_CUSTOMERS * len(arrival)))
    chosen[random.choice(np.flatnonzero(arrival == 0), wanted, replace=False)] = True
    return chosen


def _arrivals(calibration: Calibration, customers: int) -> Codes:
    scale = customers / TOTAL_CUSTOMERS
    seen = [
        round(scale * present) + leavers_by(month, customers)
        for month, present in enumerate(calibration.customers)
    ]
    seen[-1] = customers
    return np.repeat(np.arange(len(seen), dtype=np.int32), np.diff(seen, prepend=0))


def _populations(arrival: Codes, random: np.random.Generator) -> Codes:
    population = np.full(len(arrival), POPULATIONS.index("newcomers"), np.int32)
    population[arrival == 0] = POPULATIONS.index("initial")
    population[np.isin(arrival, AUTUMN_2015)] = POPULATIONS.index("autumn")
    booked = (arrival == JULY_2015) & (random.random(len(arrival)) < JULY_2015_BOOKED_AT_ONCE)
    population[booked] = POPULATIONS.index("july_2015")
    return population


def _codes(values: npt.NDArray[np.object_], levels: tuple[str, ...]) -> Codes:
    lookup = {level: code for code, level in enumerate(levels)}
    return np.fromiter((lookup[value] for value in values), np.int32, len(values))


def _ages(calibration: Calibration, lowest: Integers, random: np.random.Generator) -> Codes:
    histogram = calibration.values[calibration.values["column"] == "age"]
    years = histogram["value"].astype(int).to_numpy()
    rows = histogram["rows"].to_numpy(np.float64)
    ages = np.empty(len(lowest), np.int32)
    for low, high in zip(effects.AGES, (*effects.AGES[1:], 200), strict=True):
        inside = (years >= low) & (years < high)
        mine = np.flatnonzero(lowest == low)
        ages[mine] = random.choice(years[inside], len(mine), p=rows[inside] / rows[inside].sum())
    return ages


def _within(
    edges: tuple[int, ...], end: int, lowest: Integers, random: np.random.Generator
) -> Codes:
    widths = np.diff([*edges, end])[np.searchsorted(edges, lowest)]
    values: Codes = (lowest + random.random(len(lowest)) * widths).astype(np.int32)
    return values


def _incomes(
    calibration: Calibration,
    segment: Codes,
    age: Codes,
    province: Codes,
    newcomer: Flags,
    random: np.random.Generator,
) -> npt.NDArray[np.float64]:
    means = np.zeros(int(calibration.provinces["cod_prov"].max()) + 1)
    means[calibration.provinces["cod_prov"]] = calibration.provinces["mean_log_renta"]
    by_segment = np.array([INCOME_BY_SEGMENT.get(name, 0.0) for name in effects.SEGMENTS])
    by_age = np.interp(age, [20, 35, 50, 62, 75], [0.0, -0.08, 0.02, 0.12, 0.08])
    spread = INCOME_SPREAD * random.standard_t(INCOME_TAIL, len(age))
    incomes = np.exp(means[province] + by_segment[segment] + by_age + spread)
    incomes[random.random(len(age)) < np.where(newcomer, *INCOME_MISSING)] = np.nan
    return np.asarray(np.clip(incomes, *INCOME_RANGE).round(2))


def _hidden(arrival: Codes, random: np.random.Generator) -> Codes:
    initial = np.flatnonzero(arrival == 0)
    block = random.choice(initial, round(BLOCK_SHARE * len(arrival)), replace=False)
    hidden = np.zeros(len(arrival), np.int32)
    hidden[block] = 1 + random.choice(len(BLOCK_LENGTHS), len(block), p=BLOCK_LENGTHS)
    return hidden

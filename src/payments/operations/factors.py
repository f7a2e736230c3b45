"""Factors of an operation at a cut-off, each defined once.

A record is a factor's name, its title for people, and its computation from a snapshot. To add a
factor, add a record: from then on it is in the observations, among the bins, in the models and in
their plots.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.payments.calendar import Calendar, date_of
from src.payments.operations.population import RECENT, Group, Population
from src.payments.operations.snapshot import Floats, Gaps, Integers, Snapshot, client_days, divided

_HALF_LIVES = (7, 30, 90)  # days
_CLIENT_DAYS = (1, 3, 7, 14, 30)
_OPERATION_DAYS = (3, 7, 30, 90)
_PRIOR = 1.0  # how many gaps the belief weighs that a gap is like all others


class Basis:
    """A snapshot with what several factors are made of; one entry per operation everywhere."""

    def __init__(self, snapshot: Snapshot, population: Population, calendar: Calendar) -> None:
        self.snapshot = snapshot
        self.population = population
        self.calendar = calendar
        self.date = date_of(snapshot.cutoff)

    def same(self, value: float) -> Floats:
        """Give every operation one value."""
        return np.full(len(self.snapshot), float(value))

    @cached_property
    def count(self) -> Floats:
        """Payments."""
        return self.snapshot.of_operation(np.ones(len(self.snapshot.paid)))

    @cached_property
    def client_count(self) -> Floats:
        """Payments of the client, to anybody."""
        return self.snapshot.of_client(np.ones(len(self.snapshot.window)))

    def decayed(self, half_life: float) -> Floats:
        """Payments, each worth half after so many days."""
        return self.snapshot.of_operation(np.exp2(-self.snapshot.age / half_life))

    def client_decayed(self, half_life: float) -> Floats:
        """Payments of the client, each worth half after so many days."""
        return self.snapshot.of_client(np.exp2(-self.snapshot.window_age / half_life))

    @cached_property
    def client_days(self) -> tuple[Integers, Integers]:
        """Client and day of every day on which a client paid, sorted; days from 0."""
        own = self.snapshot
        return client_days(own.window, own.cutoff, own.lookback_days)

    def client_days_since(self, elapsed: Floats) -> Floats:
        """Days with a payment of the client, to anybody, from so many days ago on."""
        client, day = self.client_days
        width = np.int64(self.snapshot.lookback_days)
        keys = client * width + day
        first = self.snapshot.client * width + (width - elapsed.astype(np.int64))
        ends = np.searchsorted(keys, (self.snapshot.client + 1) * width)
        return (ends - np.searchsorted(keys, first)).astype(np.float64)

    @cached_property
    def days(self) -> Floats:
        """Days with a payment."""
        return self.snapshot.gaps.count + 1

    @cached_property
    def client_gaps(self) -> Gaps:
        """Gaps between the days on which a client paid anybody; one entry per client."""
        client, day = self.client_days
        same = np.flatnonzero(np.diff(client) == 0)
        days = (day[same + 1] - day[same]).astype(np.float64)
        return Gaps(client[same], days, len(self.snapshot.window.clients))

    @cached_property
    def client_elapsed(self) -> Floats:
        """Days since the client's last payment; one entry per client."""
        latest = np.full(len(self.snapshot.window.clients), -1, dtype=np.intp)
        client, day = self.client_days
        latest[client] = day
        return (self.snapshot.lookback_days - latest).astype(np.float64)

    def of_group(self, name: str, count: Callable[[Group, Integers], NDArray[Any]]) -> Floats:
        """Count something about the client's region or unit; NaN where it is not known."""
        found = np.full(len(self.snapshot), np.nan)
        if name in self.population.groups and name in self.snapshot.window.attributes:
            label = self.snapshot.window.latest(name)[self.snapshot.client]
            known = label >= 0
            if known.any():  # else there may be no label to look up
                found[known] = count(self.population.groups[name], label)[known]
        return found

    def provider_around(self, name: str) -> Floats:
        """Recent payments to the provider from the client's region or unit."""
        providers = len(self.snapshot.paid.providers)
        return self.of_group(
            name, lambda group, label: group.to_provider(label, self.snapshot.provider, providers)
        )

    def of_provider(self, counts: Integers) -> Floats:
        """Look up what is counted by provider."""
        return counts[self.snapshot.provider].astype(np.float64)

    def on_weekday(self) -> Floats:
        """Share of the operation's payments on the cut-off's weekday, drawn towards one seventh."""
        weekday = (self.snapshot.paid.day + 3) % 7 == self.date.weekday()
        return (self.snapshot.of_operation(weekday) + 1 / 7) / (self.count + 1)

    def client_on_weekday(self) -> Floats:
        """The same of all payments of the client."""
        weekday = (self.snapshot.window.day + 3) % 7 == self.date.weekday()
        return (self.snapshot.of_client(weekday) + 1 / 7) / (self.client_count + 1)

    def _near_day(self, days: NDArray[np.int32]) -> Floats:
        """Whether days lie within two days of the cut-off's day of the month, of 30 days each."""
        month_day = (
            days.astype("datetime64[D]") - days.astype("datetime64[D]").astype("datetime64[M]")
        ).astype(int) + 1
        distance = np.abs(month_day - self.date.day)
        return np.asarray(np.minimum(distance, 30 - distance) <= 2, dtype=np.float64)

    def on_month_day(self) -> Floats:
        """Share of payments around the cut-off's day of the month, drawn towards a sixth."""
        near = self.snapshot.of_operation(self._near_day(self.snapshot.paid.day))
        return (near + 1 / 6) / (self.count + 1)

    def client_on_month_day(self) -> Floats:
        """The same of all payments of the client."""
        near = self.snapshot.of_client(self._near_day(self.snapshot.window.day))
        return (near + 1 / 6) / (self.client_count + 1)

    @cached_property
    def amounts(self) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the amounts' logarithm; NaN where none is given."""
        logs = np.log1p(self.snapshot.paid.amount)
        given = ~np.isnan(logs)
        number = self.snapshot.of_operation(given)
        mean = divided(self.snapshot.of_operation(np.where(given, logs, 0)), number)
        around = np.where(given, (logs - mean[self.snapshot.operation]) ** 2, 0)
        return mean, np.sqrt(divided(self.snapshot.of_operation(around), number))


def due(gaps: Gaps, elapsed: Floats, horizon: int, everyones: Integers) -> Floats:
    """Density of past gaps at the time elapsed, among those that were as long, from 0 to about 1.

    ``sum of K((gap - e) / b) / b`` over the gaps of the operation, ``K`` the normal density, ``e``
    the time elapsed in the middle of the days asked about and ``b`` a day and a half and a
    twentieth of the time elapsed, times the length of the horizon, divided by the gaps not shorter
    than the time elapsed; both plus the same of everyone's gaps (how many last so many days), with
    the weight of one gap (a kernel estimate of the hazard).
    """
    middle = elapsed + (horizon - 1) / 2
    width = 1.5 + 0.05 * elapsed
    own_middle, own_width = middle[gaps.operation], width[gaps.operation]
    density = np.exp(-0.5 * ((gaps.days - own_middle) / own_width) ** 2) / own_width
    density *= horizon / np.sqrt(2 * np.pi)
    survived = gaps.days >= elapsed[gaps.operation]
    whole = _hazard_of_all(everyones, elapsed, horizon)
    return (gaps.sums(density) + _PRIOR * whole) / (gaps.sums(survived) + _PRIOR)


def _hazard_of_all(counts: Integers, elapsed: Floats, horizon: int) -> Floats:
    """Share of gaps that end within the horizon, among those not shorter than the time elapsed."""
    reached = np.r_[np.cumsum(counts[::-1])[::-1], 0]
    survived, longer = (
        reached[np.minimum(elapsed + more, len(counts)).astype(np.intp)] for more in (0, horizon)
    )
    return np.asarray((survived - longer + 1e-3) / (survived + 1.0))


def longer_gaps(gaps: Gaps, elapsed: Floats) -> Floats:
    """Share of past gaps longer than the time elapsed; NaN without a gap."""
    return divided(gaps.sums(gaps.days > elapsed[gaps.operation]), gaps.count)


@dataclass(frozen=True)
class Factor:
    """A factor: its name, its title in English and Russian, and how it is computed.

    Attributes
    ----------
    name, en, ru : str
    compute : function of Basis
        float, shape (operations,); NaN where there is no value.
    category : bool
        Whether its values are codes without an order.
    """

    name: str
    en: str
    ru: str
    compute: Callable[[Basis], Floats]
    category: bool = False


def _per_client(values: Callable[[Basis], Floats]) -> Callable[[Basis], Floats]:
    return lambda known: values(known)[known.snapshot.client]


def _client_count(days: int, known: Basis) -> Floats:
    return known.snapshot.of_client(known.snapshot.window_age <= days)


def _operation_count(days: int, known: Basis) -> Floats:
    return known.snapshot.of_operation(known.snapshot.age <= days)


def _decayed(days: int, known: Basis) -> Floats:
    return known.decayed(days)


def _decayed_share(days: int, known: Basis) -> Floats:
    return divided(known.decayed(days), known.client_decayed(days))


def _to_pay_day(known: Basis) -> Floats:
    days = known.calendar.days_after_pay(known.date)
    return known.same(np.nan if days < 0 else days)


FACTORS = (
    # The day that is asked about.
    Factor("weekday", "weekday", "день недели", lambda k: k.same(k.date.weekday()), category=True),
    Factor(
        "month_day", "day of the month", "день месяца", lambda k: k.same(k.date.day), category=True
    ),
    Factor("after_pay_day", "days since pay day", "дней после зарплаты", _to_pay_day),
    Factor(
        "holiday",
        "holiday",
        "праздник",
        lambda k: k.same(k.calendar.is_holiday(k.date)),
        category=True,
    ),
    # The client.
    Factor(
        "client_elapsed",
        "days since the client's last payment",
        "дней с последнего платежа клиента",
        _per_client(lambda k: k.client_elapsed),
    ),
    *(
        Factor(
            f"client_count_{days}",
            f"client's payments in {days} days",
            f"платежей клиента за {days} дн.",
            partial(_client_count, days),
        )
        for days in _CLIENT_DAYS
    ),
    Factor("client_count", "client's payments", "платежей клиента", lambda k: k.client_count),
    Factor(
        "client_operations",
        "client's operations",
        "операций клиента",
        lambda k: k.snapshot.within_client(np.ones(len(k.snapshot))),
    ),
    Factor(
        "client_gap",
        "client's usual gap",
        "обычный интервал клиента",
        _per_client(lambda k: k.client_gaps.mean),
    ),
    Factor(
        "client_due",
        "client is due",
        "клиенту пора платить",
        _per_client(
            lambda k: due(
                k.client_gaps, k.client_elapsed, k.snapshot.horizon, k.population.client_gaps
            )
        ),
    ),
    Factor(
        "client_longer_gaps",
        "share of the client's gaps that were longer",
        "доля более длинных интервалов клиента",
        _per_client(lambda k: longer_gaps(k.client_gaps, k.client_elapsed)),
    ),
    Factor(
        "client_weekday",
        "client's share of the weekday",
        "доля дня недели у клиента",
        Basis.client_on_weekday,
    ),
    Factor(
        "client_month_day",
        "client's share of the day of the month",
        "доля числа месяца у клиента",
        Basis.client_on_month_day,
    ),
    # Whoever is like them.
    Factor(
        "unit_count_7",
        "payments of the unit in 7 days",
        "платежей подразделения за 7 дн.",
        lambda k: k.of_group("unit", lambda group, label: group.week[label]),
    ),
    Factor(
        "unit_count_30",
        "payments of the unit in 30 days",
        "платежей подразделения за 30 дн.",
        lambda k: k.of_group("unit", lambda group, label: group.recent[label]),
    ),
    # The operation's times.
    Factor(
        "elapsed",
        "days since the last payment",
        "дней с последнего платежа",
        lambda k: k.snapshot.elapsed,
    ),
    Factor(
        "first",
        "days since the first payment",
        "дней с первого платежа",
        lambda k: k.snapshot.age[k.snapshot.starts],
    ),
    Factor("gap_mean", "mean gap", "средний интервал", lambda k: k.snapshot.gaps.mean),
    Factor("gap_median", "median gap", "медианный интервал", lambda k: k.snapshot.gaps.median),
    Factor(
        "gap_spread", "spread of the gaps", "разброс интервалов", lambda k: k.snapshot.gaps.spread
    ),
    Factor("gap_last", "last gap", "последний интервал", lambda k: k.snapshot.gaps.last),
    Factor(
        "elapsed_to_gap",
        "time elapsed ÷ mean gap",
        "прошло ÷ средний интервал",
        lambda k: k.snapshot.elapsed / k.snapshot.gaps.mean,
    ),
    Factor(
        "elapsed_to_median",
        "time elapsed ÷ median gap",
        "прошло ÷ медианный интервал",
        lambda k: k.snapshot.elapsed / k.snapshot.gaps.median,
    ),
    Factor(
        "due",
        "operation is due",
        "операции пора повториться",
        lambda k: due(k.snapshot.gaps, k.snapshot.elapsed, k.snapshot.horizon, k.population.gaps),
    ),
    Factor(
        "longer_gaps",
        "share of gaps that were longer",
        "доля более длинных интервалов",
        lambda k: longer_gaps(k.snapshot.gaps, k.snapshot.elapsed),
    ),
    Factor("on_weekday", "share of the weekday", "доля дня недели", Basis.on_weekday),
    Factor(
        "on_month_day", "share of the day of the month", "доля числа месяца", Basis.on_month_day
    ),
    # How often, and among what.
    Factor(
        "client_days_since",
        "client's payment days since the last payment",
        "дней клиента с платежами после последнего",
        lambda k: k.client_days_since(k.snapshot.elapsed) - 1,
    ),
    Factor(
        "day_share",
        "share of the client's payment days",
        "доля дней клиента с платежами",
        lambda k: (k.days + 0.1) / (k.client_days_since(k.snapshot.age[k.snapshot.starts]) + 1),
    ),
    Factor(
        "day_share_all",
        "share of all the client's payment days",
        "доля всех дней клиента с платежами",
        lambda k: k.days / k.client_days_since(k.same(k.snapshot.lookback_days)),
    ),
    Factor("count", "payments", "платежей", lambda k: k.count),
    Factor("days", "days with a payment", "дней с платежом", lambda k: k.days),
    *(
        Factor(
            f"count_{days}",
            f"payments in {days} days",
            f"платежей за {days} дн.",
            partial(_operation_count, days),
        )
        for days in _OPERATION_DAYS
    ),
    *(
        Factor(
            f"decayed_{days}",
            f"payments, half-life {days} days",
            f"платежей, полураспад {days} дн.",
            partial(_decayed, days),
        )
        for days in _HALF_LIVES
    ),
    *(
        Factor(
            f"share_{days}",
            f"share of the client's payments, half-life {days} days",
            f"доля в платежах клиента, полураспад {days} дн.",
            partial(_decayed_share, days),
        )
        for days in _HALF_LIVES
    ),
    Factor(
        "share",
        "share of the client's payments",
        "доля в платежах клиента",
        lambda k: k.count / k.client_count,
    ),
    Factor(
        "rank",
        "rank by recent payments",
        "место по недавним платежам",
        lambda k: k.snapshot.rank(k.decayed(RECENT)),
    ),
    Factor(
        "rank_elapsed",
        "rank by the last payment",
        "место по последнему платежу",
        lambda k: k.snapshot.rank(-k.snapshot.elapsed),
    ),
    # Amounts.
    Factor("amount", "logarithm of the amount", "логарифм суммы", lambda k: k.amounts[0]),
    Factor(
        "amount_spread",
        "spread of the amount's logarithm",
        "разброс логарифма суммы",
        lambda k: k.amounts[1],
    ),
    Factor(
        "amount_last",
        "last amount ÷ usual",
        "последняя сумма ÷ обычная",
        lambda k: np.log1p(k.snapshot.last_amount) - k.amounts[0],
    ),
    # The provider.
    Factor(
        "provider_count_30",
        "payments to the provider in 30 days",
        "платежей провайдеру за 30 дн.",
        lambda k: k.of_provider(k.population.provider_recent),
    ),
    Factor(
        "provider_trend",
        "trend of the provider",
        "тренд провайдера",
        lambda k: np.log(
            (k.of_provider(k.population.provider_recent) + 1)
            / (k.of_provider(k.population.provider_before) / 2 + 1)
        ),
    ),
    Factor(
        "provider_clients",
        "clients of the provider",
        "клиентов провайдера",
        lambda k: k.of_provider(k.population.provider_clients),
    ),
    Factor(
        "provider_repeats",
        "share of the provider's clients who repeat",
        "доля повторных клиентов провайдера",
        lambda k: divided(
            k.of_provider(k.population.provider_repeated),
            k.of_provider(k.population.provider_clients),
        ),
    ),
    Factor(
        "provider_region_30",
        "payments to the provider in the region, 30 days",
        "платежей провайдеру в регионе за 30 дн.",
        lambda k: k.provider_around("region"),
    ),
    Factor(
        "provider_unit_30",
        "payments to the provider in the unit, 30 days",
        "платежей провайдеру в подразделении за 30 дн.",
        lambda k: k.provider_around("unit"),
    ),
)


def factor_columns(known: Basis) -> dict[str, NDArray[np.float32]]:
    """Compute every factor of every operation: float32, NaN where there is no value."""
    return {one.name: one.compute(known).astype(np.float32) for one in FACTORS}

"""What everybody does, at a cut-off: what factors of one client know of all the others.

With it, the operations of a few clients can be scored without the payments of all.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from src.payments.operations.snapshot import Floats, Integers, client_days, new_pairs
from src.payments.payments import Payments
from src.reporting import write_arrays

RECENT, BEFORE = 30, 90  # days: what is popular now, and what was before
_WEEK = 7
GROUPS = ("region", "unit")


@dataclass(frozen=True)
class Group:
    """Payments of clients by their latest region, or unit.

    Attributes
    ----------
    labels : list of str
        Names of the regions or units.
    week, recent : int array, shape (labels,)
        Payments of the group's clients in 7 and in 30 days.
    keys : int array
        ``label * providers + provider`` of the groups' payments in 30 days, rising.
    payments : int array
        How many they are.
    """

    labels: list[str]
    week: Integers
    recent: Integers
    keys: Integers
    payments: Integers

    def to_provider(self, label: Integers, provider: Integers, providers: int) -> Floats:
        """Payments of a group to a provider in 30 days."""
        wanted = label * providers + provider
        place = np.searchsorted(self.keys, wanted)
        inside = place < len(self.keys)
        found = np.zeros(len(wanted))
        hit = self.keys[place[inside]] == wanted[inside]
        found[inside] = np.where(hit, self.payments[place[inside]], 0)
        return found


@dataclass(frozen=True)
class Population:
    """What everybody does.

    Attributes
    ----------
    providers : list of str
        Names of the providers.
    provider_recent, provider_before : int array, shape (providers,)
        Payments to each in the last 30 days, and 31 to 90 days ago.
    provider_clients, provider_repeated : int array, shape (providers,)
        Clients who paid each, and those who did on more than one day.
    gaps, client_gaps : int array, shape (lookback_days,)
        How many gaps last so many days: of the same client and provider, and of the same client.
    groups : dict of region or unit -> Group
        Those that the payments have.
    """

    providers: list[str]
    provider_recent: Integers
    provider_before: Integers
    provider_clients: Integers
    provider_repeated: Integers
    gaps: Integers
    client_gaps: Integers
    groups: dict[str, Group]

    @classmethod
    def of(cls, payments: Payments, cutoff: int, lookback_days: int) -> "Population":
        """Count the payments of a look-back window, sorted by `by_operation`."""
        window = payments.between(cutoff - lookback_days, cutoff)
        paid = window.of(window.provider >= 0)
        age = cutoff - paid.day
        size = len(paid.providers)
        new = new_pairs(paid)
        gap = np.diff(paid.day, prepend=0)
        later_day = ~new & (gap != 0)
        repeated = np.zeros(int(new.sum()), dtype=bool)
        repeated[np.cumsum(new)[later_day] - 1] = True
        owners = paid.provider[new]
        client, day = client_days(window, cutoff, lookback_days)
        client_gap = np.diff(day)[np.diff(client) == 0]
        return cls(
            providers=window.providers,
            provider_recent=np.bincount(paid.provider[age <= RECENT], minlength=size),
            provider_before=np.bincount(
                paid.provider[(age > RECENT) & (age <= BEFORE)], minlength=size
            ),
            provider_clients=np.bincount(owners, minlength=size),
            provider_repeated=np.bincount(owners[repeated], minlength=size),
            gaps=np.bincount(gap[later_day], minlength=lookback_days),
            client_gaps=np.bincount(client_gap, minlength=lookback_days),
            groups={
                name: _group(window, name, cutoff) for name in GROUPS if name in window.attributes
            },
        )

    def save(self, path: str | Path) -> None:
        """Write names and counts as .npz."""
        arrays = {name: value for name, value in vars(self).items() if name != "groups"}
        for name, group in self.groups.items():
            arrays |= {f"{name}.{key}": value for key, value in vars(group).items()}
        write_arrays(path, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Population":
        """Read what `save` wrote."""
        arrays: dict[str, Any] = dict(np.load(path, allow_pickle=False))
        parts: dict[str, Any] = {"": {}}
        for name, values in arrays.items():
            owner, _, key = name.rpartition(".")
            plain = values.tolist() if key in {"providers", "labels"} else values
            parts.setdefault(owner, {})[key] = plain
        own = parts.pop("")
        return cls(**own, groups={name: Group(**fields) for name, fields in parts.items()})


def _group(window: Payments, name: str, cutoff: int) -> Group:
    label = window.latest(name)[window.client]
    labels, size = len(window.attributes[name].labels), len(window.providers)
    age = cutoff - window.day
    known = label >= 0
    recent = known & (age <= RECENT)
    to = recent & (window.provider >= 0)
    keys, payments = np.unique(label[to] * size + window.provider[to], return_counts=True)
    return Group(
        labels=window.attributes[name].labels,
        week=np.bincount(label[known & (age <= _WEEK)], minlength=labels),
        recent=np.bincount(label[recent], minlength=labels),
        keys=keys,
        payments=payments,
    )

"""Operations of one client scored anew: by the same code as recommend scored those of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from src.params import Section
from src.payments.calendar import Calendar, day_of
from src.payments.operations.evaluation import places
from src.payments.operations.factors import Basis, factor_columns
from src.payments.operations.models import OperationModels, matrix
from src.payments.operations.population import Population
from src.payments.operations.snapshot import Floats, Snapshot, by_operation
from src.payments.payments import Codes, Payments
from src.service.payments.requests import NewPayment


class Asking(Section):
    """What recommend asked its models about: serving.json."""

    day: str
    model: Literal["logistic", "network", "booster"]
    threshold: float
    lookback_days: int
    horizon_days: int
    calendar: Calendar


@dataclass(frozen=True)
class Scored:
    """Operations of a client and their chances.

    Attributes
    ----------
    snapshot : Snapshot
    columns : dict of factor -> float32 array, shape (operations,)
    evidence : dict of factor -> float array
        Weights of evidence; none if the model does not look at them.
    chance : float array
    """

    snapshot: Snapshot
    columns: dict[str, NDArray[np.float32]]
    evidence: dict[str, Floats]
    chance: Floats

    @cached_property
    def order(self) -> list[int]:
        """Operations, the likeliest first."""
        return np.argsort(places(self.chance, self.snapshot.client)).tolist()  # type: ignore[no-any-return]

    @cached_property
    def matrix(self) -> NDArray[np.float32]:
        """All factors; (operations, factors)."""
        return matrix(self.columns)


class Scorer:
    """Scores the operations of one client at a time, with what is known of everybody."""

    def __init__(self, models: OperationModels, population: Population, asking: Asking) -> None:
        self.models = models
        self.asking = asking
        self.population = population
        self._provider = _places(population.providers)
        self._labels = {name: _places(group.labels) for name, group in population.groups.items()}

    def unknown(self, new: Sequence[NewPayment]) -> list[str]:
        """Providers of new payments that nobody has paid before, in the order of payments."""
        named = dict.fromkeys(one.provider for one in new if one.provider is not None)
        return [name for name in named if name not in self._provider]

    def payments(self, paid: pa.Table, new: Sequence[NewPayment]) -> Payments:
        """Payments of one client by operation: those of the ledger, and new ones behind them.

        A provider that nobody has paid before is like one that is not known.
        """
        dates = [day_of(one.date) for one in new]
        amounts = [np.nan if one.amount is None else one.amount for one in new]
        providers = [*paid["provider"].to_pylist(), *(one.provider for one in new)]
        count = len(providers)
        attributes = {}
        for name, places_of in self._labels.items():
            labels = [*paid[name].to_pylist(), *(getattr(one, name) for one in new)]
            codes = np.fromiter((places_of.get(label, -1) for label in labels), np.int32, count)
            attributes[name] = Codes(codes, self.population.groups[name].labels)
        found = Payments(
            client=np.zeros(count, dtype=np.int32),
            provider=np.fromiter(
                (self._provider.get(name, -1) for name in providers), np.int32, count
            ),
            day=np.r_[paid["date"].cast(pa.int32()).to_numpy(), dates].astype(np.int32),
            amount=np.r_[paid["amount"].to_numpy(), amounts],
            clients=np.zeros(1),
            providers=self.population.providers,
            attributes=attributes,
        )
        return by_operation(found)

    def score(self, payments: Payments, day: int) -> Scored:
        """Score the operations of one client on a day, in days since 1970-01-01."""
        asking = self.asking
        snapshot = Snapshot(payments, day, asking.lookback_days, asking.horizon_days)
        if not len(snapshot):
            return Scored(snapshot, {}, {}, np.zeros(0))
        columns = factor_columns(Basis(snapshot, self.population, asking.calendar))
        evidence = self.models.evidence(columns) if asking.model != "booster" else {}
        return Scored(
            snapshot, columns, evidence, self.models.chance(asking.model, columns, evidence)
        )


def _places(labels: list[str]) -> dict[Any, int]:
    return {label: place for place, label in enumerate(labels)}

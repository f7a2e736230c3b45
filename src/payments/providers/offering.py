"""New providers for all clients, part by part: what a part needs, and its offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from src.payments.providers import stored
from src.payments.providers.boosting import Boosting
from src.payments.providers.candidates import candidates
from src.payments.providers.factors import Factors
from src.payments.providers.features import ByKey, Category, Description, Group, Located
from src.payments.providers.known import Ints, Known, Matrix
from src.payments.providers.models import Model, fit_models
from src.payments.providers.neighbours import Ease, ProviderWeights, SimilarClients
from src.payments.providers.popularity import GroupPopularity, Popularity
from src.payments.providers.second_stage import SecondStage
from src.payments.providers.windows import ExampleSettings, regions_known

_AT_ONCE = 5_000  # clients: their candidates' features take a few hundred MB in each thread


@dataclass(frozen=True)
class Clients:
    """Codes of clients, ascending."""

    codes: Ints

    def __len__(self) -> int:
        """Return the number of clients."""
        return len(self.codes)

    def of(self, rows: slice) -> "Clients":
        """Some of the clients."""
        return Clients(self.codes[rows])

    def to_arrow(self) -> pa.Table:
        """One column."""
        return pa.table({"client": self.codes})

    @classmethod
    def from_arrow(cls, table: pa.Table) -> "Clients":
        """What `to_arrow` made into a table."""
        return cls(table["client"].to_numpy())


@dataclass(frozen=True)
class Offering:
    """What is known of everybody, ready to rank new providers for any client.

    Attributes
    ----------
    models : dict of name -> Model
        Those of the second stage, fitted.
    description : Description
    second_stage : SecondStage
    history : sparse matrix, shape (clients, providers)
        Pairs that are no news.
    barred : bool array, shape (providers,)
        Providers that are not recommended to anybody.
    regions : int64 array, shape (clients,)
        -1 without one.
    impossible : bool array, shape (regions + 1, providers)
        What the regional filter leaves out; see `Regions.impossible`.
    per_model, k : int
        Candidates of each model, and length of a list.
    """

    models: dict[str, Model]
    description: Description
    second_stage: SecondStage
    history: Matrix
    barred: NDArray[np.bool_]
    regions: Ints
    impossible: NDArray[np.bool_]
    per_model: int
    k: int

    @classmethod
    def of(cls, known: Known, second_stage: SecondStage, settings: ExampleSettings) -> "Offering":
        """Fit the models, and count what the second stage looks at."""
        clients, providers = known.shape
        found = regions_known(known, settings)
        regions, impossible = np.full(clients, -1), np.zeros((1, providers), dtype=bool)
        if found is not None:
            regions, impossible = found.clients, found.impossible(settings.regions)
        return cls(
            fit_models(known, settings.second_stage.models, settings.models),
            Description.of(known, found),
            second_stage,
            known.matrix(),
            known.barred(),
            regions,
            impossible,
            settings.second_stage.per_model,
            settings.k,
        )

    def save(self, folder: str | Path) -> None:
        """Write everything."""
        stored.save(self, folder)

    @classmethod
    def load(cls, folder: str | Path) -> "Offering":
        """Read it; arrays stay on disk until they are looked at."""
        found: Offering = stored.load(folder, _RECORDS)
        return found


_RECORDS: Sequence[type] = (
    Offering, Description, Group, ByKey, Category, Located, SecondStage, Popularity,
    GroupPopularity, ProviderWeights, SimilarClients, Ease, Factors, Boosting,
)  # fmt: skip


def offers(offering: Offering, clients: Clients) -> dict[str, pa.Table]:
    """Choose new providers for some clients, impossible offers left out.

    Returns
    -------
    dict of "offers" -> pa.Table
        client, provider (codes, int64), place (int32; 1 is the best) and score of the second stage
        (float32); by client and place.
    """
    parts = [
        _offers(offering, clients.codes[start : start + _AT_ONCE])
        for start in range(0, max(len(clients), 1), _AT_ONCE)
    ]
    return {"offers": pa.concat_tables(parts)}


def _offers(offering: Offering, clients: Ints) -> pa.Table:
    found = candidates(
        offering.models, offering.history, offering.barred, clients, offering.per_model
    )
    scores = offering.second_stage.score(offering.description.features(found)[1])
    impossible = offering.impossible[offering.regions[found.client], found.provider]
    rows, place = found.best(scores, offering.k, impossible)
    return pa.table(
        {
            "client": found.client[rows],
            "provider": found.provider[rows],
            "place": pa.array(place + 1, pa.int32()),
            "score": scores[rows],
        }
    )

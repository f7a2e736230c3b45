"""Lists of providers that clients have never paid."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from src.errors import InputError
from src.models.history import Ids
from src.payments import paths
from src.payments.manifest import MEND
from src.payments.payments import coded

PERSONAL, REGION, EVERYWHERE = "personal", "region", "everywhere"
_WHY = {
    PERSONAL: "the client's own list",
    REGION: "what is popular in the region",
    EVERYWHERE: "what is popular everywhere",
}


@dataclass(frozen=True)
class Lists:
    """Lists of new providers.

    Attributes
    ----------
    clients : array, shape (clients,)
        Ids, rising.
    begins : int64 array, shape (clients + 1,)
        First row of each client in `codes`, and the end.
    providers : list of str
    codes : int32 array
        Place in `providers`; best first for each client.
    scores : float32 array
    popular : dict of region -> list of str
        Providers by popularity; None is everywhere.
    """

    clients: Ids
    begins: NDArray[np.int64]
    providers: list[str]
    codes: NDArray[np.int32]
    scores: NDArray[np.float32]
    popular: dict[str | None, list[str]]

    @classmethod
    def read(cls) -> "Lists":
        """Read them.

        Raises
        ------
        InputError
            They say something that lists cannot say.
        """
        table = pq.read_table(paths.NEW_PROVIDERS)
        owners, place = table["client"].to_numpy(), table["place"].to_numpy()
        first = place == 1
        new = np.r_[True, owners[1:] != owners[:-1]][: len(owners)]
        counted = (first[1:] | (place[1:] == place[:-1] + 1)).all()
        clients = owners[first]
        if not counted or (first != new).any() or not (clients[1:] > clients[:-1]).all():
            raise InputError(
                f"{paths.NEW_PROVIDERS}: column place does not count 1, 2, … for every client in "
                f"order; {MEND}"
            )
        provider = coded(table["provider"])
        popular: dict[str | None, list[str]] = {}
        for row in pq.read_table(paths.POPULAR).sort_by("place").to_pylist():
            popular.setdefault(row["region"], []).append(row["provider"])
        return cls(
            clients,
            np.r_[np.flatnonzero(first), len(owners)].astype(np.int64),
            provider.labels,
            provider.codes,
            table["score"].to_numpy().astype(np.float32),
            popular,
        )

    def choose(
        self, client: int | str, region: str | None, paid: Collection[str], k: int
    ) -> list[dict[str, Any]]:
        """Choose up to k providers that are not paid yet: of the client's own list, else popular.

        What the client's list leaves open is filled by what is popular in the region, or everywhere
        if there is no list of the region.
        """
        seen = set(paid)
        found: list[dict[str, Any]] = []
        for provider, source, score in self._chain(client, region):
            if len(found) == k:
                break
            if provider not in seen:
                seen.add(provider)
                found.append({"provider": provider, "source": source, "score": score})
        return found

    def _chain(
        self, client: int | str, region: str | None
    ) -> Iterator[tuple[str, str, np.float32 | None]]:
        row = int(np.searchsorted(self.clients, client))
        if row < len(self.clients) and self.clients[row] == client:
            own = slice(*self.begins[row : row + 2].tolist())
            for code, score in zip(self.codes[own].tolist(), self.scores[own], strict=True):
                yield self.providers[code], PERSONAL, score
        here = region is not None and region in self.popular  # elsewhere some cannot be paid
        for provider in self.popular.get(region if here else None, []):
            yield provider, REGION if here else EVERYWHERE, None


def why(examples: list[dict[str, Any]], known: bool) -> str:
    """Where examples come from, in words."""
    used = dict.fromkeys(one["source"] for one in examples)
    told = ", then ".join(_WHY[source] for source in used) or "nothing is left to offer"
    return told if known else f"not a known client; {told}"

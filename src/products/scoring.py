"""One path from customers to scores: evaluate, recommend and the service take it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from src.models.contract import Model, Scores
from src.models.customers import Customers
from src.models.interleave import interleave
from src.models.pool import Pool
from src.models.popularity import Popularity
from src.models.propensity import Propensity
from src.models.ranker import Ranker
from src.models.registry import FIRST_STAGE

# Beside the files of the first stage.
POPULARITY, RANKER, PROPENSITY, POOL = (
    "popularity.npz",
    "ranker.cbm",
    "propensity.cbm",
    "pool.npz",
)


@dataclass(frozen=True)
class Models:
    """All models of one folder."""

    popularity: Popularity
    first_stage: dict[str, Model]
    ranker: Ranker
    propensity: Propensity
    pool: Pool

    @classmethod
    def load(cls, folder: str | Path) -> "Models":
        """Read the folder that the train stages and blend, or recommend, wrote."""
        return cls(
            Popularity.load(Path(folder) / POPULARITY),
            load_first_stage(folder),
            Ranker.load(Path(folder) / RANKER),
            Propensity.load(Path(folder) / PROPENSITY),
            Pool.load(Path(folder) / POOL),
        )

    def save(self, folder: str | Path) -> None:
        """Write every model into a folder."""
        self.popularity.save(Path(folder) / POPULARITY)
        for name, record in FIRST_STAGE.items():
            self.first_stage[name].save(Path(folder) / record.file)
        self.ranker.save(Path(folder) / RANKER)
        self.propensity.save(Path(folder) / PROPENSITY)
        self.pool.save(Path(folder) / POOL)

    def score_first_stage(self, customers: Customers) -> dict[str, Scores]:
        """Scores of the first-stage models by name; float32, (customers, products)."""
        return {name: model.score(customers) for name, model in self.first_stage.items()}

    def score(self, customers: Customers) -> dict[str, Scores]:
        """Scores of every model by name; float32, (customers, products)."""
        first = self.score_first_stage(customers)
        shares = self.ranker.score(customers, first)
        chances = self.propensity.score(customers)
        return {
            "popularity": self.popularity.score(customers),
            **first,
            "interleave": interleave(list(first.values())),
            "ranker": shares,
            "propensity": chances,
            "blend": self.pool.share(shares, chances),
        }


def model_files() -> dict[str, str]:
    """Names of the files in a folder of models, by model."""
    first = {name: record.file for name, record in FIRST_STAGE.items()}
    second = {"ranker": RANKER, "propensity": PROPENSITY, "pool": POOL}
    return {"popularity": POPULARITY, **first, **second}


def load_first_stage(folder: str | Path, names: Iterable[str] | None = None) -> dict[str, Model]:
    """Read the first-stage models, or some of them, in the order of turns."""
    wanted = set(FIRST_STAGE if names is None else names)
    return {
        name: record.model.load(Path(folder) / record.file)
        for name, record in FIRST_STAGE.items()
        if name in wanted
    }

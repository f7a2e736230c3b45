"""Everything that answers are made of, read at the start and replaced as a whole on reload."""

import datetime
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from src import params
from src.errors import InputError
from src.products import paths
from src.products.schema import Schema
from src.products.scoring import BASE_MODELS, Models
from src.service.eligibility import Eligibility, Rules
from src.service.known import Known
from src.service.lists import Lists
from src.service.reasons import Explainer, Stored
from src.service.reference import Codes, Reference, first_offers
from src.service.settings import Settings, git_revision
from src.service.words import Wording

if TYPE_CHECKING:
    from src.service.online import Preparation

PERSONAL = "personal"
KINDS = (PERSONAL, *BASE_MODELS)  # offline lists; the bit of a kind in `support` is its place here


@dataclass(frozen=True)
class Catalogue:
    """Models, known customers and offline lists of one run of the pipeline.

    Attributes
    ----------
    months : list of date
        Months of the data, the latest first; recommendations are for the month after it.
    revision : str
        Git revision of the run.
    digest : str
        Short hash of the model files.
    applying : int64 array, shape (customers,)
        Eligibility rules of each known customer, as bits.
    support : int16 array, shape (customers, k)
        Which other lists agree with each item of the personal lists, as bits.
    reasons : Stored
        Of each item of the personal lists.
    begins : int32 array, shape (customers,)
        Row in `reasons` of each customer's first item.
    reference : Reference
        What drift is measured against.
    """

    schema: Schema
    months: list[datetime.date]
    revision: str
    digest: str
    models: Models
    known: Known
    lists: dict[str, Lists]
    preparation: "Preparation"
    rules: Rules
    applying: NDArray[np.int64]
    support: NDArray[np.int16]
    reasons: Stored
    begins: NDArray[np.int32]
    explainer: Explainer
    reference: Reference

    @classmethod
    def load(cls, settings: Settings) -> "Catalogue":
        """Read what the pipeline wrote.

        Raises
        ------
        InputError
            A file is missing or damaged, or service.yaml does not fit the schema.
        """
        schema = params.load("schema", Schema)
        products = list(schema.products)
        eligibility = params.load("eligibility", Eligibility, str(settings.rules))
        wording = params.load("wording", Wording, str(settings.rules))
        rules = Rules(eligibility.rules, schema)
        months, memory = _windows()
        models = _models()
        with ThreadPoolExecutor() as threads:
            preparing = threads.submit(_preparation, schema, memory)
            telling = threads.submit(_reasons, models)
            explaining = threads.submit(Explainer, schema, models.ranker, wording)
            known = Known.read(paths.HISTORY, paths.PROFILES, products, memory)
            reading = {kind: threads.submit(_lists, kind, known, products) for kind in KINDS}
            present = known.position >= 0
            applying = rules.applying(known.history.customers, None)
            applying[present] = rules.applying(known.history.customers[present], known.profiles)
            personal = reading[PERSONAL].result()
            referring = threads.submit(_reference, known, personal, rules, applying)
            lists = {kind: each.result() for kind, each in reading.items()}
        return cls(
            schema=schema,
            months=months,
            revision=settings.revision or git_revision(),
            digest=_digest(),
            models=models,
            known=known,
            lists=lists,
            preparation=preparing.result(),
            rules=rules,
            applying=applying,
            support=_support(lists),
            reasons=telling.result(),
            begins=telling.result().begins(personal),
            explainer=explaining.result(),
            reference=referring.result(),
        )

    def reload(self, kind: str) -> "Catalogue":
        """The same catalogue with the lists of one kind read again."""
        lists = {**self.lists, kind: _lists(kind, self.known, self.products)}
        reasons = _reasons(self.models) if kind == PERSONAL else self.reasons
        return replace(
            self,
            lists=lists,
            support=_support(lists),
            reasons=reasons,
            begins=reasons.begins(lists[PERSONAL]),
            reference=_reference(self.known, lists[PERSONAL], self.rules, self.applying),
        )

    def codes(self, row: int | None) -> Codes | None:
        """Bins of the profile of a known customer; None for strangers and those who had left."""
        position = -1 if row is None else self.known.position[row]
        return self.reference.codes[position] if position >= 0 else None

    @cached_property
    def products(self) -> list[str]:
        """Product columns in order; an item is a place in this list."""
        return list(self.schema.products)

    @cached_property
    def titles(self) -> list[dict[str, str]]:
        """Titles of the items."""
        return [title.model_dump() for title in self.schema.products.values()]

    @cached_property
    def popular(self) -> tuple[list[int], list[float]]:
        """All items by popularity."""
        shares = self.models.popularity.shares
        order = np.argsort(-shares, kind="stable")
        return order.tolist(), shares[order].tolist()

    def popular_beyond(self, held: set[int]) -> tuple[list[int], list[float]]:
        """Items by popularity, some left out."""
        free = [
            (item, score) for item, score in zip(*self.popular, strict=True) if item not in held
        ]
        return [item for item, _ in free], [score for _, score in free]

    @cached_property
    def item(self) -> dict[str, int]:
        """Item of each product."""
        return {product: item for item, product in enumerate(self.products)}

    @cached_property
    def month(self) -> str:
        """The last month of the data, as answers tell it."""
        return self.months[0].isoformat()

    def held(self, row: int) -> set[int]:
        """Items that a known customer held in the last month."""
        return set(np.flatnonzero(self.known.history.held[row] & 1).tolist())

    def places(self, row: int) -> dict[int, int]:
        """Place of each item in a known customer's personal list."""
        items = self.lists[PERSONAL].of(row)[0]
        return {item: place for place, item in enumerate(items)}


@cache
def kinds(bits: int) -> list[str]:
    """Kinds of list behind the bits of `support`."""
    return [kind for place, kind in enumerate(KINDS) if bits >> place & 1]


def _windows() -> tuple[list[datetime.date], int]:
    """Months of the data, the latest first, and how many of them describe a customer."""
    try:
        windows = json.loads(Path(paths.WINDOWS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{paths.WINDOWS} is missing; run dvc repro or dvc pull") from None
    months = [month for name in ("base", "blend", "test") for month in windows[name]]
    return [datetime.date.fromisoformat(month) for month in reversed(months)], windows["memory"]


def _models() -> Models:
    files = ["popularity.npz", "ranker.cbm", *(file for _, file in BASE_MODELS.values())]
    absent = [file for file in files if not (Path(paths.SHIPPED) / file).is_file()]
    if absent:
        raise InputError(f"{paths.SHIPPED}/{absent[0]} is missing; run dvc repro or dvc pull")
    return Models.load(paths.SHIPPED)


def _preparation(schema: Schema, memory: int) -> "Preparation":
    # Ibis takes a second to import: beside the reading of tables, which leaves Python alone.
    from src.products.clean import Clean
    from src.service.online import Preparation

    return Preparation(schema, params.load("clean", Clean), paths.MEDIANS, memory)


def _lists(kind: str, known: Known, products: list[str]) -> Lists:
    path = paths.RECOMMENDATIONS if kind == PERSONAL else f"{paths.SHIPPED_LISTS}/{kind}.parquet"
    return Lists.read(path, products, known.history.customers)


def _reasons(models: Models) -> Stored:
    return Stored.read(paths.REASONS, list(models.ranker.booster.feature_names_))


def _support(lists: dict[str, Lists]) -> NDArray[np.int16]:
    items = lists[PERSONAL].items
    support = np.zeros(items.shape, dtype=np.int16)
    for place, kind in enumerate(KINDS):
        if kind != PERSONAL:
            support |= lists[kind].contains(items).astype(np.int16) << place
    return support


def _reference(
    known: Known, personal: Lists, rules: Rules, applying: NDArray[np.int64]
) -> Reference:
    first = first_offers(personal.items, applying, rules.forbidden)
    return Reference.of(known.profiles, first, known.history.held.shape[1])


def _digest() -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(paths.SHIPPED).iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]

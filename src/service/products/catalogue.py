"""Everything that answers are made of, read at the start and replaced as a whole on reload."""

import datetime
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src import params
from src.errors import InputError
from src.manifest import Hashes
from src.models.pool import Pool
from src.models.popularity import Popularity
from src.models.propensity import Propensity
from src.models.ranker import Ranker
from src.models.registry import FIRST_STAGE
from src.products import manifest, paths, promoted
from src.products.eligibility import Eligibility, Rules
from src.products.promoted import Promoted
from src.products.repair import Clean
from src.products.schema import Schema
from src.products.scoring import POOL, POPULARITY, PROPENSITY, RANKER, Models
from src.products.windows import Windows
from src.service.monitoring.drift_reference import BinCodes, Reference, first_offers
from src.service.products.anything import Anything
from src.service.products.known import Known
from src.service.products.offline_lists import OfflineLists
from src.service.products.preparation import Preparation
from src.service.products.reasons import Explainer, StoredReasons, begins_of
from src.service.products.wording import Wording, read_wording
from src.service.readable import readable
from src.service.settings import Settings, git_revision

logger = logging.getLogger(__name__)

PERSONAL = "personal"


def kinds() -> list[str]:
    """Kinds of offline lists; the bit of a kind in `Catalogue.support` is its place here."""
    return [PERSONAL, *FIRST_STAGE]


@dataclass(frozen=True)
class Catalogue:
    """Models, known customers and offline lists of one run of the pipeline.

    Attributes
    ----------
    dates : list of date
        Snapshots of the data, the latest first; recommendations are for the month after it.
    warnings : list of str
        What is odd about the data.
    revision : str
        Git revision of the run.
    hashes : dict
        SHA-256 of each file, from the manifest.
    digest : str
        Short hash of the model files.
    promoted : Promoted, optional
        The run that ought to be served, by decision.
    applying : int64 array, shape (customers,)
        Eligibility rules of each known customer, as bits.
    support : int16 array, shape (customers, k)
        Which other lists agree with each item of the personal lists, as bits.
    reasons : StoredReasons
        Of each item of the personal lists.
    begins : int32 array, shape (customers,)
        Row in `reasons` of each customer's first item.
    anything : Anything
        The chance that each customer of the last month adds anything.
    reference : Reference
        What drift is measured against.
    """

    schema: Schema
    dates: list[datetime.date]
    warnings: list[str]
    revision: str
    hashes: Hashes
    digest: str
    promoted: Promoted | None
    models: Models
    known: Known
    lists: dict[str, OfflineLists]
    preparation: Preparation
    rules: Rules
    applying: NDArray[np.int64]
    support: NDArray[np.int16]
    reasons: StoredReasons
    begins: NDArray[np.int32]
    anything: Anything
    explainer: Explainer
    wording: Wording
    reference: Reference

    @classmethod
    def load(cls, settings: Settings) -> "Catalogue":
        """Read what the pipeline wrote.

        Raises
        ------
        InputError
            A file is missing or damaged, or service.yaml does not fit the schema.
        """
        hashes = manifest.read()
        with (
            manifest.checked(hashes, manifest.files()),
            readable("what recommend wrote", manifest.MEND),
        ):
            return cls._load(settings, hashes)

    @classmethod
    def _load(cls, settings: Settings, hashes: Hashes) -> "Catalogue":
        schema = params.load("schema", Schema)
        products = list(schema.products)
        wording, rules = _of_the_bank(schema, str(settings.rules))
        with readable(paths.WINDOWS, manifest.MEND):
            windows = Windows.read()
        models = _models()
        with ThreadPoolExecutor() as threads:
            preparing = threads.submit(_preparation, schema, windows)
            telling = threads.submit(_reasons, models)
            explaining = threads.submit(
                Explainer, schema, models.ranker, models.propensity, wording
            )
            known = Known.read(paths.HISTORY, paths.PROFILES, products, windows)
            looking = threads.submit(Anything.read, known, models.propensity.names)
            reading = {kind: threads.submit(_lists, kind, known, products) for kind in kinds()}
            present = known.position >= 0
            applying = rules.applying(known.history.customers, None)
            applying[present] = rules.applying(known.history.customers[present], known.profiles)
            personal = reading[PERSONAL].result()
            referring = threads.submit(_reference, known, personal, rules, applying)
            lists = {kind: each.result() for kind, each in reading.items()}
        return cls(
            schema=schema,
            dates=windows.dates[::-1],
            warnings=list(windows.warnings),
            revision=_revision(manifest.digest(hashes), settings),
            hashes=hashes,
            digest=manifest.digest(hashes),
            promoted=promoted.read(),
            models=models,
            known=known,
            lists=lists,
            preparation=preparing.result(),
            rules=rules,
            applying=applying,
            support=_support(lists),
            reasons=telling.result(),
            begins=begins_of(personal),
            anything=looking.result(),
            explainer=explaining.result(),
            wording=wording,
            reference=referring.result(),
        )

    def reload(self, kind: str) -> "Catalogue":
        """The same catalogue with the lists of one kind read again.

        Raises
        ------
        InputError
            A file is missing or damaged, or other files are of another run than what is served.
        """
        hashes = manifest.read()
        own = _files(kind)
        for path, found in hashes.items():
            if path not in own and found != self.hashes[path]:
                raise InputError(
                    f"{path} is of another run than what is served, so the lists of {kind} do not "
                    'fit it; read everything again: {"kind": "all"}'
                )
        with manifest.checked(hashes, own), readable(own[0], manifest.MEND):
            lists = {**self.lists, kind: _lists(kind, self.known, self.products)}
            reasons = _reasons(self.models) if kind == PERSONAL else self.reasons
            return replace(
                self,
                hashes=hashes,
                lists=lists,
                support=_support(lists),
                reasons=reasons,
                begins=begins_of(lists[PERSONAL]) if kind == PERSONAL else self.begins,
                reference=_reference(self.known, lists[PERSONAL], self.rules, self.applying),
            )

    def codes(self, row: int | None) -> BinCodes | None:
        """Bins of the profile of a known customer; None for customers unknown or gone."""
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
        """The last month of the data, as answers give it."""
        return self.dates[0].isoformat()

    def held(self, row: int) -> set[int]:
        """Items that a known customer held in the last month."""
        return set(np.flatnonzero(self.known.history.held[row] & 1).tolist())

    def places(self, row: int) -> dict[int, int]:
        """Place of each item in a known customer's personal list."""
        items = self.lists[PERSONAL].of(row)[0]
        return {item: place for place, item in enumerate(items)}


@cache
def kinds_in(bits: int) -> list[str]:
    """Kinds of list behind the bits of `support`."""
    return [kind for place, kind in enumerate(kinds()) if bits >> place & 1]


def _of_the_bank(schema: Schema, path: str) -> tuple[Wording, Rules]:
    """Words and rules of service.yaml; none if it was written for another bank."""
    wording = read_wording(schema, path)
    if wording is None:
        logger.warning(
            "%s is about a bank whose ids are in another column than %s: attributes have their "
            "plain names, and no rule of eligibility applies. Write your own and set bank.id",
            path,
            schema.id,
        )
        return Wording(), Rules([], schema)
    eligibility = params.load("eligibility", Eligibility, path)
    return wording, Rules(eligibility.rules, schema)


def _models() -> Models:
    def load(model: Any, file: str) -> Any:
        path = f"{paths.SERVING}/{file}"
        with readable(path, manifest.MEND):
            return model.load(path)

    return Models(
        load(Popularity, POPULARITY),
        {name: load(record.model, record.file) for name, record in FIRST_STAGE.items()},
        load(Ranker, RANKER),
        load(Propensity, PROPENSITY),
        load(Pool, POOL),
    )


def _preparation(schema: Schema, windows: Windows) -> Preparation:
    return Preparation(schema, params.load("clean", Clean), paths.MEDIANS, windows)


def _files(kind: str) -> list[str]:
    """Paths of the lists of a kind, and of what is read with them."""
    return [paths.RECOMMENDATIONS, paths.REASONS] if kind == PERSONAL else [manifest.lists(kind)]


def _lists(kind: str, known: Known, products: list[str]) -> OfflineLists:
    return OfflineLists.read(_files(kind)[0], products, known.history.customers)


def _reasons(models: Models) -> StoredReasons:
    return StoredReasons.read(paths.REASONS, list(models.ranker.booster.feature_names_))


def _support(lists: dict[str, OfflineLists]) -> NDArray[np.int16]:
    items = lists[PERSONAL].items
    support = np.zeros(items.shape, dtype=np.int16)
    for place, kind in enumerate(kinds()):
        if kind != PERSONAL:
            support |= lists[kind].contains(items).astype(np.int16) << place
    return support


def _reference(
    known: Known, personal: OfflineLists, rules: Rules, applying: NDArray[np.int64]
) -> Reference:
    first = first_offers(personal.items, applying, rules.forbidden)
    return Reference.of(known.profiles, first, known.history.held.shape[1])


def _revision(digest: str, settings: Settings) -> str:
    """The commit that was promoted, if its models are here; else the one given, or the last run's.

    What is given is known before the models are: after a month whose run was not promoted, it is
    not theirs.
    """
    chosen = promoted.read()
    if chosen and chosen.digest == digest:
        return chosen.revision[:7]
    return settings.revision or git_revision()

"""The chain of sources of an answer: personal, else by profile, else popularity."""

import logging
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.models.contract import Scores
from src.models.customers import Customers
from src.models.registry import FIRST_STAGE
from src.ranking import top_k
from src.service.products.catalogue import PERSONAL, Catalogue, kinds_in
from src.service.products.reasons import Explainer

logger = logging.getLogger(__name__)

Ranked = tuple[list[int], list[float]]
Anything = tuple[float | None, list[dict[str, Any]]]  # chance of adding anything, with reasons

UNKNOWN: Anything = (None, [])


@dataclass
class Selection:
    """Products in order, with the source of each, and what was taken out by which rule."""

    items: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    removed: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    reason: str = ""  # why the chain begins where it does
    asked: int = 0  # length of the list that was asked for

    @property
    def source(self) -> str:
        """Where the first product comes from; ``none`` if nothing is left to offer."""
        return self.sources[0] if self.sources else "none"

    @property
    def fallback(self) -> bool:
        """Whether the first product does not come from personal scores."""
        return self.source not in {PERSONAL, "none"}

    @property
    def why(self) -> str:
        """How the products came about, in words."""
        used = list(dict.fromkeys(self.sources))
        parts = [self.reason] if self.reason else []
        if self.failed:
            parts.append(f"{', '.join(self.failed)} failed")
        if not used:
            parts.append("nothing is left to offer")
        else:
            parts.append(", then ".join(_told(name) for name in used))
            if len(self.items) < self.asked:
                parts.append(f"{len(self.items)} of {self.asked} products are left to offer")
        return "; ".join(parts)

    def shown(self, places: list[int], asked: int) -> "Selection":
        """Some of the products, in another order, for a list that is `asked` long."""
        if asked == self.asked and places == list(range(len(self.items))):
            return self
        return replace(
            self,
            items=[self.items[place] for place in places],
            scores=[self.scores[place] for place in places],
            sources=[self.sources[place] for place in places],
            asked=asked,
        )


def choose(
    chain: Iterator[tuple[str, Callable[[], Ranked]]],
    k: int,
    held: Collection[int],
    forbidden: dict[int, str],
    cooldown: Collection[int],
    reason: str,
) -> Selection:
    """Fill k places down the chain: what one source leaves open, the next one fills.

    Parameters
    ----------
    chain : iterator of (name, function that ranks)
        A function that fails is logged and passed over.
    held : items that the customer holds
    forbidden : item -> name of the rule
    cooldown : items that were dismissed or accepted not long ago
    reason : str
        Why the chain begins where it does; empty if it begins with personal scores.
    """
    result = Selection(reason=reason, asked=k)
    seen = set(held)
    for name, ranked in chain:
        try:
            items, scores = ranked()
        except Exception:
            logger.exception("source %s failed", name)
            result.failed.append(name)
            continue
        for item, score in zip(items, scores, strict=True):
            if item in seen:
                continue
            seen.add(item)
            rule = forbidden.get(item) or ("cooldown" if item in cooldown else None)
            if rule:
                result.removed[rule] = result.removed.get(rule, 0) + 1
            else:
                result.items.append(item)
                result.scores.append(score)
                result.sources.append(name)
                if len(result.items) == k:
                    break
        if len(result.items) == k:
            break
    return result


def _told(source: str) -> str:
    if source == PERSONAL:
        return "personal scores"
    return FIRST_STAGE[source].fallback if source in FIRST_STAGE else "what most customers add"


def by_profile() -> list[str]:
    """First-stage models that can answer if holdings are not known, in the order of turns."""
    return [name for name, record in FIRST_STAGE.items() if record.looks_at == {"profile"}]


def offline_chain(catalogue: Catalogue, row: int) -> Iterator[tuple[str, Callable[[], Ranked]]]:
    """Lists of a known customer; none has a product that they hold."""
    for kind in (PERSONAL, *by_profile()):
        yield kind, lambda kind=kind: catalogue.lists[kind].of(row)  # type: ignore[misc]
    yield "popularity", lambda: catalogue.popular_beyond(catalogue.held(row))


def ranked(scores: Scores) -> Ranked:
    """All items of one customer's scores, best first."""
    order = top_k(scores, scores.shape[1])[0].astype(np.intp)
    return order.tolist(), scores[0, order].tolist()


class OnlineScores:
    """Scores of one customer, each model asked at most once."""

    def __init__(self, catalogue: Catalogue, customer: Customers) -> None:
        self._models = catalogue.models
        self.customer = customer
        self._first_stage: dict[str, Scores] = {}

    def first_stage(self, name: str) -> Scores:
        """Scores of a first-stage model; float32, (1, items)."""
        if name not in self._first_stage:
            self._first_stage[name] = self._models.first_stage[name].score(self.customer)
        return self._first_stage[name]

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """What the blend looks at; (1, features)."""
        ranker = self._models.ranker
        scores = {name: self.first_stage(name) for name in ranker.models}
        return ranker.features(self.customer, scores)[1]

    @cached_property
    def about(self) -> NDArray[np.float32]:
        """What propensity looks at; (1, features)."""
        return self._models.propensity.features(self.customer)[1]

    @cached_property
    def chances(self) -> Scores:
        """Chance of adding each item; float32, (1, items)."""
        return self._models.propensity.score_features(self.customer, self.about)

    def personal(self) -> Scores:
        """Scores of the blend; float32, (1, items)."""
        shares = self._models.ranker.score_features(self.customer, self.features)
        return self._models.pool.share(shares, self.chances)

    def chain(self, personal: bool) -> Iterator[tuple[str, Callable[[], Ranked]]]:
        """Sources in order; without holdings there are no personal scores."""
        if personal:
            yield PERSONAL, lambda: ranked(self.personal())
        for name in by_profile():
            yield name, lambda name=name: ranked(self.first_stage(name))  # type: ignore[misc]

    def best(self, k: int) -> dict[str, set[int]]:
        """The k best items of each first-stage model that does not fail, held ones left out."""
        held = self.customer.history.holdings()
        found = {}
        for name in self._models.first_stage:
            try:
                found[name] = set(top_k(self.first_stage(name), k, held)[0].tolist())
            except Exception:
                logger.exception("%s failed", name)
        return found

    def reasons(self, explainer: Explainer, items: list[int]) -> list[list[dict[str, Any]]]:
        """Reasons of the blend for some items."""
        return explainer.computed(self.features, items) if items else []

    def anything(self, explainer: Explainer) -> Anything:
        """The chance that they add anything, with reasons; unknown if propensity fails."""
        try:
            (chance,) = self._models.propensity.anything(self.chances).tolist()
            return chance, explainer.computed_anything(self.about, self.chances)
        except Exception:
            logger.exception("the chance of adding anything failed")
            return UNKNOWN


def rows(
    catalogue: Catalogue,
    result: Selection,
    support: Callable[[int], list[str]],
    reasons: Callable[[int], list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """Products of an answer; `support` and `reasons` are asked for items with personal scores."""
    products, titles = catalogue.products, catalogue.titles
    found = []
    for item, score, source in zip(result.items, result.scores, result.sources, strict=True):
        personal = source == PERSONAL
        found.append(
            {
                "product": products[item],
                "title": titles[item],
                "score": score,
                "source": source,
                "supported_by": support(item) if personal else [],
                "reasons": reasons(item)
                if personal
                else catalogue.explainer.fallback(source, item, score),
            }
        )
    return found


def offline_rows(catalogue: Catalogue, row: int, result: Selection) -> list[dict[str, Any]]:
    """Products of an answer from the lists of a known customer."""
    place = catalogue.places(row)
    support = catalogue.support[row].tolist()
    begin = int(catalogue.begins[row])
    reasons = catalogue.explainer.read(catalogue.reasons, begin, len(place))
    return rows(
        catalogue,
        result,
        lambda item: kinds_in(support[place[item]]),
        lambda item: reasons[place[item]],
    )


def offline_anything(catalogue: Catalogue, row: int) -> Anything:
    """The chance that a known customer adds anything, with reasons."""
    place = int(catalogue.known.position[row])
    stored = catalogue.anything
    reasons = catalogue.explainer.read_anything(stored.reasons, place)
    return float(stored.chances[place]), reasons


def online_rows(
    catalogue: Catalogue, result: Selection, scores: OnlineScores
) -> list[dict[str, Any]]:
    """Products of an answer from scores computed now."""
    personal = [
        item
        for item, source in zip(result.items, result.sources, strict=True)
        if source == PERSONAL
    ]
    reasons = dict(zip(personal, scores.reasons(catalogue.explainer, personal), strict=True))
    best = scores.best(catalogue.lists[PERSONAL].items.shape[1]) if personal else {}
    return rows(
        catalogue,
        result,
        lambda item: [name for name, top in best.items() if item in top],
        reasons.__getitem__,
    )

"""Answers: products to offer to one customer, from lists or from the models."""

import time
from typing import Any

import numpy as np

from src.models.customers import Customers
from src.service.monitoring.drift_reference import BinCodes
from src.service.process import Process
from src.service.products import fallback
from src.service.products.catalogue import PERSONAL, Catalogue
from src.service.products.exposing import NOTHING, Exposing
from src.service.products.fallback import OnlineScores, Selection
from src.service.products.requests import Asked
from src.service.products.serving import Serving


class Answering:
    """Answers requests out of the catalogue that is served, and leaves their trace."""

    def __init__(self, process: Process, serving: Serving, exposing: Exposing) -> None:
        self._process = process
        self._serving = serving
        self._exposing = exposing

    async def recommend(self, asked: Asked, k: int) -> dict[str, Any]:
        """Products to offer, and how they came about."""
        if asked.profile is None and asked.holdings is None:
            return self._from_lists(asked.customer, k)
        return await self._from_models(asked, k)

    async def of_model(self, name: str, asked: Asked, k: int) -> dict[str, Any]:
        """The list of one first-stage model, asked now."""
        catalogue = self._serving.catalogue

        def score() -> list[dict[str, Any]]:
            customer, _ = batch(catalogue, asked)
            held = set(np.flatnonzero(customer.history.holdings()[0]).tolist())
            items, scores = fallback.ranked(catalogue.models.first_stage[name].score(customer))
            free = [(i, s) for i, s in zip(items, scores, strict=True) if i not in held][:k]
            return [
                {
                    "product": catalogue.products[item],
                    "title": catalogue.titles[item],
                    "score": score,
                }
                for item, score in free
            ]

        found = await self._process.in_models(score)
        return {
            "model": name,
            "customer": asked.customer,
            "customer_id": as_text(asked.customer),
            "recommendations": found,
        }

    def _from_lists(self, customer: int | str, k: int) -> dict[str, Any]:
        """Answer a request with only an id; the customer may or may not be known to the bank."""
        started = time.perf_counter()
        identity = self._process.next_answer()
        catalogue = self._serving.catalogue
        cooldown = self._cooldown(catalogue, customer)
        row = catalogue.known.row(customer)
        if row is None or catalogue.known.position[row] < 0:
            reason = "not a known customer" if row is None else "not a customer in the last month"
            applying = catalogue.rules.applying(np.array([customer]), None)
            forbidden = catalogue.rules.forbidden(int(applying[0]))
            popular = iter([("popularity", lambda: catalogue.popular)])
            chosen = fallback.choose(popular, k, (), forbidden, cooldown, reason)
            self._watch(catalogue, catalogue.codes(row), chosen)
            exposed = NOTHING
            rows = fallback.rows(catalogue, chosen, _never, _never)
            anything = fallback.UNKNOWN
        else:
            forbidden = catalogue.rules.forbidden(int(catalogue.applying[row]))
            chain = fallback.offline_chain(catalogue, row)
            wanted = self._exposing.wanted(customer, k)
            ranked = fallback.choose(chain, wanted, (), forbidden, cooldown, "")
            self._watch(catalogue, catalogue.codes(row), ranked)
            barred = {*forbidden, *cooldown}
            chosen, exposed = self._expose(catalogue, identity, customer, ranked, barred, k)
            rows = fallback.offline_rows(catalogue, row, chosen)
            anything = fallback.offline_anything(catalogue, row)
        about = {"answer": identity, "customer": customer, "path": "offline", **exposed}
        return self._answer(catalogue, about, chosen, rows, anything, started)

    async def _from_models(self, asked: Asked, k: int) -> dict[str, Any]:
        """Answer if a profile or holdings were given."""
        started = time.perf_counter()
        identity = self._process.next_answer()
        catalogue = self._serving.catalogue
        chosen, exposed, rows, anything = await self._process.in_models(
            self._score, catalogue, identity, asked, k
        )
        about = {"answer": identity, "customer": asked.customer, "path": "online", **exposed}
        return self._answer(catalogue, about, chosen, rows, anything, started)

    def _score(
        self, catalogue: Catalogue, identity: str, asked: Asked, k: int
    ) -> tuple[Selection, dict[str, Any], list[dict[str, Any]], fallback.Anything]:
        customer, known_holdings = batch(catalogue, asked)
        scores = OnlineScores(catalogue, customer)
        ids = np.array([asked.customer if asked.customer is not None else ""], dtype=object)
        applying = catalogue.rules.applying(ids, customer.profile)
        held = set(np.flatnonzero(customer.history.holdings()[0]).tolist())
        forbidden = catalogue.rules.forbidden(int(applying[0]))
        cooldown = self._cooldown(catalogue, asked.customer)
        known = _is_known(catalogue, asked.customer)
        chosen = fallback.choose(
            scores.chain(known_holdings),
            self._exposing.wanted(asked.customer, k) if known else k,
            held,
            forbidden,
            cooldown,
            "" if known_holdings else "holdings are not known",
        )
        self._watch(catalogue, _codes(catalogue, asked), chosen)
        exposed = NOTHING
        if known:
            barred = {*held, *forbidden, *cooldown}
            chosen, exposed = self._expose(catalogue, identity, asked.customer, chosen, barred, k)
        rows = fallback.online_rows(catalogue, chosen, scores)
        anything = scores.anything(catalogue.explainer) if known_holdings else fallback.UNKNOWN
        return chosen, exposed, rows, anything

    def _expose(
        self,
        catalogue: Catalogue,
        identity: str,
        customer: int | str,
        ranked: Selection,
        barred: set[int],
        k: int,
    ) -> tuple[Selection, dict[str, Any]]:
        names = catalogue.products
        not_allowed = [names[item] for item in sorted(barred)]
        return self._exposing.expose(identity, customer, ranked, not_allowed, names, k)

    def _watch(self, catalogue: Catalogue, codes: BinCodes | None, chosen: Selection) -> None:
        """Count for drift; popular products have no counterpart in the offline lists."""
        personal = chosen.source == PERSONAL
        self._serving.drift.count(catalogue.reference, codes, chosen.items if personal else [])

    def _cooldown(self, catalogue: Catalogue, customer: int | str | None) -> list[int]:
        names = self._process.feedback.in_cooldown(customer, time.time())
        return [catalogue.item[name] for name in names if name in catalogue.item] if names else []

    def _answer(
        self,
        catalogue: Catalogue,
        about: dict[str, Any],
        chosen: Selection,
        rows: list[dict[str, Any]],
        anything: fallback.Anything,
        started: float,
    ) -> dict[str, Any]:
        products = [row["product"] for row in rows]
        chance, reasons = anything
        source, fell_back = chosen.source, chosen.fallback
        self._process.monitoring.count_answer(source, fell_back, products, chosen.removed)
        self._process.log.write(
            {
                "at": time.time(),
                **about,
                "revision": catalogue.revision,
                "digest": catalogue.digest,
                "products": products,
                "chance": chance,
                "scores": chosen.scores,
                "sources": chosen.sources,
                "removed": chosen.removed,
                "seconds": time.perf_counter() - started,
            }
        )
        return {
            "answer": about["answer"],
            "customer": about["customer"],
            "customer_id": as_text(about["customer"]),
            "for_month_after": catalogue.month,
            "revision": catalogue.revision,
            "source": source,
            "fallback": fell_back,
            "why": chosen.why,
            "chance": chance,
            "chance_reasons": reasons,
            "recommendations": rows,
            "removed": chosen.removed,
        }


def as_text(customer: int | str | None) -> str | None:
    """An id as text: for clients that cannot hold every number."""
    return None if customer is None else str(customer)


def _is_known(catalogue: Catalogue, customer: int | str | None) -> bool:
    """Whether this is a customer of the last month."""
    row = catalogue.known.row(customer) if customer is not None else None
    return row is not None and bool(catalogue.known.position[row] >= 0)


def batch(catalogue: Catalogue, asked: Asked) -> tuple[Customers, bool]:
    """A batch of one for a request, and whether the customer's holdings are known."""
    row = catalogue.known.row(asked.customer) if asked.customer is not None else None
    known = catalogue.known.customer(row) if row is not None else None
    return catalogue.preparation.customer(asked, known)


def _codes(catalogue: Catalogue, asked: Asked) -> BinCodes | None:
    """Bins of the profile that is given, else of the one that is known; for drift."""
    given = asked.profile.model_dump() if asked.profile is not None else {}
    if any(value is not None for value in given.values()):
        return catalogue.reference.bins.codes_of(catalogue.preparation.clean(given))
    known = catalogue.known
    return catalogue.codes(known.row(asked.customer) if asked.customer is not None else None)


def _never(item: int) -> Any:
    raise AssertionError(f"item {item} has no personal score")

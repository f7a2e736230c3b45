"""Answers of the service: one object for all requests of a process."""

import asyncio
import datetime
import itertools
import logging
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

from src import params
from src.models.customers import Customers
from src.service import recommender
from src.service.feedback.store import Feedback, FeedbackSettings
from src.service.monitoring.answer_log import HistoryLog
from src.service.monitoring.drift import Drift
from src.service.monitoring.drift_reference import BinCodes
from src.service.monitoring.metrics import Monitoring, release_memory
from src.service.products.catalogue import PERSONAL, Catalogue
from src.service.products.fallback import OnlineScores, Selection
from src.service.products.requests import Asked, GivenFeedback
from src.service.settings import Settings

logger = logging.getLogger(__name__)

Anything = TypeVar("Anything")

_REFRESH_SECONDS = 10.0


class Answers:
    """The loaded catalogue and everything that a request leaves behind.

    Models are asked in one thread of their own and feedback is stored in another, so the event
    loop, which answers requests for known customers, never waits.
    """

    def __init__(self, settings: Settings, monitoring: Monitoring) -> None:
        self.settings = settings
        self.monitoring = monitoring
        with ThreadPoolExecutor(1) as beside:
            beside.submit(import_module, "alembic.command")  # takes a while, and feedback wants it
            self.catalogue = Catalogue.load(settings)
        schema = self.catalogue.schema
        rest = params.load("feedback", FeedbackSettings, str(settings.rules))
        self.feedback = Feedback(
            settings.database_url, rest, integer_ids=schema.id_type == "integer"
        )
        self.history = HistoryLog(
            settings.history_file, settings.history_bytes, settings.history_files
        )
        monitoring.history_dropped.set_function(lambda: self.history.dropped)
        self.drift = Drift(
            monitoring.registry,
            settings.drift_requests,
            settings.drift_seconds,
            settings.drift_least,
        )
        self.models = ThreadPoolExecutor(1, thread_name_prefix="models")
        self.storage = ThreadPoolExecutor(1, thread_name_prefix="storage")
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._reloading = asyncio.Lock()
        self._use(self.catalogue)
        release_memory()

    def close(self) -> None:
        """Finish what was accepted."""
        self.models.shutdown()
        self.storage.shutdown()
        self.history.close()
        self.feedback.close()

    async def recommend(self, asked: Asked, k: int) -> dict[str, Any]:
        """Products to offer, and how they came about."""
        if asked.profile is None and asked.holdings is None:
            return self.offline(asked.customer, k)
        return await self.online(asked, k)

    def offline(self, customer: int | str, k: int) -> dict[str, Any]:
        """Answer from lists: a known customer, or a stranger."""
        started = time.perf_counter()
        catalogue = self.catalogue
        cooldown = self._cooldown(catalogue, customer)
        row = catalogue.known.row(customer)
        if row is None or catalogue.known.position[row] < 0:
            reason = "not a known customer" if row is None else "not a customer in the last month"
            applying = catalogue.rules.applying(np.array([customer]), None)
            forbidden = catalogue.rules.forbidden(int(applying[0]))
            popular = iter([("popularity", lambda: catalogue.popular)])
            result = recommender.choose(popular, k, (), forbidden, cooldown, reason)
            rows = recommender.rows(catalogue, result, _never, _never)
        else:
            forbidden = catalogue.rules.forbidden(int(catalogue.applying[row]))
            chain = recommender.offline_chain(catalogue, row)
            result = recommender.choose(chain, k, (), forbidden, cooldown, "")
            rows = recommender.offline_rows(catalogue, row, result)
        self._watch(catalogue, catalogue.codes(row), result)
        return self._answer(catalogue, customer, result, rows, started, "offline")

    async def online(self, asked: Asked, k: int) -> dict[str, Any]:
        """Answer from the models: a profile or holdings were given."""
        started = time.perf_counter()
        catalogue = self.catalogue
        result, rows = await self.in_models(self._score, catalogue, asked, k)
        return self._answer(catalogue, asked.customer, result, rows, started, "online")

    def _score(
        self, catalogue: Catalogue, asked: Asked, k: int
    ) -> tuple[Selection, list[dict[str, Any]]]:
        customer, known_holdings = self.batch(catalogue, asked)
        scores = OnlineScores(catalogue, customer)
        ids = np.array([asked.customer if asked.customer is not None else ""], dtype=object)
        applying = catalogue.rules.applying(ids, customer.profile)
        result = recommender.choose(
            scores.chain(known_holdings),
            k,
            set(np.flatnonzero(customer.history.holdings()[0]).tolist()),
            catalogue.rules.forbidden(int(applying[0])),
            self._cooldown(catalogue, asked.customer),
            "" if known_holdings else "holdings are not known",
        )
        self._watch(catalogue, self._codes(catalogue, asked), result)
        return result, recommender.online_rows(catalogue, result, scores)

    def _watch(self, catalogue: Catalogue, codes: BinCodes | None, result: Selection) -> None:
        """Count for drift; what strangers are offered has no counterpart in the offline lists."""
        personal = result.source == PERSONAL
        self.drift.count(catalogue.reference, codes, result.items if personal else [])

    @staticmethod
    def _codes(catalogue: Catalogue, asked: Asked) -> BinCodes | None:
        """Bins of the profile that is given, else of the one that is known; for drift."""
        given = asked.profile.model_dump() if asked.profile is not None else {}
        if any(value is not None for value in given.values()):
            return catalogue.reference.bins.codes_of(catalogue.preparation.clean(given))
        known = catalogue.known
        return catalogue.codes(known.row(asked.customer) if asked.customer is not None else None)

    @staticmethod
    def batch(catalogue: Catalogue, asked: Asked) -> tuple[Customers, bool]:
        """A batch of one for a request, and whether his holdings are known."""
        row = catalogue.known.row(asked.customer) if asked.customer is not None else None
        known = catalogue.known.customer(row) if row is not None else None
        return catalogue.preparation.customer(asked, known)

    async def of_model(self, name: str, asked: Asked, k: int) -> dict[str, Any]:
        """The list of one base model, asked now."""
        catalogue = self.catalogue

        def score() -> list[dict[str, Any]]:
            customer, _ = self.batch(catalogue, asked)
            held = set(np.flatnonzero(customer.history.holdings()[0]).tolist())
            items, scores = recommender.ranked(catalogue.models.base[name].score(customer))
            free = [(i, s) for i, s in zip(items, scores, strict=True) if i not in held][:k]
            return [
                {
                    "product": catalogue.products[item],
                    "title": catalogue.titles[item],
                    "score": score,
                }
                for item, score in free
            ]

        found = await self.in_models(score)
        return {"model": name, "customer": asked.customer, "recommendations": found}

    async def reload(self, kind: str) -> Catalogue:
        """Read lists, or everything, again; a fault changes nothing.

        Raises
        ------
        InputError
            A file is missing or damaged.
        """
        async with self._reloading:
            loop = asyncio.get_running_loop()
            if kind == "all":
                catalogue = await loop.run_in_executor(None, Catalogue.load, self.settings)
            else:
                catalogue = await loop.run_in_executor(None, self.catalogue.reload, kind)
            self._use(catalogue)
            await loop.run_in_executor(None, release_memory)
            return catalogue

    async def store(self, given: GivenFeedback, key: str) -> dict[str, Any]:
        """Store a feedback; acknowledge it when it is on disk."""
        row = {**given.model_dump(), "key": key}
        identity = await self.in_storage(self.feedback.add, row)
        self.monitoring.feedback.labels(given.action).inc()
        return {"id": identity, "cooldown_days": self.feedback.cooldown_days(given.action)}

    async def refresh_forever(self) -> None:
        """Look for feedback that other processes stored."""
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            try:
                await self.in_storage(self.feedback.refresh)
            except Exception:
                logger.exception("feedback of other processes cannot be read")

    async def in_models(self, work: Callable[..., Anything], *arguments: Any) -> Anything:
        """Run work in the thread of the models."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.models, work, *arguments)

    async def in_storage(self, work: Callable[..., Anything], *arguments: Any) -> Anything:
        """Run work in the thread of the database."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.storage, work, *arguments)

    def _use(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.drift.use(catalogue.reference)
        self.monitoring.sold({name: title.en for name, title in catalogue.schema.products.items()})
        self.loaded_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.monitoring.loaded(
            catalogue.revision, catalogue.digest, catalogue.months[0], len(catalogue.known)
        )

    def _cooldown(self, catalogue: Catalogue, customer: int | str | None) -> list[int]:
        names = self.feedback.in_cooldown(customer, time.time())
        return [catalogue.item[name] for name in names if name in catalogue.item] if names else []

    def _answer(
        self,
        catalogue: Catalogue,
        customer: int | str | None,
        result: Selection,
        rows: list[dict[str, Any]],
        started: float,
        path: str,
    ) -> dict[str, Any]:
        identity = f"{self._prefix}-{next(self._numbers)}"
        products = [row["product"] for row in rows]
        source, fallback = result.source, result.fallback
        self.monitoring.count_answer(source, fallback, products, result.removed)
        self.history.write(
            {
                "at": time.time(),
                "answer": identity,
                "customer": customer,
                "revision": catalogue.revision,
                "digest": catalogue.digest,
                "path": path,
                "products": products,
                "scores": result.scores,
                "sources": result.sources,
                "removed": result.removed,
                "seconds": time.perf_counter() - started,
            }
        )
        return {
            "answer": identity,
            "customer": customer,
            "for_month_after": catalogue.month,
            "revision": catalogue.revision,
            "source": source,
            "fallback": fallback,
            "why": result.why,
            "recommendations": rows,
            "removed": result.removed,
        }


def _never(item: int) -> Any:
    raise AssertionError(f"item {item} has no personal score")

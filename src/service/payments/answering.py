"""Answers about payments, and the trace that they leave."""

import time
from typing import Any

from src.payments.calendar import date_of, day_of
from src.service.payments import examples
from src.service.payments.catalogue import Catalogue
from src.service.payments.days import check_dates, day_asked
from src.service.payments.operations import operations
from src.service.payments.requests import ExamplesAsked, OperationsAsked
from src.service.payments.scoring import Scored
from src.service.payments.serving import Serving
from src.service.process import Process

NONE = "none"


class Answering:
    """Answers requests out of the catalogue that is served."""

    def __init__(self, process: Process, serving: Serving) -> None:
        self._process = process
        self._serving = serving

    async def operations(self, asked: OperationsAsked, k: int) -> dict[str, Any]:
        """What a client is likely to pay again."""
        started = time.perf_counter()
        catalogue = self._serving.catalogue
        client = catalogue.identity(asked.client)
        most = self._process.settings.payments_days
        day = day_asked(asked, day_of(catalogue.asking.day), most)

        def score() -> tuple[Scored, dict[str, Any]]:
            payments = catalogue.scorer.payments(catalogue.ledger.of(client), asked.payments)
            scored = catalogue.scorer.score(payments, day)
            return scored, operations(catalogue, scored, k)

        scored, found = await self._process.in_models(score)
        if found["top"]:
            self._serving.drift.count(catalogue.reference, found["top"][0]["chance"])
        self._count("operations", examples.PERSONAL if found["top"] else NONE)
        asking = catalogue.asking
        count = len(scored.snapshot)
        window = f"in the {asking.lookback_days} days before"
        told = f"{count} of the client's operations were paid {window}"
        head = self._head(catalogue, client)
        self._log(
            head,
            started,
            path="payments/operations",
            digest=catalogue.digest,
            day=str(date_of(day)),
            payments=len(asked.payments),
            products=[one["provider"] for one in found["top"]],
            scores=[one["chance"] for one in found["top"]],
            cards=len(found["cards"]),
        )
        return {
            **head,
            "day": str(date_of(day)),
            "horizon_days": asking.horizon_days,
            "model": asking.model,
            "threshold": asking.threshold,
            "why": told if count else f"the client has paid no known provider {window}",
            **found,
            "unknown_providers": catalogue.scorer.unknown(asked.payments),
        }

    async def examples(self, asked: ExamplesAsked, k: int) -> dict[str, Any]:
        """Providers that a client has never paid."""
        started = time.perf_counter()
        catalogue = self._serving.catalogue
        client = catalogue.identity(asked.client)
        most = self._process.settings.payments_days
        check_dates(asked.payments, day_of(catalogue.asking.day), most)

        def choose() -> tuple[str | None, bool, list[dict[str, Any]]]:
            own = catalogue.ledger.of(client)
            payments = catalogue.scorer.payments(own, asked.payments)
            region = asked.region
            if "region" in payments.attributes and len(payments):
                code = payments.latest("region")[0]
                region = payments.attributes["region"].labels[code] if code >= 0 else region
            paid = {*own["provider"].to_pylist(), *(one.provider for one in asked.payments)}
            return region, len(own) > 0, catalogue.lists.choose(client, region, paid, k)

        region, known, found = await self._process.in_models(choose)
        source = found[0]["source"] if found else NONE
        self._count("examples", source)
        head = self._head(catalogue, client)
        self._log(
            head,
            started,
            path="payments/examples",
            digest=catalogue.digest,
            payments=len(asked.payments),
            products=[one["provider"] for one in found],
            scores=[one["score"] for one in found],
            sources=[one["source"] for one in found],
        )
        return {
            **head,
            "source": source,
            "region": region,
            "why": examples.why(found, known),
            "examples": [
                {"provider": one["provider"], "name": catalogue.names.get(one["provider"])} | one
                for one in found
            ],
        }

    def _head(self, catalogue: Catalogue, client: int | str) -> dict[str, Any]:
        return {
            "answer": self._process.next_answer(),
            "client": client,
            "client_id": str(client),
            "revision": catalogue.revision,
        }

    def _count(self, kind: str, source: str) -> None:
        self._process.monitoring.payments_answers.labels(kind, source).inc()

    def _log(self, head: dict[str, Any], started: float, **answer: Any) -> None:
        seconds = time.perf_counter() - started
        line = {"at": time.time(), "answer": head["answer"], "customer": head["client"]}
        line |= {"revision": head["revision"], **answer, "seconds": seconds}
        self._process.log.write(line)

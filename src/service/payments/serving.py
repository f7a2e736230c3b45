"""The catalogue that is served now, if the pipeline has run; replaced as a whole on reload."""

import asyncio
import datetime
import logging
from typing import Any

from src.errors import InputError
from src.service.monitoring.metrics import Monitoring, release_memory
from src.service.payments.catalogue import NOT_RUN, Catalogue
from src.service.payments.drift import ChanceDrift
from src.service.settings import Settings
from src.service.web.answers import NotServedError

logger = logging.getLogger(__name__)


class Serving:
    """The current catalogue of payments, or why there is none; and the drift of answers.

    The products are served without payments, too: what is wrong with these is logged, said by
    /ready, and said to everybody who asks about payments.
    """

    def __init__(self, settings: Settings, monitoring: Monitoring) -> None:
        self._settings = settings
        self._monitoring = monitoring
        self.drift = ChanceDrift(
            monitoring.registry,
            settings.drift_requests,
            settings.drift_seconds,
            settings.drift_least,
        )
        self._reloading = asyncio.Lock()
        self._catalogue: Catalogue | None = None
        self._why = ""
        try:
            self._use(Catalogue.load(settings))
        except InputError as error:
            self._why = str(error)
            logger.log(
                logging.INFO if self._why == NOT_RUN else logging.ERROR,
                "payments are not served: %s",
                error,
            )

    @property
    def catalogue(self) -> Catalogue:
        """What is served.

        Raises
        ------
        NotServedError
            Nothing is.
        """
        if self._catalogue is None:
            raise NotServedError(self._why)
        return self._catalogue

    def state(self) -> dict[str, Any]:
        """What is loaded, for /ready."""
        now = self._catalogue
        return {
            "ready": now is not None,
            "why": self._why,
            "day": now and now.asking.day,
            "model": now and now.asking.model,
            "revision": now and now.revision,
            "digest": now and now.digest,
            "known_clients": len(now.ledger.clients) if now else 0,
        }

    async def reload(self) -> Catalogue:
        """Read everything again; a fault changes nothing.

        Raises
        ------
        InputError
            The pipeline has not run, or a file is missing or damaged.
        """
        async with self._reloading:
            loop = asyncio.get_running_loop()
            catalogue = await loop.run_in_executor(None, Catalogue.load, self._settings)
            self._use(catalogue)
            await loop.run_in_executor(None, release_memory)
            return catalogue

    def _use(self, catalogue: Catalogue) -> None:
        self._catalogue, self._why = catalogue, ""
        self.drift.use(catalogue.reference)
        last = datetime.date.fromisoformat(catalogue.asking.day) - datetime.timedelta(days=1)
        self._monitoring.payments_loaded(
            catalogue.revision, catalogue.digest, last, len(catalogue.ledger.clients)
        )

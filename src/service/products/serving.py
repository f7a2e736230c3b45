"""The catalogue that is served now: loaded at the start, replaced as a whole on reload."""

import asyncio
import datetime

from src.service.monitoring.drift import Drift
from src.service.monitoring.metrics import Monitoring, release_memory
from src.service.products.catalogue import Catalogue
from src.service.settings import Settings


class Serving:
    """The current catalogue, since when, and the drift of requests against it."""

    def __init__(self, settings: Settings, monitoring: Monitoring, catalogue: Catalogue) -> None:
        self._settings = settings
        self._monitoring = monitoring
        self.drift = Drift(
            monitoring.registry,
            settings.drift_requests,
            settings.drift_seconds,
            settings.drift_least,
        )
        self._reloading = asyncio.Lock()
        self._use(catalogue)
        release_memory()

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
                catalogue = await loop.run_in_executor(None, Catalogue.load, self._settings)
            else:
                catalogue = await loop.run_in_executor(None, self.catalogue.reload, kind)
            self._use(catalogue)
            await loop.run_in_executor(None, release_memory)
            return catalogue

    def _use(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.drift.use(catalogue.reference)
        titles = {name: title.en for name, title in catalogue.schema.products.items()}
        self._monitoring.sold(titles)
        self.loaded_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._monitoring.loaded(
            catalogue.revision, catalogue.digest, catalogue.dates[0], len(catalogue.known)
        )

"""What a process holds for all systems that it serves: threads, feedback, the log of answers."""

import asyncio
import itertools
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from src.service.feedback.store import Feedback
from src.service.monitoring.answer_log import AnswerLog
from src.service.monitoring.metrics import Monitoring
from src.service.settings import Settings

logger = logging.getLogger(__name__)

Anything = TypeVar("Anything")

_REFRESH_SECONDS = 10.0


class Process:
    """Threads, feedback and logs of one process.

    Models are asked in one thread of their own and feedback is stored in another, so the event
    loop, which answers requests for known customers, never waits.
    """

    def __init__(self, settings: Settings, monitoring: Monitoring, feedback: Feedback) -> None:
        self.settings = settings
        self.monitoring = monitoring
        self.feedback = feedback
        self.log = AnswerLog(settings.history_file, settings.history_bytes, settings.history_files)
        monitoring.history_dropped.set_function(lambda: self.log.dropped)
        self._models = ThreadPoolExecutor(1, thread_name_prefix="models")
        self._storage = ThreadPoolExecutor(1, thread_name_prefix="storage")
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    def close(self) -> None:
        """Finish what was accepted."""
        self._models.shutdown()
        self._storage.shutdown()
        self.log.close()
        self.feedback.close()

    def next_answer(self) -> str:
        """Id of an answer, to be named in feedback."""
        return f"{self._prefix}-{next(self._numbers)}"

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
        return await loop.run_in_executor(self._models, work, *arguments)

    async def in_storage(self, work: Callable[..., Anything], *arguments: Any) -> Anything:
        """Run work in the thread of the database."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._storage, work, *arguments)

"""What a process holds for all systems that it serves: threads, feedback, the log of answers."""

import asyncio
import itertools
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any, TypeVar

from src.service.feedback.store import Feedback, UnavailableError
from src.service.monitoring.answer_log import AnswerLog
from src.service.monitoring.metrics import Monitoring
from src.service.settings import Settings

logger = logging.getLogger(__name__)

Anything = TypeVar("Anything")

_REFRESH_SECONDS = 10.0
_CLOSE_SECONDS = 2.0


class Process:
    """Threads, feedback and logs of one process.

    Models are asked in one thread of their own, feedback is stored in another and exported in a
    third, so the event loop, which answers requests for known customers, never waits.
    """

    def __init__(self, settings: Settings, monitoring: Monitoring, feedback: Feedback) -> None:
        self.settings = settings
        self.monitoring = monitoring
        self.feedback = feedback
        self.log = AnswerLog(settings.history_file, settings.history_bytes, settings.history_files)
        monitoring.history_dropped.set_function(lambda: self.log.dropped)
        monitoring.feedback_available.set_function(lambda: feedback.available)
        self._models = ThreadPoolExecutor(1, thread_name_prefix="models")
        self._storage = ThreadPoolExecutor(1, thread_name_prefix="storage")
        self._exports = ThreadPoolExecutor(1, thread_name_prefix="exports")
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)

    async def close(self) -> None:
        """Finish what was accepted, but wait for no thread longer than a few seconds."""

        def finish() -> None:
            for threads in (self._models, self._storage, self._exports):
                threads.shutdown(cancel_futures=True)
            self.feedback.close()

        finishing = Thread(target=finish, name="closing", daemon=True)
        finishing.start()
        await asyncio.to_thread(finishing.join, _CLOSE_SECONDS)
        self.log.close()

    def next_answer(self) -> str:
        """Id of an answer, to be named in feedback."""
        return f"{self._prefix}-{next(self._numbers)}"

    async def refresh_forever(self) -> None:
        """Look for feedback that other processes stored."""
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            try:
                await self.in_storage(self.feedback.refresh)
            except UnavailableError:
                pass  # the store has said so
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

    async def in_exports(self, work: Callable[..., Anything], *arguments: Any) -> Anything:
        """Run work in the thread of exports."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._exports, work, *arguments)

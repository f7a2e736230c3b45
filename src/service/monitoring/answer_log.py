"""rec_history.log: every answer as one JSON line, written by a thread of its own, rotated by size.

A process that is killed loses the answers of its last fifth of a second at most. If the disk does
not keep up, lines are dropped and counted rather than held in memory without bound. A line that was
torn, by a full disk or a kill, stays alone: the next one begins on a line of its own.
"""

import contextlib
import logging
import os
import threading
from collections import deque
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from src.service.private import close_to_others, make_private_folder, open_privately

logger = logging.getLogger(__name__)

_WRITE_EVERY_SECONDS = 0.2
_MOST_WAITING = 100_000
_CLOSE_SECONDS = 2.0  # a disk may hang


class AnswerLog:
    """An append-only file; `write` never blocks."""

    def __init__(self, path: Path, bytes_per_file: int, files: int) -> None:
        make_private_folder(path.parent)
        for file in path.parent.glob(f"{path.name}*"):
            close_to_others(file, 0o600)
        self._path = path
        self._bytes = bytes_per_file
        self._files = files
        self._waiting: deque[dict[str, Any]] = deque()
        self._torn = True  # perhaps, by whoever wrote last
        self._stop = threading.Event()
        self.dropped = 0
        self._thread = threading.Thread(target=self._run, name="answer-log", daemon=True)
        self._thread.start()

    def write(self, line: dict[str, Any]) -> None:
        """Record an answer."""
        if len(self._waiting) >= _MOST_WAITING:
            self.dropped += 1
        else:
            self._waiting.append(line)

    def close(self) -> None:
        """Write what is waiting, and end."""
        self._stop.set()
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._stop.wait(_WRITE_EVERY_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        lines = []
        with contextlib.suppress(IndexError):
            while True:
                lines.append(self._waiting.popleft())
        if not lines:
            return
        options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY
        try:
            with open(self._path, "a+b", opener=open_privately) as file:
                if self._torn and not _ends_a_line(file):
                    file.write(b"\n")
                file.write(b"".join(orjson.dumps(line, option=options) for line in lines))
                size = file.tell()
            self._torn = False
            if size >= self._bytes:
                self._rotate()
        except OSError as error:
            self._torn = True
            self.dropped += len(lines)
            logger.error(
                "%s cannot be written, %d answers are lost: %s", self._path, len(lines), error
            )

    def _rotate(self) -> None:
        for number in range(self._files - 1, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number}")
            if older.exists():
                older.replace(self._path.with_name(f"{self._path.name}.{number + 1}"))
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        self._path.with_name(f"{self._path.name}.{self._files}").unlink(missing_ok=True)


def _ends_a_line(file: BinaryIO) -> bool:
    if not file.seek(0, os.SEEK_END):
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"

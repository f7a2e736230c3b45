"""Which files belong together: the SHA-256 of everything that the service reads of one run.

The last stage of a pipeline writes it last. So a run that broke off, a file that was damaged on its
way, and models of one run beside lists of another are found before anybody is answered from them.
"""

import hashlib
import json
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from src.errors import InputError
from src.reporting import write_json

Hashes = dict[str, str]  # of paths


@dataclass(frozen=True)
class Manifest:
    """The manifest of a pipeline.

    Attributes
    ----------
    path : str
        Its file.
    mend : str
        What to do if something is wrong, such as ``run dvc repro``.
    """

    path: str
    mend: str

    def write(self, names: Collection[str]) -> None:
        """Write the hashes of what lies there now; where one lacks, `read` says so."""
        write_json(self.path, self._hashes([name for name in names if Path(name).exists()]))

    def read(self, names: Collection[str]) -> Hashes:
        """Read the hashes that `write` wrote.

        Parameters
        ----------
        names : collection of str
            The files that are needed.

        Raises
        ------
        InputError
            There are no hashes, or not of these files.
        """
        try:
            content = json.loads(Path(self.path).read_bytes())
        except FileNotFoundError:
            raise InputError(
                f"{self.path} is missing, so models and lists may not be of one run; {self.mend}"
            ) from None
        except ValueError:
            raise InputError(f"{self.path} is damaged: it is no JSON; {self.mend}") from None
        if not isinstance(content, dict):
            raise InputError(f"{self.path} is damaged: it is no table of files; {self.mend}")
        if differing := sorted(set(names) ^ set(content)):
            raise InputError(
                f"{self.path} is not about the files that are served: they differ in "
                f"{len(differing)}, for example {differing[0]}; {self.mend}"
            )
        return content

    @contextmanager
    def checked(self, hashes: Hashes, names: Collection[str]) -> Iterator[None]:
        """Compare files with their hashes, and see that nobody replaces them while they are read.

        Raises
        ------
        InputError
            One is missing, another one, or was replaced.
        """
        before = self._stamps(names)
        for name, found in self._hashes(names).items():
            if found != hashes[name]:
                raise InputError(
                    f"{name} is not the file that {self.path} is about: it is damaged, or of "
                    f"another run; {self.mend}"
                )
        yield
        after = self._stamps(names)
        for name in names:
            if after[name] != before[name]:
                raise InputError(f"{name} was replaced while it was read; try again after the run")

    def _stamps(self, names: Collection[str]) -> dict[str, tuple[int, int, int]]:
        found = {}
        for name in names:
            try:
                state = Path(name).stat()
            except FileNotFoundError:
                raise InputError(f"{name} is missing; {self.mend}") from None
            found[name] = (state.st_ino, state.st_size, state.st_mtime_ns)
        return found

    def _hashes(self, names: Collection[str]) -> Hashes:
        """Hash files side by side: a million customers are a third of a gigabyte."""
        with ThreadPoolExecutor() as threads:
            return dict(zip(names, threads.map(self._hash, names), strict=True))

    def _hash(self, name: str) -> str:
        if Path(name).is_dir():  # of the parts of a table
            of_parts = (self._hash(str(file)) for file in sorted(Path(name).iterdir()))
            return hashlib.sha256("".join(of_parts).encode()).hexdigest()
        try:
            with Path(name).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise InputError(f"{name} is missing; {self.mend}") from None

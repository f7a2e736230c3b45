"""The name of a result by all that it depends on: other data, code or settings, another name."""

import json
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any


def fingerprint(content: dict[str, Any], files: Iterable[str] = ()) -> str:
    """Hash some settings and the bytes of some files; twelve hexadecimal digits."""
    digest = blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=6)
    for file in sorted(files):
        with Path(file).open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
        digest.update(file.encode())
    return digest.hexdigest()

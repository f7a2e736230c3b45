import hashlib
import json
from pathlib import Path

import pytest

from src.errors import InputError
from src.manifest import Manifest

MANIFEST = Manifest("made/manifest.json", "run it again")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with two files."""
    monkeypatch.chdir(tmp_path)
    Path("a").write_bytes(b"1")
    Path("b").write_bytes(b"2")


def test_hashes_of_what_lies_there() -> None:
    MANIFEST.write(["a", "b", "c"])
    expected = {"a": hashlib.sha256(b"1").hexdigest(), "b": hashlib.sha256(b"2").hexdigest()}
    assert json.loads(Path(MANIFEST.path).read_bytes()) == expected
    assert MANIFEST.read(["a", "b"]) == expected
    message = (
        r"^made/manifest\.json is not about the files that are served: they differ in 1, for "
        r"example c; run it again$"
    )
    with pytest.raises(InputError, match=message):
        MANIFEST.read(["a", "b", "c"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is missing, so models and lists may not be of one run"),
        ("{", "is damaged: it is no JSON"),
        ("[]", "is damaged: it is no table of files"),
    ],
)
def test_a_manifest_that_is_none(content: str | None, message: str) -> None:
    if content is not None:
        Path("made").mkdir()
        Path(MANIFEST.path).write_text(content)
    with pytest.raises(InputError, match=f"^{MANIFEST.path} {message}; run it again$"):
        MANIFEST.read([])


def read_all() -> None:
    with MANIFEST.checked(MANIFEST.read(["a", "b"]), ["a", "b"]):
        pass


def test_files_that_changed() -> None:
    MANIFEST.write(["a", "b"])
    read_all()
    Path("a").write_bytes(b"3")
    message = (
        r"^a is not the file that made/manifest\.json is about: it is damaged, or of another run; "
        "run it again$"
    )
    with pytest.raises(InputError, match=message):
        read_all()
    Path("a").unlink()
    with pytest.raises(InputError, match=r"^a is missing; run it again$"):
        read_all()


def test_a_file_that_is_replaced_while_it_is_read() -> None:
    MANIFEST.write(["a"])

    def replaced() -> None:
        with MANIFEST.checked(MANIFEST.read(["a"]), ["a"]):
            Path("new").write_bytes(b"1")
            Path("new").replace("a")

    with pytest.raises(InputError, match=r"^a was replaced while it was read; try again after the"):
        replaced()

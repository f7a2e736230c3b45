import errno
import math
import zipfile
from hashlib import md5
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.reporting import atomic, write_arrays, write_json, write_parquet


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def fail_halfway(path: Path, failure: type[BaseException]) -> None:
    path.write_text("half")
    raise failure


def test_atomic_makes_the_folder_and_leaves_one_file(tmp_path: Path) -> None:
    with atomic(tmp_path / "a" / "b.txt") as temporary:
        temporary.write_text("new")
        assert files(tmp_path) == [str(temporary.relative_to(tmp_path))]
    assert files(tmp_path) == ["a/b.txt"]
    assert (tmp_path / "a" / "b.txt").read_text() == "new"


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_atomic_keeps_the_old_file_on_failure(tmp_path: Path, failure: type[BaseException]) -> None:
    target = tmp_path / "b.txt"
    target.write_text("old")
    with pytest.raises(failure), atomic(target) as temporary:
        fail_halfway(temporary, failure)
    assert files(tmp_path) == ["b.txt"]
    assert target.read_text() == "old"


def test_atomic_keeps_the_old_file_when_the_rename_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    target = tmp_path / "b.txt"
    target.write_text("old")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"), atomic(target) as temporary:
        temporary.write_text("new")
    assert files(tmp_path) == ["b.txt"]
    assert target.read_text() == "old"


def fail_in_a_folder(path: Path) -> None:
    path.mkdir()
    fail_halfway(path / "part", KeyboardInterrupt)


def put(path: Path, what: str) -> None:
    """A file, or a folder of one."""
    if what.endswith("folder"):
        path.mkdir()
        path = path / "part"
    path.write_text(what)


@pytest.mark.parametrize("old", ["old file", "old folder"])
@pytest.mark.parametrize("new", ["new file", "new folder"])
def test_atomic_puts_files_and_folders_in_the_place_of_each_other(
    tmp_path: Path, old: str, new: str
) -> None:
    target = tmp_path / "table"
    put(target, old)
    with atomic(target) as temporary:
        put(temporary, new)
    expected = "table/part" if new == "new folder" else "table"
    assert files(tmp_path) == [expected]
    assert (tmp_path / expected).read_text() == new


@pytest.mark.parametrize("old", ["old file", "old folder"])
def test_atomic_keeps_what_was_there_when_a_folder_fails(tmp_path: Path, old: str) -> None:
    target = tmp_path / "table"
    put(target, old)
    before = files(tmp_path)
    with pytest.raises(KeyboardInterrupt), atomic(target) as temporary:
        fail_in_a_folder(temporary)
    assert files(tmp_path) == before


@pytest.mark.parametrize("old", ["old file", "old folder"])
def test_atomic_keeps_what_was_there_when_a_folder_is_not_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str
) -> None:
    def full(_: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    target = tmp_path / "table"
    put(target, old)
    before = files(tmp_path)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"), atomic(target) as temporary:
        put(temporary, "new folder")
    assert files(tmp_path) == before


def test_write_json_rounds_and_takes_numpy_scalars(tmp_path: Path) -> None:
    content = {
        "map@7": np.float32(0.5),
        3: [np.int64(7), 1 / 3],
        "flag": np.True_,
        "é": (None, "ñ"),
    }
    write_json(tmp_path / "m.json", content)
    assert (tmp_path / "m.json").read_text(encoding="utf-8") == (
        '{\n  "map@7": 0.5,\n  "3": [\n    7,\n    0.333333\n  ],\n  "flag": true,\n'
        '  "é": [\n    null,\n    "ñ"\n  ]\n}\n'
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, np.float64("nan")])
def test_write_json_refuses_what_json_has_not(tmp_path: Path, value: float) -> None:
    (tmp_path / "m.json").write_text("old")
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(tmp_path / "m.json", {"a": [value]})
    assert files(tmp_path) == ["m.json"]
    assert (tmp_path / "m.json").read_text() == "old"


def test_write_parquet_keeps_rows_and_bytes(tmp_path: Path) -> None:
    table = pa.table({"customer": [3, 1, 2], "name": ["c", None, "b"]})
    write_parquet(tmp_path / "a.parquet", table)
    write_parquet(tmp_path / "b.parquet", table)
    assert pq.read_table(tmp_path / "a.parquet").equals(table)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_arrays_are_those_of_savez_in_the_same_bytes_everywhere(tmp_path: Path) -> None:
    arrays = {"factors": np.arange(6, dtype=np.float32).reshape(2, 3), "settings": '{"x": 1}'}
    write_arrays(tmp_path / "model.npz", **arrays)
    with np.load(tmp_path / "model.npz", allow_pickle=False) as found:
        assert sorted(found) == ["factors", "settings"]
        np.testing.assert_array_equal(found["factors"], arrays["factors"])
        assert str(found["settings"]) == '{"x": 1}'
    with zipfile.ZipFile(tmp_path / "model.npz") as archive:
        stored = [(one.filename, one.date_time, one.extra) for one in archive.infolist()]
    never = (1980, 1, 1, 0, 0, 0)
    assert stored == [("factors.npy", never, b""), ("settings.npy", never, b"")]
    # The same from Python 3.11.2 and 3.11.7, which write sizes of 64 bits differently.
    digest = md5((tmp_path / "model.npz").read_bytes()).hexdigest()  # noqa: S324
    assert digest == "6597e06c39af38c7468fbc6e8ad636a8"

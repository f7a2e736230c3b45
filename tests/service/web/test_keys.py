import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from src.errors import InputError
from src.service.web.keys import Keys, create, digest_of, main, read_keys, revoke


def test_only_the_hash_is_stored_and_only_the_owner_may_read(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    presented = create(path, "page", ["read", "feedback"])
    content = json.loads(path.read_text())
    assert presented not in path.read_text()
    assert content[0]["sha256"] == digest_of(presented)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(presented) == 3 + 43  # nb_ and 32 random bytes


def test_scopes(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    reader = Keys(path).find(create(path, "reader", ["read"]))
    admin = Keys(path).find(create(path, "admin", ["admin"]))
    assert reader is not None
    assert admin is not None
    assert [reader.allows(scope) for scope in ("read", "feedback", "admin")] == [True, False, False]
    assert [admin.allows(scope) for scope in ("read", "feedback", "admin")] == [True, True, True]


def test_keys_made_and_revoked_later_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = Keys(path)
    assert len(keys) == 0
    presented = create(path, "page", ["read"])
    keys.look_again()
    assert keys.find(presented) is not None
    assert keys.find(presented + "x") is None
    revoke(path, "page")
    keys.look_again()
    assert keys.find(presented) is None
    again = create(path, "page", ["read"])
    keys.look_again()
    assert keys.find(again) is not None
    assert keys.find(presented) is None


def test_a_damaged_file_keeps_the_keys_that_were_known(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    presented = create(path, "page", ["read"])
    keys = Keys(path)
    assert keys.find(presented) is not None
    path.write_text("[{")
    with pytest.raises(InputError, match=r"keys.json is not a file of keys"):
        keys.look_again()
    assert keys.find(presented) is not None


def test_names(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    create(path, "page", ["read"])
    with pytest.raises(InputError, match="there is a key 'page'"):
        create(path, "page", ["read"])
    with pytest.raises(InputError, match="there is no valid key 'other'"):
        revoke(path, "other")


def test_command(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["keys", *arguments])
        main()
        return capsys.readouterr().out

    presented = run("create", "page", "--scopes", "read", "feedback").strip()
    (key,) = read_keys(workspace / "data/service/keys.json")
    assert key.sha256 == digest_of(presented)
    assert key.scopes == ["read", "feedback"]
    assert run("list").startswith("page: read, feedback, created ")
    assert run("revoke", "page") == ""
    assert ", revoked 2" in run("list")


def test_names_are_short_and_plain(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    create(path, "Branch_12-a" + 53 * "b", ["read"])
    for name in ("", "a b", "a\nb", "ключ", "65" + 63 * "b", "a/b"):
        with pytest.raises(InputError, match="is no name of a key: it has 1 to 64 letters"):
            create(path, name, ["read"])
    assert len(read_keys(path)) == 1


def test_keys_made_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    code = "import sys; from pathlib import Path; from src.service.web.keys import create\n"
    code += "for number in range(5): create(Path(sys.argv[1]), f'{sys.argv[2]}-{number}', ['read'])"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(path), str(one)], env=environment)
        for one in range(8)
    ]
    assert [process.wait(60) for process in processes] == [0] * 8
    made = {key.name for key in read_keys(path)}
    assert made == {f"{one}-{number}" for one in range(8) for number in range(5)}
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_a_folder_that_is_made_is_closed_to_others(tmp_path: Path) -> None:
    create(tmp_path / "service" / "keys.json", "page", ["read"])
    assert stat.S_IMODE((tmp_path / "service").stat().st_mode) == 0o700

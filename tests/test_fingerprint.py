import re
from pathlib import Path

from src.fingerprint import fingerprint


def test_settings_and_bytes_make_the_fingerprint(workspace: Path) -> None:
    (workspace / "a").write_text("1")
    (workspace / "b").write_text("2")

    def named(seed: int = 1, files: tuple[str, ...] = ("a", "b")) -> str:
        return fingerprint({"seed": seed, "space": {"x": 1}}, files)

    first = named()
    assert re.fullmatch("[0-9a-f]{12}", first)
    assert named(files=("b", "a")) == first
    others = {named(seed=2), named(files=("a",))}
    (workspace / "b").write_text("3")
    others.add(named())
    (workspace / "a").write_text("3")
    (workspace / "b").write_text("1")
    others.add(named())
    assert len(others | {first}) == 5

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from src.backtest.side_by_side import side_by_side
from src.errors import InputError, ResourceError

ROOT = Path(__file__).parent.parent.parent


def touch(name: str) -> None:
    Path(name).touch()


def refuse_a(name: str) -> None:
    if name == "a":
        raise InputError("a is refused")
    time.sleep(0.2)  # together ten seconds, in which the failure is seen on any machine
    Path(name).touch()


def die(_: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def write_own_number(name: str) -> None:
    Path(f"{name}.tmp").write_text(str(os.getpid()))
    Path(f"{name}.tmp").replace(name)
    time.sleep(600)


TASKS = [("a",), ("b",), ("c",)]


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_every_task_is_done_once(workers: int) -> None:
    assert sorted(side_by_side(touch, TASKS, workers)) == TASKS
    assert sorted(file.name for file in Path().iterdir()) == ["a", "b", "c"]


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_is_told_and_no_further_task_is_begun(workers: int) -> None:
    many = [("a",), *((f"b{number}",) for number in range(50))]
    with pytest.raises(InputError, match=r"^a is refused$"):
        list(side_by_side(refuse_a, many, workers))
    assert len(list(Path().iterdir())) < 50


def test_a_killed_process_ends_in_a_sentence() -> None:
    with pytest.raises(ResourceError, match=r"was killed, most likely .* lower predict\.workers"):
        list(side_by_side(die, TASKS, 2))


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 1)])
def test_processes_end_with_their_parent(workspace: Path, how: signal.Signals, code: int) -> None:
    script = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from src.backtest.side_by_side import side_by_side\n"
        "from tests.backtest.test_side_by_side import write_own_number\n"
        "if __name__ == '__main__':\n"
        "    list(side_by_side(write_own_number, [('a',), ('b',)], 2))\n"
    )
    (workspace / "parent.py").write_text(script)
    parent = subprocess.Popen(
        [sys.executable, "parent.py"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(lambda: Path("a").exists() and Path("b").exists())
        parent.send_signal(how)
        parent.communicate(timeout=120)
    finally:
        parent.kill()
    assert parent.returncode in {code, -how}
    children = [int(Path(name).read_text()) for name in ("a", "b")]
    wait_for(lambda: not any(map(runs, children)))


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def runs(process: int) -> bool:
    """Whether it is there and no zombie, which nobody in a container may have collected."""
    try:
        state = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] != "Z"

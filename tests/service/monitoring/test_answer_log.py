import json
import resource
import stat
import time
from pathlib import Path

from src.service.monitoring.answer_log import AnswerLog


def lines(path: Path) -> list[int]:
    return [json.loads(line)["n"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_lines_are_kept_in_order_and_added_to_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "state" / "rec_history.log"
    for part in ([1, 2, 3], [4]):
        log = AnswerLog(path, bytes_per_file=1000, files=2)
        for number in part:
            log.write({"n": number})
        log.close()
    assert lines(path) == [1, 2, 3, 4]
    assert log.dropped == 0


def test_files_are_rotated_and_the_oldest_removed(tmp_path: Path) -> None:
    path = tmp_path / "rec_history.log"
    for number in range(1, 5):
        log = AnswerLog(path, bytes_per_file=1, files=3)  # every file is full at once
        log.write({"n": number})
        log.close()
    kept = {file.name: lines(file) for file in tmp_path.iterdir()}
    assert kept == {"rec_history.log.1": [4], "rec_history.log.2": [3]}


def test_what_cannot_be_written_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "rec_history.log"
    path.mkdir()
    log = AnswerLog(path, bytes_per_file=1000, files=2)
    log.write({"n": 1})
    log.write({"n": 2})
    log.close()
    assert log.dropped == 2


def test_a_torn_line_stays_alone(tmp_path: Path) -> None:
    path = tmp_path / "rec_history.log"
    path.write_bytes(b'{"n":1}\n{"n":')  # by a kill
    log = AnswerLog(path, bytes_per_file=100_000, files=2)
    log.write({"n": 2})
    log.close()
    assert path.read_bytes() == b'{"n":1}\n{"n":\n{"n":2}\n'


def test_after_a_full_disk_the_next_line_is_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "rec_history.log"
    log = AnswerLog(path, bytes_per_file=100_000, files=2)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, before[1]))  # as on a disk with 5 bytes left
    try:
        log.write({"n": 1})
        deadline = time.monotonic() + 10
        while not log.dropped and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.write({"n": 2})
    log.close()
    assert log.dropped == 1
    assert path.read_bytes() == b'{"n":\n{"n":2}\n'


def test_others_may_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "service"
    folder.mkdir(mode=0o755)
    path = folder / "rec_history.log"
    path.write_text("")
    path.with_name("rec_history.log.1").write_text("")
    for file in folder.iterdir():
        file.chmod(0o644)
    log = AnswerLog(path, bytes_per_file=1, files=3)
    log.write({"n": 1})
    log.close()
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert modes == {"rec_history.log.1": 0o600, "rec_history.log.2": 0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700

import json
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

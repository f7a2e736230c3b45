from pathlib import Path

import pytest

from src.errors import InputError
from src.feedback.exposure import draw
from src.feedback.history import Answer, accepted, read_answers, read_feedback
from tests.feedback.logs import line, said, write

ANSWERS = [f"0123abcd-{number}" for number in range(1, 21)]


def test_answers_are_read_with_the_chance_of_every_product(tmp_path: Path) -> None:
    path = write(tmp_path / "a.log", [line("0123abcd-4", 5, arm="control", experiment="offers")])
    (answer,) = read_answers([path]).known
    order = draw("0123abcd-4", 0.5, 3)
    assert order is not None
    assert answer == Answer(
        answer="0123abcd-4",
        at=1_790_000_000.0,
        customer=5,
        products=[["card", "fund", "loan"][rank] for rank in order],
        ranked=["card", "fund", "loan"],
        barred=frozenset({"junior"}),
        share=0.5,
        experiment="offers",
        arm="control",
    )
    chances = [answer.chance(product) for product in ("card", "fund", "loan", "account")]
    assert chances == pytest.approx([0.5 + 0.5 / 3, 0.5 / 3, 0.5 / 3, 0])


def test_what_says_nothing_is_counted_and_left_out(tmp_path: Path) -> None:
    first = write(
        tmp_path / "a.log",
        [
            line("0123abcd-1", 1),
            line("0123abcd-2", 2, exposure=None),  # not known
            line("0123abcd-3", 3, products=[]),  # nothing to offer
            {"at": 1.0, "answer": "0123abcd-4", "payments": 0, "products": ["5"]},
        ],
    )
    before = line("0123abcd-5", 5)
    del before["exposure"]
    second = write(tmp_path / "b.log", [before])
    with second.open("a") as file:
        file.write('{"at": 17\n\n')
    found = read_answers([first, second])
    assert [answer.customer for answer in found.known] == [1]
    assert (found.without_chances, found.torn) == (2, 2)


def test_a_log_without_probabilities_is_refused(tmp_path: Path) -> None:
    rows = [line(answer, 1) for answer in ANSWERS]
    for row in rows:
        del row["exposure"]
    path = write(tmp_path / "a.log", rows)
    with pytest.raises(InputError, match=r"a\.log: none of 20 answers says with which probability"):
        read_answers([path])
    with pytest.raises(InputError, match=r"gone\.log is missing"):
        read_answers([tmp_path / "gone.log"])
    with pytest.raises(InputError, match=r"empty\.log: there is no answer in it; set exposure"):
        read_answers([write(tmp_path / "empty.log", [])])


def test_an_order_that_does_not_follow_from_the_id_is_refused(tmp_path: Path) -> None:
    rows = [line(answer, 1) for answer in ANSWERS]
    rows[3]["products"] = rows[3]["products"][::-1]
    rows[7]["exposure"]["first_chance"] = 0.9
    path = write(tmp_path / "a.log", rows)
    with pytest.raises(InputError, match=r"order of 2 of 20 answers \(for example 0123abcd-4\)"):
        read_answers([path])


def test_the_last_word_counts(tmp_path: Path) -> None:
    rows = [
        said("a-1", "card", "accepted", 4),
        said("a-1", "card", "shown", 5),
        said("a-2", "card", "accepted", 2),
        said("a-2", "card", "withdrawn", 3),
        said("a-2", "fund", "accepted", 1),
        said(None, "loan", "accepted", 6),
    ]
    feedback = read_feedback(write(tmp_path / "feedback.jsonl", [*rows, rows[0]]))
    assert [row["id"] for row in feedback] == [1, 2, 3, 4, 5, 6]  # a page exported twice
    assert accepted(feedback) == {("a-1", "card"), ("a-2", "fund")}


def test_feedback_that_is_none(tmp_path: Path) -> None:
    path = write(tmp_path / "feedback.jsonl", [said("a-1", "card", "accepted"), {"id": 2}])
    with pytest.raises(
        InputError, match=r"feedback\.jsonl: line 2 is no feedback as .*\{\"id\": 2"
    ):
        read_feedback(path)
    with pytest.raises(
        InputError, match=r"gone\.jsonl is missing: write it by GET /feedback/export"
    ):
        read_feedback(tmp_path / "gone.jsonl")

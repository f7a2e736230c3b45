import datetime
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from src.errors import InputError
from src.feedback.history import last_words, read_answers, read_feedback
from src.simulation.feedback import FeedbackSimulation, offer, true_chances
from src.simulation.reactions import Reactions

PRODUCTS = ["account", "card", "fund", "loan"]
SETTINGS = FeedbackSimulation(
    persuasion=1,
    taste=0,
    fatigue=0.5,
    dismissing=0.5,
    customers=0.5,
    rounds=3,
    share=0.5,
    first=2,
    seed=7,
)
SNAPSHOT = datetime.date(2016, 5, 28)
IDS = np.arange(1000, 1200)


def simulate() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """200 customers who hold an account; cards are ranked first, then funds, then loans."""
    chances = np.tile(np.array([0, 0.2, 0.3, 0.1], dtype=np.float32), (200, 1))
    random = np.random.default_rng(7)
    reactions = Reactions.of(chances, [], SETTINGS, random)
    scores = np.tile(np.array([0.9, 0.5, 0.3, 0.1], dtype=np.float32), (200, 1))
    return offer(IDS, scores, chances == 0, reactions, PRODUCTS, SETTINGS, SNAPSHOT, random)


def test_log_and_feedback_are_read_as_those_of_the_service(tmp_path: Path) -> None:
    log, said = simulate()
    for name, rows in (("a.log", log), ("feedback.jsonl", said)):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    answers = read_answers([tmp_path / "a.log"])
    assert len(answers.known) == len(log)
    assert (answers.without_chances, answers.torn) == (0, 0)
    words = last_words(read_feedback(tmp_path / "feedback.jsonl"))
    firsts = {(answer.answer, answer.products[0]) for answer in answers.known}
    assert words.keys() <= firsts
    assert Counter(words.values()).keys() == {"accepted", "dismissed"}


def test_half_of_the_customers_are_offered_something_each_week() -> None:
    log, _ = simulate()
    weeks = Counter(datetime.datetime.fromtimestamp(row["at"], datetime.UTC).date() for row in log)
    assert weeks == {datetime.date(2016, 5, day): 100 for day in (7, 14, 21)}
    assert len({row["customer"] for row in log}) == 100
    assert {row["customer"] for row in log} <= set(IDS.tolist())


def test_what_was_said_bars_the_product_and_held_ones_are_not_offered() -> None:
    log, said = simulate()
    barred: dict[int, set[str]] = {}
    words = {row["answer"]: row for row in said}
    for row in log:
        mine = barred.setdefault(row["customer"], set())
        assert set(row["exposure"]["barred"]) == mine
        assert not mine & set(row["exposure"]["ranked"])
        assert "account" not in row["products"]
        if row["answer"] in words:
            mine.add(words[row["answer"]]["product"])
    assert any(barred.values())


def test_the_same_seed_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert simulate() == simulate()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is missing: only customers of the sim"):
        true_chances(IDS, PRODUCTS)

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from src.errors import InputError
from src.feedback import __main__ as command
from tests.feedback.logs import line, said, write

SAID = {"card": 0.1, "fund": 0.3, "loan": 0.2}  # probability of accepting what is first


def simulate(folder: Path, answers: int, share: float, odd: str = "fund") -> list[str]:
    """Log, feedback and another ranking: fund first for all, but `odd` for every tenth."""
    generator = np.random.default_rng(4)
    lines, told = [], []
    for number in range(answers):
        one = line(f"feedbac4-{number}", customer=number // 2, share=share)
        lines.append(one)
        first = one["products"][0]
        if generator.random() < SAID[first]:
            told.append(said(one["answer"], first, "accepted", number))
    ranking = [
        {"customer": customer, "rank": rank, "product": product}
        for customer in range(answers // 2)
        for rank, product in enumerate(
            ["junior", odd if customer % 10 == 0 else "fund", "card"], start=1
        )
    ]
    pd.DataFrame(ranking).to_parquet(folder / "other.parquet")
    return [
        "--log",
        str(write(folder / "rec.log", lines)),
        "--feedback",
        str(write(folder / "feedback.jsonl", told)),
        "--ranking",
        str(folder / "other.parquet"),
    ]


def run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["src.feedback", *arguments])
    command.main()


def test_a_better_ranking_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(simulate(tmp_path, 4_000, 0.5), monkeypatch)
    _, own, other = capsys.readouterr().out.split("\n\nAs ")
    values = [float(text.split("|")[2]) for text in other.splitlines() if "| DR |" in text]
    assert values == [pytest.approx(300, abs=40)]
    assert "**It is better** than as ranked: the interval" in other
    assert "without a chance 0.0%" in other
    assert "| IPS | 1" in own
    assert "**It is worse** than what was shown: the interval" in own


def test_what_had_no_chance_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(simulate(tmp_path, 2_000, 0.5, odd="account"), monkeypatch)
    other = capsys.readouterr().out.split("\n\nAs ")[2]
    assert "without a chance 10.0%" in other
    assert "**Do not believe it.** In 10.0% of the answers" in other


def test_customers_whom_the_ranking_does_not_know_had_no_chance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = simulate(tmp_path, 2_000, 0.5)
    lists = pd.read_parquet(arguments[-1])
    lists[lists["customer"] % 4 > 0].to_parquet(arguments[-1])
    run(arguments, monkeypatch)
    assert "without a chance 25.0%" in capsys.readouterr().out.split("\n\nAs ")[2]


def test_nothing_left_to_chance_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="nothing was left to chance in any of 100 answers"):
        run(simulate(tmp_path, 100, 0), monkeypatch)


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        (None, "other.parquet is missing"),
        ({"customer": [1], "product": ["card"]}, "other.parquet has no column rank: it needs"),
    ],
)
def test_a_ranking_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: dict[str, Any] | None, fault: str
) -> None:
    arguments = simulate(tmp_path, 10, 0.5)
    Path(arguments[-1]).unlink()
    if table:
        pd.DataFrame(table).to_parquet(arguments[-1])
    with pytest.raises(InputError, match=fault):
        run(arguments, monkeypatch)

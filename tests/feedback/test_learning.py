import datetime
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from src.errors import InputError
from src.feedback.examples import Examples, asked_month, join
from src.feedback.history import Answer
from src.feedback.learn import Learn, judge
from src.feedback.report import markdown
from src.models.customers import Customers
from src.products.dataset import Dataset
from src.reporting import write_parquet
from tests.products.conftest import OpenBank


@pytest.fixture
def dataset(open_bank: OpenBank, bank: pd.DataFrame) -> Dataset:
    return open_bank(bank)


def answer(identity: str, customer: int, day: str, first: str = "card") -> Answer:
    at = datetime.datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp()
    others = [product for product in ("loan", "card") if product != first]
    return Answer(
        identity, at, customer, [first, *others], ["loan", "card"], frozenset(), 0.4, None, None
    )


@pytest.mark.parametrize(
    ("day", "month"),
    [
        ("2016-05-10", "2016-05"),
        ("2016-05-28", "2016-05"),  # the snapshot of that day is not known yet
        ("2016-04-29", "2016-05"),
        ("2016-05-29", "2016-06"),
        ("2016-08-01", "2016-06"),  # all that is known is that of May
    ],
)
def test_customers_are_asked_about_the_next_snapshot(
    dataset: Dataset, day: str, month: str
) -> None:
    assert asked_month(answer("a", 10, day), dataset) == np.datetime64(month, "M")


def test_what_was_said_is_joined_to_the_customers_as_they_were(dataset: Dataset) -> None:
    answers = [
        answer("a-1", 20, "2016-05-10"),
        answer("a-2", 10, "2016-04-10", "loan"),
        answer("a-3", 10, "2016-05-10"),
        answer("a-4", 30, "2016-05-10"),  # nothing was said
        answer("a-5", 99, "2016-05-10"),  # not of the bank
        answer("a-6", 50, "2016-05-10"),  # not known yet
    ]
    words = {
        ("a-1", "card"): "accepted",
        ("a-2", "loan"): "dismissed",
        ("a-3", "card"): "withdrawn",
        ("a-4", "loan"): "accepted",  # not the first offer
        ("a-5", "card"): "accepted",
        ("a-6", "card"): "accepted",
    }
    table = join([*answers, answers[0]], words, dataset)  # one was logged twice
    ours = ["answer", "at", "customer", "month", "offer", "chance", "ranked", "said"]
    ranked, noon = ["loan", "card"], "T12:00:00+00:00"
    assert [{**row, "at": row["at"].isoformat()} for row in table.select(ours).to_pylist()] == [
        dict(zip(ours, row, strict=True))
        for row in [
            ("a-2", f"2016-04-10{noon}", 10, "2016-04", "loan", 0.8, ranked, "dismissed"),
            ("a-3", f"2016-05-10{noon}", 10, "2016-05", "card", 0.2, ranked, "withdrawn"),
            ("a-1", f"2016-05-10{noon}", 20, "2016-05", "card", 0.2, ranked, "accepted"),
            ("a-4", f"2016-05-10{noon}", 30, "2016-05", "card", 0.2, ranked, None),
        ]
    ]
    first = table.drop_columns(ours).to_pylist()[0]
    # In March, the third month, 10 held the account in all, the card in the last two.
    assert first["held"] == {"account": 0b11, "card": 0b11, "loan": 0}
    assert (first["present"], first["profile"]["age"]) == (0b11, 13.0)
    told = Examples.of(table, dataset.products)
    history = told.customers.history
    assert history.customers.tolist() == [10, 20]
    assert history.asked.astype(str).tolist() == ["2016-04", "2016-05"]
    # In March 10 held account and card, in April 20 an account alone.
    assert history.holdings().tolist() == [[True, True, False], [True, False, False]]
    assert told.wanted.tolist() == [[False, True, False], [False, True, False]]
    assert told.accepted.tolist() == [False, True]
    assert told.chances == pytest.approx([0.8, 0.2])  # the first of two, and the second
    with pytest.raises(
        InputError, match=r"^of 1 answers, no first offer was accepted or dismissed"
    ):
        Examples.of(join(answers[3:], words, dataset), dataset.products)
    with pytest.raises(InputError, match=r"^none of 2 answers is to a customer of the data"):
        join(answers[4:], words, dataset)
    other = replace(answers[0], customer="c10")
    with pytest.raises(InputError, match=r"^the log is of another bank: .*'c10'"):
        join([other], words, dataset)


def test_what_is_written_comes_back_as_it_was(dataset: Dataset, tmp_path: Path) -> None:
    days = ["2016-04-10", "2016-05-10"]
    answers = [answer(f"a-{day}-{one}", one, day) for day in days for one in (10, 20, 30)]
    words = {(one.answer, "card"): "accepted" for one in answers}
    write_parquet(tmp_path / "answers.parquet", join(answers, words, dataset))
    table = pq.read_table(tmp_path / "answers.parquet")
    back = Examples.of(table, dataset.products).customers
    parts = []
    for day in days:
        chosen = np.isin(dataset.history.customers, [10, 20, 30])
        parts.append(dataset.customers(np.datetime64(day, "M"), chosen))
    expected = Customers.stack(parts)
    pd.testing.assert_frame_equal(back.profile, expected.profile)
    for name, values in vars(expected.history).items():
        assert getattr(back.history, name).tolist() == values.tolist(), name


def test_what_was_seldom_shown_counts_as_if_it_had_been_often(dataset: Dataset) -> None:
    answers = [
        answer("a-1", 10, "2016-05-10", "loan"),
        answer("a-2", 20, "2016-05-10"),
        answer("a-3", 30, "2016-05-10", "loan"),
    ]
    words = {("a-1", "loan"): "accepted", ("a-2", "card"): "accepted", ("a-3", "loan"): "dismissed"}
    told = Examples.of(join(answers, words, dataset), dataset.products)
    weights = told.weights(accepted=2, dismissed=0.1)
    # 1 ÷ 0.8 and 1 ÷ 0.2 have the mean 3.125
    assert weights == pytest.approx([2 * 1.25 / 3.125, 2 * 5 / 3.125, 0.1])


def test_rankings_are_judged_by_hand() -> None:
    accepting = np.array([[0.1, 0.2], [0.3, 0.4], [0.5, 0.0], [0.0, 0.0]])
    additions = np.array([[True, False], [False, True], [False, False], [False, False]])
    first = np.array([[0, 1], [0, 1], [0, -1], [-1, -1]], dtype=np.int16)
    other = np.array([[1, 0], [1, 0], [0, -1], [-1, -1]], dtype=np.int16)
    settings = Learn(accepted=1, dismissed=1, resamples=200, seed=1)
    found = judge({"first": first, "other": other}, accepting, additions, settings)
    assert found["first"] == {
        "accepted": pytest.approx(1000 * (0.1 + 0.3 + 0.5) / 4),
        "map@7_adders": pytest.approx((1 + 1 / 2) / 2),
    }
    assert found["other"]["accepted"] == pytest.approx(1000 * (0.2 + 0.4 + 0.5) / 4)
    assert found["other"]["accepted_change"] == pytest.approx(1000 * 0.2 / 4)
    assert found["other"]["map@7_adders_change"] == pytest.approx(0)
    assert 0 <= found["other"]["accepted_change_lo"] < found["other"]["accepted_change_hi"] <= 100


def test_the_table_says_whether_it_helps() -> None:
    def row(change: float) -> dict[str, float]:
        ends = {"": change, "_lo": change - 1, "_hi": change + 1}
        metrics = ("accepted", "map@7_adders")
        changes = {f"{one}_change{end}": value for one in metrics for end, value in ends.items()}
        return {"accepted": 50 + change, "map@7_adders": 0.8, **changes}

    metrics = {
        "month": "2016-05-28",
        "answers": 3000,
        "accepted": 100,
        "dismissed": 600,
        "customers": 1000,
        "adders": 30,
        "rankings": {
            "without feedback": {"accepted": 50, "map@7_adders": 0.8},
            "accepted": row(2),
            "accepted and dismissed": row(-2),
            "shown": row(0.5),
            "best": row(10),
        },
    }
    lines = markdown(json.loads(json.dumps(metrics))).splitlines()
    assert lines[5] == "| accepted | 52.0 | +2.0 | +1.0 … +3.0 | 0.800 | +2.000 | +1.000 … +3.000 |"
    assert lines[-3:] == [
        "**Accepted: more first offers are accepted** than without feedback.",
        "**Accepted and dismissed: fewer first offers are accepted** than without feedback.",
        "**Shown: no detectable difference** in what is accepted.",
    ]

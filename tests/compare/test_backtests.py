import datetime
import io
from hashlib import md5
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from src.backtest import paths
from src.compare import revisions
from src.compare.backtests import differing, months_section
from src.compare.differences import AdderScores, compare_months
from src.errors import InputError

APRIL, MAY, JUNE = (datetime.date(2016, month, 28) for month in (4, 5, 6))
MINUS = "\N{MINUS SIGN}"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def scores(revision: str, months: dict[datetime.date, list[int]], **models: Any) -> AdderScores:
    """AdderScores of some customers by month, whose scores are given one by one."""
    places = [(month, customer) for month, customers in months.items() for customer in customers]
    index = pd.MultiIndex.from_tuples(places, names=["month", "customer"])
    table = pd.DataFrame(models, index=index, dtype=float)
    return AdderScores(revision, {}, table, pd.DataFrame(index=index))


def test_every_month_counts_the_same() -> None:
    months = {APRIL: [1, 2], MAY: [1, 3, 4, 5]}
    before = scores("a", months, als=[0.5] * 6, blend=[0.0, 1.0, 0.0, 0.0, 0.0, 1.0])
    after = scores("b", months, als=[0.5] * 6, blend=[1.0, 1.0, 0.0, 0.0, 1.0, 0.0])
    found = compare_months(before, after)
    blend, als = found.models
    assert (blend.title, blend.adders, blend.better, blend.worse) == ("blend", 6, 2, 1)
    assert blend.before == (1 / 2 + 1 / 4) / 2
    assert blend.after == (2 / 2 + 1 / 4) / 2
    assert (als.title, als.verdict) == ("als", "identical")
    assert found.after.test == {"months": ["2016-04-28", "2016-05-28"]}


def test_pairs_are_of_the_same_customer_and_month() -> None:
    before = scores("a", {APRIL: [1, 2], MAY: [1, 2]}, blend=[0.25, 0.5, 0.75, 1.0], old=[0] * 4)
    after = scores("b", {MAY: [2, 7], JUNE: [1, 2]}, blend=[1.0, 0.0, 0.0, 0.0], new=[0] * 4)
    found = compare_months(before, after)
    (blend,) = found.models
    assert (blend.adders, blend.before, blend.after) == (1, 1.0, 1.0)
    assert found.after.test == {"months": ["2016-05-28"]}


def test_months_are_what_varies() -> None:
    """Better by 0.2 in half of the months, worse by 0.1 in the others, hundreds of adders each."""
    months = {datetime.date(2015, month, 28): list(range(200)) for month in range(1, 9)}
    before = scores("a", months, blend=[0.5] * 1600)
    after = scores("b", months, blend=([0.7] * 200 + [0.4] * 200) * 4)
    (blend,) = compare_months(before, after).models
    assert blend.change == pytest.approx(0.05)
    assert blend.verdict == "no difference"
    assert blend.low < -0.04
    assert blend.high > 0.14


def test_nothing_in_common() -> None:
    before = scores("a", {APRIL: [1]}, blend=[0.5])
    with pytest.raises(InputError, match=r"^the backtests of 'a' and 'b' have no adder of a test"):
        compare_months(before, scores("b", {MAY: [1]}, blend=[0.5]))
    with pytest.raises(InputError, match=r"^the backtests of 'a' and 'b' have no model in common$"):
        compare_months(before, scores("b", {APRIL: [1]}, als=[0.5]))


CODE = "x = 1\n"
SECTION = {"factors": 24}


class Revisions:
    """What `revisions` finds, by revision and path."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}

    def add(self, revision: str, score: float, **changes: Any) -> None:
        """A revision whose backtest of twelve adders in April and May gives each this score."""
        deps = {"data/products/clean.parquet": "abc", "src/model.py": digest(CODE)}
        stage = {
            "deps": [{"path": path, "md5": hashed} for path, hashed in deps.items()],
            "params": {"params.yaml": {"train_als": SECTION}, "pipelines/own.yaml": {"a": 1}},
        }
        table = pa.table(
            {
                "month": pa.array([APRIL] * 12 + [MAY] * 12, pa.date32()),
                "customer": [*range(12), *range(12)],
                "als": [0.5] * 24,
                "blend": [score] * 24,
            }
        )
        content = io.BytesIO()
        pq.write_table(table, content)
        outs = [{"path": "data/products/clean.parquet", "md5": changes.get("data", "abc")}]
        texts = {
            "pipelines/backtest/dvc.lock": {"stages": {"predict": stage}},
            "dvc.lock": {"stages": {"clean": {"outs": outs}, "notes": {}}},
            "params.yaml": {"train_als": changes.get("section", SECTION)},
        }
        self.files[revision] = {
            paths.ADDERS: content.getvalue(),
            "src/model.py": changes.get("code", CODE).encode(),
            **{path: yaml.safe_dump(text).encode() for path, text in texts.items()},
        }

    def read(self, revision: str, *names: str) -> list[bytes]:
        return [self.files[revision][name] for name in names]

    def in_git(self, revision: str, *names: str) -> dict[str, bytes]:
        files = self.files[revision]
        return {name: files[name] for name in names if name in files}


def digest(text: str) -> str:
    return md5(text.encode()).hexdigest()  # noqa: S324


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Revisions:
    known = Revisions()
    monkeypatch.setattr(revisions, "read", known.read)
    monkeypatch.setattr(revisions, "in_git", known.in_git)
    known.add("main", 0.5)
    return known


SECTION_BY_HAND = """\
### Over 2 test months

**`faster` is better.** blend +0.2500, 95 % interval +0.2500 … +0.2500; \
24 adders are served better, 0 worse.

| | adders | 0123456 | faster | difference | 95 % interval | better, worse | |
| --- | --: | --: | --: | --: | :-: | :-: | --- |
| **blend** | 24 | 0.5000 | 0.7500 | +0.2500 | +0.2500 … +0.2500 | 24, 0 | higher |
| als | 24 | 0.5000 | 0.5000 | 0 |  |  | identical |

*The mean of MAP@7 among the adders of each month, 2016-04-28 … 2016-05-28, all learnt from what \
lies before it; paired by month and customer. Months, and customers within them, were resampled \
2,000 times.*

*Of 2 months only: this says little about others.*"""


def test_the_section_by_hand(found: Revisions) -> None:
    found.add(COMMIT, 0.5)
    found.add("faster", 0.75)
    assert months_section(COMMIT, "faster") == SECTION_BY_HAND
    titled = months_section(COMMIT, "faster", ("main", "this branch"))
    assert titled == SECTION_BY_HAND.replace("0123456", "main").replace("faster", "this branch")
    assert f"{MINUS}0.2500" in months_section("faster", COMMIT)


def test_identical_backtests_need_no_table(found: Revisions) -> None:
    found.add("same", 0.5)
    assert months_section("main", "same") == (
        "### Over 2 test months\n\n"
        "**No difference: identical.** blend scores each of the 24 adders the same.\n\n"
        "So do all other models.\n\n*Of 2 months only: this says little about others.*"
    )


def test_no_section_without_two_backtests(found: Revisions) -> None:
    found.files["older"] = {}
    assert months_section("main", "older") == ""
    assert months_section("older", "main") == ""


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({}, []),
        ({"code": "x = 2\n"}, ["src/model.py"]),
        ({"data": "def"}, ["data/products/clean.parquet"]),
        ({"section": {"factors": 16}}, ["train_als in params.yaml"]),
        (
            {"code": "", "section": {"factors": 16}},
            ["src/model.py", "train_als in params.yaml"],
        ),
    ],
)
def test_a_backtest_may_not_be_its_revisions_own(
    found: Revisions, changes: dict[str, Any], changed: list[str]
) -> None:
    found.add("wider", 0.5, **changes)
    assert differing("wider") == changed


def test_code_that_is_gone_has_changed(found: Revisions) -> None:
    del found.files["main"]["src/model.py"]
    assert differing("main") == ["src/model.py"]


def test_an_older_backtest_gives_no_verdict(found: Revisions) -> None:
    found.add(COMMIT, 0.5, section={"factors": 16}, data="def")
    assert months_section("main", COMMIT, ("main", "this branch")) == (
        "**No verdict over several months**: the backtest of 'this branch' is an older one: "
        "data/products/clean.parquet has changed since, and 1 more. Run 'dvc repro "
        "pipelines/backtest/dvc.yaml' there and commit its lock."
    )

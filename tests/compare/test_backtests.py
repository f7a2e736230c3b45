from hashlib import md5
from typing import Any

import pandas as pd
import pytest
import yaml

from src.backtest import paths
from src.compare import revisions
from src.compare.backtests import differing, months_section

MINUS = "\N{MINUS SIGN}"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


CODE = "x = 1\n"
SECTION = {"factors": 24}


class Revisions:
    """What `revisions` finds, by revision and path."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}

    def add(self, revision: str, score: float, **changes: Any) -> None:
        """A revision whose backtest of April and May gives the blend this score; two resamples."""
        deps = {"data/products/clean.parquet": "abc", "src/model.py": digest(CODE)}
        stage = {
            "deps": [{"path": path, "md5": hashed} for path, hashed in deps.items()],
            "params": {"params.yaml": {"train_als": SECTION}, "pipelines/own.yaml": {"a": 1}},
        }
        marks = changes.get("adders", [0.5, 0.25, 0.75])
        models = {"als": [0.5] * 3, "blend": [score, score - 0.125, score]}
        outs = [{"path": "data/products/clean.parquet", "md5": changes.get("data", "abc")}]
        texts = {
            "pipelines/backtest/dvc.lock": {"stages": {"predict": stage}},
            "dvc.lock": {"stages": {"clean": {"outs": outs}, "notes": {}}},
            "params.yaml": {"train_als": changes.get("section", SECTION)},
        }
        self.files[revision] = {
            paths.RESAMPLES: csv({"adders": marks, **models}),
            paths.METRICS: b'{"by_month": {"2016-04-28": {}, "2016-05-28": {}}}',
            "src/model.py": changes.get("code", CODE).encode(),
            **{path: yaml.safe_dump(text).encode() for path, text in texts.items()},
        }

    def read(self, revision: str, *names: str) -> list[bytes]:
        return [self.files[revision][name] for name in names]

    def in_git(self, revision: str, *names: str) -> dict[str, bytes]:
        files = self.files[revision]
        return {name: files[name] for name in names if name in files}


def csv(columns: dict[str, list[float]]) -> bytes:
    return pd.DataFrame(columns).to_csv(index=False).encode()


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

**`faster` is better.** blend +0.2500, 95 % interval +0.2500 … +0.2500.

| MAP@7 among adders | 0123456 | faster | difference | 95 % interval | |
| --- | --: | --: | --: | :-: | --- |
| blend | 0.5000 | 0.7500 | +0.2500 | +0.2500 … +0.2500 | higher |
| als | 0.5000 | 0.5000 | 0 |  | identical |

*The mean of MAP@7 among the adders of each month, 2016-04-28 … 2016-05-28, all learnt from what \
lies before it; paired: months, and customers within them, were resampled alike in both.*

*Of 2 months only: this says little about others.*"""


def test_the_section_by_hand(found: Revisions) -> None:
    found.add(COMMIT, 0.5)
    found.add("faster", 0.75)
    assert months_section(COMMIT, "faster") == SECTION_BY_HAND
    titled = months_section(COMMIT, "faster", ("main", "this branch"))
    assert titled == SECTION_BY_HAND.replace("0123456", "main").replace("faster", "this branch")
    assert f"**`faster` is better.** blend {MINUS}0.2500" in months_section("faster", COMMIT)


def test_an_interval_that_contains_0(found: Revisions) -> None:
    found.add("mixed", 0.5)
    models = {"blend": [0.625, 0.25, 0.75], "als": [0.5] * 3}
    found.files["mixed"][paths.RESAMPLES] = csv({"adders": [0.5, 0.25, 0.75], **models})
    # changes of 0.125, -0.125 and 0.25: quantiles 0.025 and 0.975 of the last two
    assert months_section("main", "mixed").split("\n\n")[1] == (
        "**No difference: the interval contains 0.** blend +0.1250, 95 % interval "
        f"{MINUS}0.1156 … +0.2406. That does not prove both equal: the truth may be any value in "
        "the interval."
    )


def test_identical_backtests_need_no_table(found: Revisions) -> None:
    found.add("same", 0.5)
    assert months_section("main", "same") == (
        "### Over 2 test months\n\n"
        "**No difference: identical.** blend scores the same in every resample.\n\n"
        "So do all other models.\n\n*Of 2 months only: this says little about others.*"
    )


def test_other_customers_are_not_paired(found: Revisions) -> None:
    found.add(COMMIT, 0.75, adders=[0.5, 0.25, 0.625])
    assert months_section("main", COMMIT, ("main", "this branch")) == (
        "**No verdict over several months**: 'main' and 'this branch' measured other customers or "
        "other days, or drew other resamples, and cannot be paired."
    )


def test_no_model_in_common(found: Revisions) -> None:
    found.add("new", 0.5)
    found.files["new"][paths.RESAMPLES] = csv({"adders": [0.5, 0.25, 0.75], "tree": [1.0] * 3})
    assert months_section("main", "new") == (
        "**No verdict over several months**: 'main' and 'new' have no model in common."
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
        "pipelines/backtest/dvc.yaml' there and commit what it wrote."
    )

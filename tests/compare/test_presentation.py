import sys
from pathlib import Path

import pandas as pd
import pytest

from src.compare import __main__ as entry
from src.compare import payments
from src.compare.differences import AdderScores, Comparison, compare
from src.compare.presentation import conclusion, draw, markdown, short, signed
from src.drawing import save
from src.errors import InputError
from tests.artists import names, title, written

TEST = {"month": "2016-05-28", "customers": 240, "adders": 12, "additions": 15}
MINUS = "\N{MINUS SIGN}"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def scores(revision: str, **models: float) -> AdderScores:
    """Twelve adders, each with the same score; the first six are new customers."""
    adders = pd.RangeIndex(1, 13, name="customer")
    return AdderScores(
        revision,
        TEST,
        pd.DataFrame({name: [value] * 12 for name, value in models.items()}, index=adders),
        pd.DataFrame({"cold_start": [True] * 6 + [False] * 6}, index=adders),
    )


def mixed(up: int, down: int) -> Comparison:
    """Of 40 adders, some score 1 and some 0 instead of 0.5."""
    before = pd.DataFrame({"blend": [0.5] * 40})
    after = pd.DataFrame({"blend": [1.0] * up + [0.0] * down + [0.5] * (40 - up - down)})
    nothing = pd.DataFrame(index=before.index)
    test = TEST | {"adders": 40}
    return compare(AdderScores("a", test, before, nothing), AdderScores("b", test, after, nothing))


BETTER = f"""\
**`faster` is better.** blend +0.2500, 95 % interval +0.2500 … +0.2500; \
12 adders are served better, 0 worse.

| | adders | 0123456 | faster | difference | 95 % interval | better, worse | |
| --- | --: | --: | --: | --: | :-: | :-: | --- |
| **blend** | 12 | 0.5000 | 0.7500 | +0.2500 | +0.2500 … +0.2500 | 12, 0 | higher |
| popularity | 12 | 0.5000 | 0.5000 | 0 |  |  | identical |
| als | 12 | 0.5000 | 0.2500 | {MINUS}0.2500 | {MINUS}0.2500 … {MINUS}0.2500 | 0, 12 | lower |
| blend, cold_start | 6 | 0.5000 | 0.7500 | +0.2500 | +0.2500 … +0.2500 | 6, 0 | too few differ |

*MAP@7 among the adders of 2016-05-28, paired by customer; paired bootstrap with 2,000 resamples. \
Times 0.0500 it is MAP@7 over all customers.*

*The first row alone is the verdict. The others look at the same customers again, and even if \
there is no difference at all, one in twenty of such intervals misses 0. Whoever takes the best of \
many tries by this table has chosen by the test month.*"""


def test_markdown_by_hand() -> None:
    before = scores(COMMIT, popularity=0.5, als=0.5, blend=0.5)
    after = scores("faster", popularity=0.5, als=0.25, blend=0.75)
    assert markdown(compare(before, after)) == BETTER
    assert conclusion(compare(after, before)).startswith(
        f"**`faster` is better.** blend {MINUS}0.2500, "
    )


def test_identical_scores_need_no_table() -> None:
    both = [scores(name, popularity=0.5, blend=0.75) for name in ("main", "faster")]
    assert markdown(compare(both[0], both[1])) == (
        "**No difference: identical.** blend scores each of the 12 adders the same.\n\n"
        "So do all other models."
    )
    alone = [scores(name, blend=0.75) for name in ("main", "faster")]
    assert markdown(compare(alone[0], alone[1])) == (
        "**No difference: identical.** blend scores each of the 12 adders the same."
    )


def test_words_of_the_other_verdicts() -> None:
    words = conclusion(mixed(up=10, down=12))
    assert words.startswith(
        f"**No difference: the interval contains 0.** blend {MINUS}0.0250, 95 % "
    )
    assert "; 10 adders are served better, 12 worse. That does not prove both equal" in words
    assert conclusion(mixed(up=3, down=2)).startswith(
        "**No detectable difference:** of 40 adders, too few score differently to judge by. "
        "blend +0.0125, 95 % interval "
    )


def test_other_test_data_are_named() -> None:
    before = scores("main", blend=0.5, old=0.5)
    after = scores("faster", blend=0.5, new=0.5)
    fewer = AdderScores(
        "faster", after.test | {"additions": 14}, after.models.iloc[:10], after.slices.iloc[:10]
    )
    assert markdown(compare(before, fewer)).split("\n\n")[1:] == [
        "**The test data differ** (`main` 240 customers, 12 adders, 15 additions; `faster` 240 "
        "customers, 12 adders, 14 additions). Compared on the 10 adders common to both. If a "
        "customer's number means somebody else there, this means nothing.",
        "Only in `main`: old.",
        "Only in `faster`: new.",
    ]


def test_signed_numbers() -> None:
    assert [signed(value) for value in (0.00126, -0.00126, -0.00001, 0.0)] == [
        "+0.0013",
        f"{MINUS}0.0013",
        "+0.0000",
        "+0.0000",
    ]
    assert signed(-0.00001, digits=5) == f"{MINUS}0.00001"


def test_short_names_of_revisions() -> None:
    names = [COMMIT, "0123456", "feature/" + "x" * 32, "workspace"]
    assert [short(name) for name in names] == ["0123456", *names[1:]]


def test_models_are_drawn_above_slices() -> None:
    before = scores("main", als=0.5, blend=0.5)
    long = "a-branch-with-a-very-long-name-" * 3
    models, slices = draw(compare(before, scores(long, als=0.5, blend=0.75))).axes
    assert title(models) == "Differences in MAP@7 among adders (their number)"
    assert names(models, "y") == ["blend  (12)", "als  (12)"]
    assert written(models) == ["+0.2500", "identical"]
    assert title(slices) == "blend by slice"
    assert names(slices, "y") == ["cold_start  (6)"]
    assert written(slices) == ["+0.2500"]
    assert slices.get_xlabel() == (
        f"\N{LEFTWARDS ARROW} main better     95 % intervals     {long[:33]}… better "
        "\N{RIGHTWARDS ARROW}"
    )


def test_the_same_comparison_gives_the_same_bytes(tmp_path: Path) -> None:
    comparison = compare(scores("main", blend=0.5), scores("faster", blend=0.75))
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    save(first, draw(comparison))
    save(second, draw(comparison))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.usefixtures("workspace")
def test_main_prints_markdown_and_draws(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    revisions = {
        COMMIT: scores(COMMIT, popularity=0.5, als=0.5, blend=0.5),
        "faster": scores("faster", popularity=0.5, als=0.25, blend=0.75),
    }
    monkeypatch.setattr(AdderScores, "read", revisions.__getitem__)
    raw = {COMMIT: "", "faster": "'faster' holds raw data in git: own.csv"}
    monkeypatch.setattr(entry, "raw_files_sentence", raw.__getitem__)
    sections = {(COMMIT, "faster"): "### Over 8 test months"}
    monkeypatch.setattr(entry, "months_section", lambda *both: sections.pop(both, ""))
    monkeypatch.setattr(sys, "argv", ["compare", COMMIT, "faster"])
    monkeypatch.setattr(payments, "markdown", lambda *given: " and ".join(given))
    entry.main()
    shown = capsys.readouterr()
    expected = f"{BETTER}\n\n### Over 8 test months\n\n{COMMIT} and faster\n"
    assert shown.out == expected
    assert shown.err == (
        "warning: 'faster' holds raw data in git: own.csv\n\nPicture: report/compare.png\n"
    )
    assert Path("report/compare.png").read_bytes().startswith(b"\x89PNG")
    entry.main()  # without two backtests
    assert capsys.readouterr().out == f"{BETTER}\n\n{COMMIT} and faster\n"


@pytest.mark.usefixtures("workspace")
def test_main_outside_a_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["compare", "main", "faster"])
    with pytest.raises(InputError, match=r"^'main' cannot be read: .* is not a git repository"):
        entry.main()

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from src.campaign import backcheck, ceiling, paths, plan, report
from src.errors import InputError
from src.products import paths as products_paths
from src.reporting import write_parquet
from tests.campaign.conftest import WriteCampaign, table


def read(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


@pytest.mark.usefixtures("written")
def test_plan() -> None:
    plan.main()
    # A loan brings 100 * 0.2 - 1 (20) or 100 * 0.05 - 1 (50); it is forbidden to 10, who is 15.
    # A card brings 10 * 0.6 - 1 (30).
    listed = pd.read_csv(paths.CONTACTS_CSV)
    assert listed.to_dict("list") == {
        "rank": [1, 2],
        "customer": [20, 30],
        "product": ["loan", "card"],
        "channel": ["email", "email"],
        "chance": [0.2, 0.6],
        "value": [100, 10],
        "cost": [1, 1],
        "expected": pytest.approx([19, 5]),
    }
    same = pd.read_parquet(paths.CONTACTS)
    assert same["customer"].tolist() == [20, 30]
    metrics = read(paths.EXPECTED)
    assert (metrics["month"], metrics["customers"], metrics["reachable"]) == ("2016-06", 4, 3)
    assert metrics["ruled_out"] == {"children": 1}
    assert metrics["capacity"] == 2
    assert metrics["bound"] == pytest.approx(24, abs=1e-4)
    assert metrics["gap"] == pytest.approx(0, abs=1e-5)
    assert metrics["contacts_by"] == {
        "products": {"card": 1, "loan": 1},
        "channels": {"email": 2},
    }
    assert 4 - 1e-5 <= metrics["prices"]["capacity"] <= 5 + 1e-5
    policies = metrics["policies"]
    assert policies["campaign"] == pytest.approx({"contacts": 2, "additions": 0.8, "value": 24})
    assert policies["highest chance"] == pytest.approx(policies["campaign"])
    # 1 for the loan of 20 and of 50, 0.5 for the card of 30
    conditional = {"contacts": 2, "additions": 0.25, "value": 23}
    assert policies["highest conditional score"] == pytest.approx(conditional)
    assert set(policies) == {*policies, "popularity", "random"}
    curve = pd.read_csv(paths.CAPACITY)
    assert curve["capacity"].tolist() == [1, 2, 3, 4]
    assert curve["value"].tolist() == pytest.approx([19, 24, 28, 28], abs=1e-3)
    for png in (paths.CAPACITY_PNG, paths.EXPECTED_PNG):
        assert Path(png).read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("written")
def test_backcheck() -> None:
    backcheck.main()
    metrics = read(paths.FOUND)
    assert (metrics["month"], metrics["customers"], metrics["additions"]) == ("2016-05", 3, 3)
    limited, plain = metrics["limited"], metrics["plain"]
    # 30's loan: 100 * 0.1 - 1. 10's card: 10 * 0.5 - 1, no loan. 20's card: 10 * 0.3 - 1.
    ours = limited["campaign"]
    assert (ours["contacts"], ours["found"], ours["value"]) == (2, 2, 100 + 10 - 2)
    assert ours["share"] == pytest.approx(2 / 3, abs=1e-6)
    # Chances 0.5 (10's card), 0.3 (20's card)
    assert limited["highest chance"]["value"] == 10 + 10 - 2
    # Without rules the scores are 1 (30's loan), 0.9 (20's card), 0.8 (10's loan).
    conditional = plain["highest conditional score"]
    assert (conditional["contacts"], conditional["found"]) == (2, 2)
    # 70 % of three customers are two; 0.5 (10's card) and 0.3 (20's card) are found.
    assert (plain["campaign"]["contacts"], plain["campaign"]["found"]) == (2, 2)
    assert conditional["campaign_finds_more"] == 0
    assert conditional["campaign_finds_times"] == 1
    assert "highest chance" not in plain
    tried = pd.read_parquet(paths.TRIED)
    own = tried[(tried["kind"] == "limited") & (tried["policy"] == "campaign")]
    assert own[["customer", "product", "channel"]].to_numpy().tolist() == [
        [30, "loan", "email"],
        [10, "card", "email"],
    ]
    assert Path(paths.FOUND_PNG).read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("written")
def test_a_campaign_does_not_see_the_month_that_it_is_for() -> None:
    """Profiles of the test month would let 10 have a loan if the child came of age in it."""
    rows = pd.read_parquet(products_paths.CLEAN)
    rows.loc[(rows["customer"] == 10) & (rows["month"].astype(str) == "2016-05-28"), "age"] = 40
    write_parquet(products_paths.CLEAN, pa.Table.from_pandas(rows, preserve_index=False))
    backcheck.main()
    tried = pd.read_parquet(paths.TRIED)
    limited = tried[tried["kind"] == "limited"]
    assert not ((limited["customer"] == 10) & (limited["product"] == "loan")).any()


@pytest.mark.usefixtures("written")
def test_files_about_other_customers() -> None:
    write_parquet(products_paths.TEST_SCORES, table({10: [0, 0, 0], 20: [0, 0, 0]}))
    with pytest.raises(InputError, match=r"test_scores.parquet has 2 customers, but not the 3 of"):
        backcheck.main()
    write_parquet(products_paths.CHANCES, table({10: [0, 0, 0.1]}))
    with pytest.raises(InputError, match="are about different customers"):
        plan.main()


def test_contradictions_end_the_stage(written: object, write_campaign: WriteCampaign) -> None:
    assert written
    write_campaign(products={"loan": {"capacity": 1, "at_least": 2}})
    for stage in (plan, backcheck):
        with pytest.raises(InputError, match=r"loan.at_least asks for 2 contacts, but .* allows 1"):
            stage.main()


@pytest.mark.usefixtures("written")
def test_report(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"metrics/campaign.json is missing: run 'make campaign'"):
        report.main()
    plan.main()
    backcheck.main()
    capsys.readouterr()
    report.main()
    said = capsys.readouterr().out
    assert "Contacts for 2016-06: 2 of at most 2, to 3 of 4 customers" in said
    assert "Expected value 24.00, costs paid; no list within the limits can bring more" in said
    assert "One more contact in all brings " in said
    assert "| campaign | 2 | 0.8 | 24 | 100.0% |" in said
    assert "One product each to 2 customers" in said
    assert "true chances" not in said


@pytest.mark.usefixtures("written")
def test_the_truth_says_how_good_a_list_is(capsys: pytest.CaptureFixture[str]) -> None:
    plan.main()
    backcheck.main()
    with pytest.raises(InputError, match="only the simulated bank has true chances"):
        ceiling.main()
    # The best within the limits: 30's loan (100 * 0.4 - 1) and 20's (100 * 0.1 - 1).
    # The campaign has 30's loan and 10's card (10 * 0.2 - 1).
    write_parquet(ceiling.TRUTH, table({10: [0, 0.2, 0.5], 20: [0, 0.6, 0.1], 30: [0, 0, 0.4]}))
    capsys.readouterr()
    report.main()
    lines = capsys.readouterr().out.splitlines()
    # Plain: 10's and 20's cards, 0.8; the best: 20's card and 10's loan, 1.1.
    assert "| campaign | 40 | 83.3% | 0.8 | 72.7% |" in lines
    assert "| campaign on the true chances | 48 | 100.0% | 1.1 | 100.0% |" in lines


@pytest.mark.usefixtures("written")
def test_truth_of_others() -> None:
    backcheck.main()
    write_parquet(ceiling.TRUTH, table({10: [0, 0.2, 0.5], 21: [0, 0.6, 0.1]}))
    with pytest.raises(InputError, match="is about other customers than the test month"):
        ceiling.main()
    write_parquet(ceiling.TRUTH, table({10: [0, 0, 0]}).drop_columns(["loan"]))
    with pytest.raises(InputError, match="knows the simulator's products"):
        ceiling.main()


def test_sentences() -> None:
    prices = {"capacity": 1.9, "products": {"loan": -2.5}, "channels": {"email": 0.5}}
    assert report.sentences(prices) == [
        "One more contact in all brings 1.90.",
        "One more contact by email brings 0.50.",
        "The last contact about loan that at_least asks for costs 2.50.",
    ]
    nothing = {"capacity": 0.0, "products": {}, "channels": {}}
    assert report.sentences(nothing) == [
        "No limit is worth moving: every contact that pays is made."
    ]

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError

from src.campaign.audience import Audience, audience, read_chances
from src.campaign.settings import Campaign
from src.errors import InputError
from src.products.schema import Schema
from src.reporting import write_parquet
from tests.campaign.conftest import CAMPAIGN, WriteCampaign, table

MAY = np.datetime64("2016-05", "M")
LISTS = "pipelines/campaign/lists"


@pytest.fixture
def chosen(write_campaign: WriteCampaign, schema: Schema) -> Any:
    write_campaign()

    def choose(**changes: Any) -> Audience:
        settings = Campaign.model_validate(CAMPAIGN | changes)
        profiles = pd.DataFrame(
            {
                "age": [14.0, 24.0, 34.0],
                "segment": pd.Categorical(["private", "private", "student"]),
            }
        )
        chances = np.full((3, 3), 0.1, dtype=np.float32)
        return audience(settings, schema, np.array([10, 20, 30]), chances, profiles, MAY)

    return choose


def test_rules_of_the_bank(chosen: Any) -> None:
    found = chosen()
    assert (found.chances > 0).tolist() == [[True, True, False], [True] * 3, [True] * 3]
    assert found.ruled_out == {"children": 1}
    assert found.reachable == 3
    without = chosen(eligibility=False)
    assert (without.chances > 0).all()
    assert without.ruled_out == {}


def test_exclusions(chosen: Any) -> None:
    Path(f"{LISTS}/silent.txt").write_text("30\n99\n")
    exclude = [
        {"name": "private", "when": {"segment": ["private"], "age": {"least": 20}}},
        {"name": "silent", "customers": "silent.txt"},
    ]
    found = chosen(exclude=exclude)
    assert (found.chances > 0).tolist() == [[True, True, False], [False] * 3, [False] * 3]
    assert found.ruled_out == {"children": 1, "private": 1, "silent": 1}
    assert found.reachable == 1


def test_a_pause_after_the_last_contact(chosen: Any) -> None:
    # 30 days before May 1 is April 1; May is the month of the campaign, or later.
    Path(f"{LISTS}/past.csv").write_text(
        "customer,date\n10,2016-03-31\n20,2016-04-01\n30,2016-05-01\n7,2016-04-02\n"
    )
    found = chosen(cool_down={"contacts": "past.csv", "days": 30}, eligibility=False)
    assert (found.chances > 0).any(axis=1).tolist() == [True, False, True]
    assert found.ruled_out == {"cool_down": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"past.csv \(pipelines/campaign/params.yaml: campaign.cool_down.contacts\) cannot"),
        ("", "past.csv .* cannot be read: No columns"),
        ("customer\n10\n", "has no column date; it needs customer and date"),
        (
            "customer,date\n10,2016-04-01\n20,1.4.2016\n,2016-04-01\n",
            "2 of 3 rows have no customer or no date like 2016-05-03, the first in line 3: "
            "'20', '1.4.2016'",
        ),
    ],
)
def test_bad_files_of_contacts(chosen: Any, content: str | None, message: str) -> None:
    if content is not None:
        Path(f"{LISTS}/past.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        chosen(cool_down={"contacts": "past.csv", "days": 30})


def test_mistakes_in_exclusions(chosen: Any) -> None:
    message = "campaign.exclude: rule 'tall': 'height' is not an attribute"
    with pytest.raises(InputError, match=message):
        chosen(exclude=[{"name": "tall", "when": {"height": {"least": 2}}}])
    with pytest.raises(ValidationError, match="a rule needs 'when' or 'customers'"):
        chosen(exclude=[{"name": "all"}])
    with pytest.raises(InputError, match=f"rule 'silent': {LISTS}/none.txt cannot be read"):
        chosen(exclude=[{"name": "silent", "customers": "none.txt"}])


def test_rules_of_another_bank(chosen: Any, write_campaign: WriteCampaign) -> None:
    write_campaign(bank_id="client")
    message = "ids are in the column client, but the schema says ncodpers"
    with pytest.raises(InputError, match=message):
        chosen()
    assert chosen(eligibility=False).reachable == 3


@pytest.mark.usefixtures("workspace")
def test_chances_are_read() -> None:
    write_parquet("chances.parquet", table({1: [0, 0.5, 1], 2: [0.25, 0, 0]}))
    customers, chances = read_chances("chances.parquet", ["loan", "account"])
    assert customers.tolist() == [1, 2]
    assert chances.tolist() == [[1, 0], [0, 0.25]]
    assert chances.dtype == np.float32


@pytest.mark.usefixtures("workspace")
def test_chances_that_are_none() -> None:
    with pytest.raises(InputError, match=r"chances.parquet is missing: run 'dvc repro' first"):
        read_chances("chances.parquet", ["loan"])
    write_parquet("chances.parquet", table({1: [0, 0, 0.5], 2: [0, 0, 1.5], 3: [0, 0, np.nan]}))
    with pytest.raises(InputError, match="has no column yacht"):
        read_chances("chances.parquet", ["loan", "yacht"])
    message = "2 rows have a value outside 0 … 1, such as customer 2"
    with pytest.raises(InputError, match=message):
        read_chances("chances.parquet", ["loan"])
    assert isinstance(read_chances("chances.parquet", ["card"])[0], np.ndarray)


def test_text_ids(write_campaign: WriteCampaign, schema: Schema) -> None:
    write_campaign()
    Path(f"{LISTS}/past.csv").write_text("customer,date\na1,2016-04-20\n")
    settings = Campaign.model_validate(
        CAMPAIGN | {"eligibility": False, "cool_down": {"contacts": "past.csv", "days": 30}}
    )
    ids = pa.array(["a1", "b2"]).to_numpy(zero_copy_only=False)
    chances = np.full((2, 3), 0.1, dtype=np.float32)
    found = audience(settings, schema, ids, chances, pd.DataFrame(index=range(2)), MAY)
    assert (found.chances > 0).any(axis=1).tolist() == [False, True]

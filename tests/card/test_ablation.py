"""What the models lose without some columns: by hand, and on forty customers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from src.card import ablation, paths, slices, write
from src.card.ablation import changed_gaps, changes, reduced
from src.card.groups import PARAMS, as_table, by_group, largest_gaps
from src.errors import InputError
from src.evaluation.targeting import Resampling
from src.products import evaluate
from src.products import paths as products
from src.products.fitting import fit_all
from src.products.schema import Schema
from src.reporting import write_json
from tests.card.test_groups import EVERYBODY_ONCE, GROUPS, OUTCOME
from tests.products.conftest import SECTIONS, OpenBank, bank, crowd, open_bank, schema

__all__ = ["bank", "crowd", "open_bank", "schema"]

WORSE = OUTCOME.assign(
    precision=[0.5, 0.5, 0, 0, 0.25, 0, 0, 0],
    contacted=[0.0, 0, 1, 0, 1, 0, 0, 0],
    placement=[0.5, 0.5, 0, 0, 1, 0, 0, 0],
    first=[0, 1, 1, 2, 0, 0, 2, -1],
)


def test_changes_by_hand() -> None:
    assert changes(OUTCOME, WORSE, EVERYBODY_ONCE) == {
        "map@7_adders": change(1.75 / 3, 1.25 / 3),
        "auc_anything": change(2 / 3, 2 / 3),
        "found@5%": change(1 / 3, 1 / 3),
    }
    assert ablation.same_first_offer(OUTCOME, WORSE) == 7 / 8


def change(old: float, new: float) -> dict[str, float]:
    exact = new - old
    values = {"with": old, "without": new, "difference": exact}
    return values | {"difference_lo": exact, "difference_hi": exact}


def test_the_same_gap_afterwards_by_hand() -> None:
    before, after = (by_group(one, GROUPS, EVERYBODY_ONCE) for one in (OUTCOME, WORSE))
    table = as_table(before, OUTCOME, GROUPS, 1)
    found = changed_gaps(largest_gaps(table, before), before, after)
    assert found["sex"]["map@7_adders"] == {
        "highest": "V",
        "lowest": "H",
        "with": 0.5,
        "without": 0.25,
        "difference": -0.25,
        "difference_lo": -0.25,
        "difference_hi": -0.25,
    }
    assert found["sex"]["found@5%"]["without"] == -1.0  # now it is the men who are found


def test_intervals_are_paired() -> None:
    resampling = Resampling.of(8, 50, seed=1)
    same = changes(OUTCOME, OUTCOME, resampling)
    assert {row["difference_lo"] for row in same.values()} == {0.0}
    assert {row["difference_hi"] for row in same.values()} == {0.0}


def test_a_schema_without_some_columns(schema: Schema) -> None:
    assert reduced(schema, ["age", "segment"]).profile == ["income", "active"]
    assert reduced(schema, ["age", "sex"]).profile == ["income", "segment", "active"]
    assert schema.profile == ["age", "income", "segment", "active"]
    with pytest.raises(
        InputError,
        match=r"^pipelines/card/params.yaml: ablation.without names sex, none of which is a column "
        r"of the profile; those are age, income, segment, active$",
    ):
        reduced(schema, ["sex"])


@pytest.fixture
def evaluated(workspace: Path, open_bank: OpenBank, crowd: pd.DataFrame) -> Path:
    """A workspace in which forty customers have gone through the products pipeline."""
    dataset = open_bank(crowd.assign(income=10.0 * crowd["customer"]))
    content = {
        "schema": dataset.schema.model_dump(),
        "evaluate": {"resamples": 20, "seed": 1},
        **SECTIONS,
    }
    Path("params.yaml").write_text(yaml.safe_dump(content))
    Path(PARAMS).parent.mkdir(parents=True)
    card = {
        "slices": {"fewest": 5, "ages": [22, 24], "resamples": 20, "seed": 1},
        "ablation": {"without": ["age"]},
    }
    Path(PARAMS).write_text(yaml.safe_dump(card))
    fit_all(dataset).save(products.MODELS)
    evaluate.main()
    counts = {
        "source": "data/simulation/train_ver2.csv",
        "rows": 199,
        "rejected": 0,
        "customers": 40,
        "months": 5,
    }
    months = {"first_month": "2016-01-28", "last_month": "2016-05-28"}
    write_json(products.QUALITY, counts | months)
    return workspace


def test_a_card_from_end_to_end(evaluated: Path) -> None:
    slices.main()
    ablation.main()
    write.main()
    metrics = json.loads((evaluated / products.METRICS).read_text())
    table = pd.read_csv(paths.SLICES, converters={"group": str})
    assert list(dict.fromkeys(table["attribute"])) == ["age", "segment", "products held"]
    by_attribute = table.groupby("attribute")
    assert set(by_attribute["customers"].sum()) == {metrics["test"]["customers"]}
    assert set(by_attribute["adders"].sum()) == {metrics["test"]["adders"]}
    ages = table[table["attribute"] == "age"]
    over_all = np.average(ages["map@7_adders"], weights=ages["adders"])
    assert over_all == pytest.approx(metrics["blend"]["map@7_adders"], abs=1e-5)

    found = json.loads((evaluated / paths.ABLATION).read_text())
    assert found["without"] == ["age"]
    assert found["map@7_adders"]["with"] == metrics["blend"]["map@7_adders"]
    assert list(found["gaps"]) == ["age"]

    card = (evaluated / paths.CARD).read_text()
    assert "**simulated** customers, who stand for no bank's" in card
    assert f"| **blend** | {metrics['blend']['map@7_adders']:.3f} (" in card
    row = ages.iloc[0]
    assert f"| age 2-21 | {row['customers']}" not in card
    assert (
        f"| age 0-21 | {row['customers']} | {row['adders']} | {row['map@7_adders']:.3f} (" in card
    )
    assert "## Without age\n" in card
    assert (evaluated / paths.SLICES_PNG).read_bytes().startswith(b"\x89PNG")


def test_the_same_run_writes_the_same_card(evaluated: Path) -> None:
    written = []
    for _ in range(2):
        slices.main()
        ablation.main()
        write.main()
        files = (paths.SLICES, paths.FIRST_OFFERS, paths.GAPS, paths.ABLATION, paths.CARD)
        written.append([(evaluated / path).read_bytes() for path in files])
    assert written[0] == written[1]

"""The card that is in git says what the metrics in git say; and its sentences, by hand."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from src import params
from src.card import paths, write
from src.card.groups import PARAMS, Slices
from src.products import paths as products
from src.products.schema import Schema

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(ROOT)
    return Path(paths.CARD).read_text(encoding="utf-8")


def content(path: str) -> Any:
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def table(path: str) -> pd.DataFrame:
    return pd.read_csv(ROOT / path, converters={"group": str})


def test_the_card_in_git_is_about_the_metrics_in_git(committed: str) -> None:
    schema = params.load("schema", Schema)
    fewest = params.load("slices", Slices, PARAMS).fewest
    for section in (
        write.ranking(content(products.METRICS)),
        write.who(content(products.TARGETING), schema),
        write.groups(table(paths.SLICES), table(paths.FIRST_OFFERS), fewest),
        write.gap_lines(content(paths.GAPS)),
        write.without(content(paths.ABLATION)),
        write.PURPOSE,
        write.LIMITS,
    ):
        assert section in committed


def test_simulated_customers_are_called_so(committed: str) -> None:
    assert content(products.QUALITY)["source"].startswith(write.SIMULATED)
    assert "**simulated** customers, who stand for no bank's" in committed


def test_groups_with_few_adders_are_marked(committed: str) -> None:
    judged = table(paths.SLICES).set_index(["attribute", "group"])["judged"]
    rows = [line for line in committed.splitlines() if line.startswith("| age ")]
    for line in rows:
        group = line.removeprefix("| age ").split(" ")[0]
        if ("age", group) in judged.index:
            assert ("\N{DAGGER}" in line) == (not judged["age", group]), line
    assert any("\N{DAGGER}" in line for line in rows)


def row(low: float, high: float) -> dict[str, Any]:
    return {
        "highest": "H",
        "lowest": "V",
        "highest_value": 0.875,
        "lowest_value": 0.75,
        "difference": 0.125,
        "difference_lo": low,
        "difference_hi": high,
    }


def test_gaps_in_words() -> None:
    gaps = {"sex": {"map@7_adders": row(0.1, 0.15), "surplus": row(-0.01, 0.2)}}
    assert write.gap_lines(gaps).splitlines() == [
        "## The largest gaps",
        "",
        "- **sex**, MAP@7 among adders: H 0.875, V 0.750; difference 0.125 (0.100 … 0.150).",
        "",
        "May be chance, as their intervals contain 0: sex (mean chance minus share who added).",
    ]
    assert write.gap_lines({}).endswith("No attribute has two groups with enough adders.")


def test_a_blend_no_better_than_popularity_is_not_recommended() -> None:
    ends = {"map@7_adders_lo": 0.5, "map@7_adders_hi": 0.75}
    others = {"recall@7_adders": 0.5, "hit_rate@3_adders": 0.5, **ends}
    metrics = {
        "popularity": {"map@7_adders": 0.625, **others},
        "blend": {"map@7_adders": 0.625, **others},
    }
    assert write.ranking(metrics).splitlines()[-3:] == [
        "| **blend** | 0.625 (0.500 … 0.750) | 0.500 | 0.500 |",
        "",
        "**The blend ranks no better than popularity: do not use it.**",
    ]
    metrics["blend"]["map@7_adders"] = 0.6875
    assert "do not use it" not in write.ranking(metrics)

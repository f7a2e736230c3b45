"""Two revisions' models of payments, paired by their resamples; worked out by hand."""

import pandas as pd
import pytest

from src.compare import payments, revisions
from src.errors import InputError
from src.payments import paths

MINUS = "\N{MINUS SIGN}"


def resamples(**models: list[float]) -> pd.DataFrame:
    """All clients and four resamples of them."""
    counts = {"observations": [9, 8, 9, 11, 8], "repeated": [3, 2, 4, 3, 3]}
    return pd.DataFrame({**counts, **models})


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], pd.DataFrame]:
    """What revisions hold, by revision and path."""
    tables: dict[tuple[str, str], pd.DataFrame] = {}

    def read(revision: str, path: str) -> list[bytes]:
        if (revision, path) not in tables:
            raise InputError(f"'{revision}' has no {path}")
        return [tables[revision, path].to_csv(index=False).encode()]

    monkeypatch.setattr(revisions, "read", read)
    return tables


def test_differences_within_resamples(written: dict[tuple[str, str], pd.DataFrame]) -> None:
    base = [0.5, 0.2, 0.4, 0.6, 0.8]
    gained = [value + gain for value, gain in zip(base, [0.2, 0.1, 0.2, 0.3, 0.2], strict=True)]
    mixed = [value + gain for value, gain in zip(base, [0.1, -0.1, 0.2, 0.3, 0], strict=True)]
    lost = [value - 0.125 for value in base]
    written["main", paths.GINI_RESAMPLES] = resamples(
        booster=base, network=base, logistic=base, frequency=base, gone=base
    )
    written["faster", paths.GINI_RESAMPLES] = resamples(
        booster=gained, network=mixed, logistic=lost, frequency=base, fresh=base
    )
    # quantiles 0.025 and 0.975 of 0.1, 0.2, 0.2, 0.3; and of -0.1, 0, 0.2, 0.3
    assert payments.markdown("main", "faster").split("\n\n") == [
        "| Gini of operations | main | faster | difference | 95 % interval | |\n"
        "| --- | --: | --: | --: | :-: | --- |\n"
        "| booster | 0.5000 | 0.7000 | +0.2000 | +0.1075 … +0.2925 | higher |\n"
        f"| network | 0.5000 | 0.6000 | +0.1000 | {MINUS}0.0925 … +0.2925 | no difference |\n"
        f"| logistic | 0.5000 | 0.3750 | {MINUS}0.1250 | {MINUS}0.1250 … {MINUS}0.1250 | lower |\n"
        "| frequency | 0.5000 | 0.5000 | 0 |  | identical |",
        "*Paired by client: the same resamples of clients in both.*",
        f"*MAP@10 of new providers: not compared. 'main' has no {paths.EXAMPLES_RESAMPLES}.*",
    ]


def test_other_clients_are_not_paired(written: dict[tuple[str, str], pd.DataFrame]) -> None:
    base = [0.5, 0.2, 0.4, 0.6, 0.8]
    written["main", paths.GINI_RESAMPLES] = resamples(booster=base)
    written["faster", paths.GINI_RESAMPLES] = resamples(booster=base).replace({"repeated": {2: 1}})
    assert payments.markdown("main", "faster").startswith(
        "*Gini of operations: not compared. 'main' and 'faster' measured other customers or other "
        "days, or drew other resamples, and cannot be paired.*"
    )


def test_a_resample_without_a_repetition_does_not_count(
    written: dict[tuple[str, str], pd.DataFrame],
) -> None:
    nan = float("nan")
    written["main", paths.GINI_RESAMPLES] = resamples(booster=[0.5, 0.25, nan, 0.5, 0.5])
    written["faster", paths.GINI_RESAMPLES] = resamples(booster=[0.75, 0.5, nan, 0.75, 0.75])
    row = "| booster | 0.5000 | 0.7500 | +0.2500 | +0.2500 … +0.2500 | higher |"
    assert row in payments.markdown("main", "faster")

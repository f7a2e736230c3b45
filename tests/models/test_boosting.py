"""What CatBoost cannot do ends in our words."""

import pytest
from catboost import CatBoostClassifier, Pool

from src.models.boosting import fit_booster
from src.models.contract import CannotFitError


def test_too_few_rows_to_draw_from() -> None:
    booster = CatBoostClassifier(
        iterations=50,
        bootstrap_type="Bernoulli",
        subsample=0.05,
        random_seed=1,
        thread_count=1,
        allow_writing_files=False,
    )
    pool = Pool([[0.0], [1.0], [2.0]], [0, 1, 0])
    with pytest.raises(
        CannotFitError,
        match=r"^there are 3 rows, and CatBoost says: Too few sampling units \(subsample=0\.05",
    ):
        fit_booster(booster, pool)

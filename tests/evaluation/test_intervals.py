import numpy as np
import pytest

from src.evaluation.intervals import Interval, bootstrap_means

AP = np.array([1.0, 0.5, 0.0, 0.25, 1.0, 0.75])


def test_bootstrap_means_by_hand() -> None:
    over_all, over_adders = bootstrap_means({"blend": AP}, 60, 500, seed=7)["blend"]
    assert over_all.mean == pytest.approx((1 + 0.5 + 0 + 0.25 + 1 + 0.75) / 60)
    assert over_adders.mean == pytest.approx((1 + 0.5 + 0 + 0.25 + 1 + 0.75) / 6)
    for interval in (over_all, over_adders):
        assert interval.low < interval.mean < interval.high


def test_bootstrap_of_a_constant_has_no_width_over_adders() -> None:
    over_all, over_adders = bootstrap_means({"blend": np.full(20, 0.5)}, 100, 200, seed=7)["blend"]
    assert over_adders == Interval(0.5, 0.5, 0.5)
    assert over_all.low < over_all.mean < over_all.high  # the number of adders is drawn, too
    assert over_all.mean == pytest.approx(20 * 0.5 / 100)


def test_bootstrap_of_adders_only_draws_as_many_as_there_are() -> None:
    over_all, over_adders = bootstrap_means({"blend": AP}, len(AP), 200, seed=7)["blend"]
    assert over_all == over_adders


def test_bootstrap_is_seeded_and_paired() -> None:
    alone = bootstrap_means({"blend": AP}, 60, 300, seed=7)
    both = bootstrap_means({"blend": AP, "twin": AP.copy(), "zero": AP * 0}, 60, 300, 7)
    zero = Interval(0.0, 0.0, 0.0)
    assert both == {"blend": alone["blend"], "twin": alone["blend"], "zero": (zero, zero)}
    assert bootstrap_means({"blend": AP}, 60, 300, seed=8) != alone


def test_bootstrap_level_is_the_mass_of_the_interval() -> None:
    wide, narrow = (
        bootstrap_means({"blend": AP}, 60, 2000, 7, level)["blend"][1] for level in (0.95, 0.5)
    )
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


def test_bootstrap_is_the_one_over_all_customers() -> None:
    customers, adders = 40, 6
    generator = np.random.default_rng(1)
    everybody = np.concatenate([AP, np.zeros(customers - adders)])
    drawn = generator.integers(0, customers, size=(40_000, customers))
    sums, counts = everybody[drawn].sum(axis=1), (drawn < adders).sum(axis=1)
    tails = [0.025, 0.975]
    brute_all = np.quantile(sums / customers, tails)
    brute_adders = np.quantile(sums / np.maximum(counts, 1), tails)
    over_all, over_adders = bootstrap_means({"ap": AP}, customers, 40_000, 2)["ap"]
    assert [over_all.low, over_all.high] == pytest.approx(brute_all, abs=0.003)
    assert [over_adders.low, over_adders.high] == pytest.approx(brute_adders, abs=0.02)

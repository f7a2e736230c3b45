import numpy as np
import pytest

from src.evaluation.intervals import (
    Interval,
    bootstrap_means,
    bootstrap_over_months,
    percentile_interval,
)

AP = np.array([1.0, 0.5, 0.0, 0.25, 1.0, 0.75])


def test_percentile_interval_by_hand() -> None:
    # quantiles 0.025 and 0.975 of 0, 1, …, 40 are the second and the last but one
    interval = percentile_interval(np.array([7.0, np.nan, *range(41)]))
    assert interval == Interval(7.0, 1.0, 39.0)
    assert interval.named("auc") == {"auc": 7.0, "auc_lo": 1.0, "auc_hi": 39.0}


def test_percentile_interval_of_what_no_resample_has_is_nan() -> None:
    interval = percentile_interval(np.array([0.5, np.nan, np.nan]))
    assert interval.mean == 0.5
    assert np.isnan([interval.low, interval.high]).all()


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


def test_one_month_is_the_bootstrap_of_customers() -> None:
    alone = bootstrap_means({"blend": AP}, 60, 300, seed=7)
    assert bootstrap_over_months({"blend": [AP]}, [60], 300, seed=7) == alone


def test_every_month_counts_the_same() -> None:
    months = [np.array([1.0, 0.5]), np.array([0.25, 0.25, 0.0, 0.5])]
    over_all, over_adders = bootstrap_over_months({"blend": months}, [10, 80], 200, 7)["blend"]
    assert over_all.mean == pytest.approx((1.5 / 10 + 1.0 / 80) / 2)
    assert over_adders.mean == pytest.approx((1.5 / 2 + 1.0 / 4) / 2)


def test_months_are_resampled() -> None:
    # within each month all are the same, so that the months drawn alone decide: of four, Binomial
    # (4, 1/2) score 1, with the 2.5 % and 97.5 % quantiles 0 and 4
    months = [np.full(50, score) for score in (1.0, 1.0, 0.0, 0.0)]
    values = {"blend": months, "twin": months}
    found = bootstrap_over_months(values, [50] * 4, 2000, seed=7)
    assert found["blend"] == found["twin"]
    assert found["blend"] == (Interval(0.5, 0.0, 1.0), Interval(0.5, 0.0, 1.0))


def test_customers_within_months_are_resampled() -> None:
    # all months are the same, so that the customers drawn within them alone decide
    month = np.array([1.0, 0.0] * 50)
    (_, wide), (_, narrow) = (
        bootstrap_over_months({"blend": [month] * count}, [100] * count, 4000, 7)["blend"]
        for count in (1, 16)
    )
    assert (wide.mean, narrow.mean) == (0.5, 0.5)
    assert wide.high - wide.low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(100), abs=0.02)
    assert narrow.high - narrow.low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(1600), abs=0.005)


def test_bootstrap_over_months_is_the_one_by_brute_force() -> None:
    months = [AP, AP[:3], 1 - AP[:4]]
    customers = [40, 12, 30]
    generator = np.random.default_rng(1)
    everybody = [
        np.concatenate([own, np.full(size - len(own), np.nan)])
        for own, size in zip(months, customers, strict=True)
    ]
    over_all, over_adders = [], []
    for _ in range(10_000):
        means = []
        for month in generator.integers(0, 3, size=3):
            own = generator.choice(everybody[month], size=customers[month])
            adds = own[~np.isnan(own)]
            means.append((adds.sum() / customers[month], adds.mean() if len(adds) else 0.0))
        all_mean, adders_mean = np.mean(means, axis=0)
        over_all.append(all_mean)
        over_adders.append(adders_mean)
    found = bootstrap_over_months({"ap": months}, customers, 10_000, 2)["ap"]
    for interval, brute in zip(found, (over_all, over_adders), strict=True):
        low, high = np.quantile(brute, [0.025, 0.975])
        assert [interval.low, interval.high] == pytest.approx([low, high], abs=0.02)

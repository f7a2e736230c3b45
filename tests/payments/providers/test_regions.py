import numpy as np
import pytest

from src.payments.providers.known import Known
from src.payments.providers.regions import Regions, regions_of
from tests.payments.providers.toy import DEFAULTS, Row, changed, payments


def of_counts(counts: list[list[int]]) -> Regions:
    nobody = np.zeros(0, dtype=np.int64)
    return Regions(nobody, nobody.astype(bool), np.array(counts), 1)


def test_herfindahl_by_hand() -> None:
    index = of_counts([[10, 0], [5, 5], [3, 1], [1, 0], [0, 0]]).herfindahl()
    # (n H - 1) / (n - 1), that is, the share of pairs of clients in the same region
    assert index[:3].tolist() == pytest.approx([1.0, (10 * 0.5 - 1) / 9, 3 / 6])
    assert np.isnan(index[3:]).all()


def test_herfindahl_does_not_depend_on_the_number_of_clients() -> None:
    # clients of a provider with shares 0.7 and 0.3, whose H is 0.58, drawn in small samples
    generator = np.random.default_rng(7)
    drawn = generator.binomial(4, 0.7, size=20_000)
    index = of_counts(np.column_stack([drawn, 4 - drawn]).tolist()).herfindahl()
    assert index.mean() == pytest.approx(0.58, abs=0.01)


def test_impossible_is_a_regional_provider_far_from_its_clients() -> None:
    settings = changed(DEFAULTS.regions, regional=0.8, least_clients=10, least_share=0.1)
    found = of_counts([[20, 0, 1], [9, 0, 0], [7, 7, 7], [0, 19, 2]])
    assert found.regional(settings).tolist() == [True, False, False, True]
    assert found.impossible(settings).tolist() == [
        [False, False, False, True],
        [True, False, False, False],
        [True, False, False, True],  # 1 of 21 and 2 of 21 are too few
        [False, False, False, False],  # of a client whose region is not known
    ]


def stream() -> Known:
    """East pays E, west W, all pay F; u and v have no region: u pays E, v only U, as u does."""
    rows: list[Row] = []
    regions: list[str | None] = []
    for number in range(6):
        region = "east" if number < 3 else "west"
        for provider in ("E" if number < 3 else "W", "F"):
            rows.append((f"c{number}", 1, provider))
            regions.append(region)
    rows += [("u", 1, "E"), ("u", 2, "U"), ("v", 1, "U"), ("w", 1, "F")]
    return Known.before(payments(rows, region=[*regions, None, None, None, None]), 9)


def test_regions_are_inferred_round_by_round() -> None:
    # c0 … c5, u, v, w. U has one client with a region after the first round, two after the second.
    settings = changed(DEFAULTS.regions, regional=0.8, least_clients=2, rounds=10)
    u_pays_u = regions_of(stream(), settings)
    assert u_pays_u.clients.tolist() == [0, 0, 0, 1, 1, 1, 0, -1, -1]
    assert u_pays_u.inferred.tolist() == [False] * 6 + [True, False, False]
    assert u_pays_u.rounds == 2  # in the second nothing changes
    assert u_pays_u.counts.tolist() == [[4, 0], [3, 3], [1, 0], [0, 3]]  # E, F, U, W


def test_what_is_inferred_counts_in_the_next_round() -> None:
    rows: list[Row] = [
        *[(f"c{number}", 1, "E") for number in range(3)],
        ("u1", 1, "E"),
        ("u2", 1, "E"),
        ("u1", 1, "U"),
        ("u2", 1, "U"),
        ("v", 1, "U"),
    ]
    known = Known.before(payments(rows, region=["east"] * 3 + [None] * 5), 9)
    settings = changed(DEFAULTS.regions, regional=0.8, least_clients=2, rounds=10)
    found = regions_of(known, settings)
    assert found.clients.tolist() == [0] * 6
    assert found.rounds == 3  # u1 and u2, then v, then nothing
    stopped = regions_of(known, settings.model_copy(update={"rounds": 1}))
    assert stopped.clients.tolist() == [0] * 5 + [-1]
    assert stopped.rounds == 1


def test_what_payments_say_is_never_changed() -> None:
    rows: list[Row] = [(f"c{number}", 1, "E") for number in range(9)]
    known = Known.before(payments([*rows, ("x", 1, "E")], region=["east"] * 9 + ["west"]), 9)
    found = regions_of(known, changed(DEFAULTS.regions, regional=0.5, least_clients=2))
    assert found.clients[-1] == 1
    assert not found.inferred.any()

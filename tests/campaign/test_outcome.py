import numpy as np
import pytest

from src.campaign.outcome import outcomes
from src.campaign.problem import Contacts
from tests.campaign.problems import new_problem


def contacts(*triples: tuple[int, int, int]) -> Contacts:
    return Contacts(*np.array(triples, dtype=np.intp).reshape(-1, 3).T)


def test_what_is_found_is_counted_and_paid_for() -> None:
    problem = new_problem(np.full((100, 2), 0.5), [10, 20], [[1, 3], [1, 3]])
    additions = np.zeros((100, 2), dtype=bool)
    additions[0] = True
    additions[1, 0] = additions[2, 1] = True
    policies = {
        "campaign": contacts((0, 1, 0), (2, 1, 1), (50, 0, 0)),
        "other": contacts((1, 0, 1), (60, 0, 0), (61, 0, 0)),
    }
    table = outcomes(problem, policies, additions, 400, 1)
    ours, other = table["campaign"], table["other"]
    assert (ours["contacts"], ours["found"], ours["share"]) == (3, 2, 0.5)
    assert ours["value"] == (20 - 1) + (20 - 3) - 1
    assert (other["found"], other["value"]) == (1, 10 - 3 - 1 - 1)
    assert other["campaign_finds_more"] == 1
    assert other["campaign_brings_more"] == 35 - 5
    assert other["campaign_finds_times"] == 2
    assert "campaign_finds_more" not in ours
    for row in table.values():
        for name in ("found", "share", "value"):
            assert row[f"{name}_lo"] <= row[name] <= row[f"{name}_hi"]


def test_the_interval_is_that_of_a_binomial() -> None:
    # 100 of 10,000 customers are found: about 100 ± 1.96 * sqrt(100 * 0.99)
    problem = new_problem(np.full((10_000, 1), 0.5), [1], [[0]])
    additions = np.zeros((10_000, 1), dtype=bool)
    additions[:100] = True
    rows = np.arange(200)
    policies = {"campaign": Contacts(rows, np.zeros_like(rows), np.zeros_like(rows))}
    row = outcomes(problem, policies, additions, 4000, 1)["campaign"]
    assert row["found_lo"] == pytest.approx(100 - 19.5, abs=2)
    assert row["found_hi"] == pytest.approx(100 + 19.5, abs=2)
    assert row["share_lo"] == row["share_hi"] == 1  # whoever adds is found


def test_the_same_policy_is_no_different() -> None:
    problem = new_problem(np.full((50, 1), 0.5), [1], [[0]])
    additions = np.arange(50)[:, None] % 3 == 0
    own = contacts((0, 0, 0), (1, 0, 0), (3, 0, 0))
    row = outcomes(problem, {"campaign": own, "copy": own}, additions, 100, 1)["copy"]
    assert (row["campaign_finds_more_lo"], row["campaign_finds_more_hi"]) == (0, 0)

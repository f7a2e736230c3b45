"""What contacts would have found, where the truth is known."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from src.campaign.policies import CAMPAIGN
from src.campaign.problem import Contacts, Problem
from src.evaluation.intervals import percentile_interval, resampled_sums


def outcomes(
    problem: Problem,
    policies: dict[str, Contacts],
    additions: NDArray[np.bool_],
    resamples: int,
    seed: int,
) -> dict[str, dict[str, Any]]:
    """What each policy found, with 95 % percentile bootstrap intervals over customers.

    Parameters
    ----------
    problem : Problem
        Its values and costs count, not its chances.
    policies : dict of name -> Contacts
        One of them is the campaign.
    additions : bool array, shape (customers, products)
        What customers added in the month.
    resamples, seed : int

    Returns
    -------
    dict of policy -> metrics
        Additions `found`, their `share` of all additions, their `value` less all costs. For the
        others than the campaign: by how much more additions and value the campaign found, and how
        many times as many. Each with ``_lo`` and ``_hi``, of paired resamples.
    """
    customers = len(additions)
    found, value = {}, {}
    for name, contacts in policies.items():
        hit = additions[contacts.rows, contacts.products]
        costs = problem.costs[contacts.products, contacts.channels]
        worth = hit * problem.worth[contacts.products] - costs
        found[name] = np.bincount(contacts.rows, weights=hit, minlength=customers)
        value[name] = np.bincount(contacts.rows, weights=worth, minlength=customers)
    names = list(policies)
    columns = [additions.sum(axis=1).astype(np.float64), *found.values(), *value.values()]
    scores = np.column_stack(columns)
    scores = scores[scores.any(axis=1)]
    generator = np.random.default_rng(seed)
    sums, _ = resampled_sums(scores, customers, resamples, generator)
    # The first row is what was found, the others are what resamples found.
    rows = np.vstack([scores.sum(axis=0), sums])
    everything, rest = rows[:, 0], rows[:, 1:].reshape(len(rows), 2, len(names))
    ours = names.index(CAMPAIGN)
    table = {}
    for place, name in enumerate(names):
        shares = rest[:, 0, place] / np.maximum(everything, 1)
        own = {
            "contacts": len(policies[name]),
            **percentile_interval(rest[:, 0, place]).named("found"),
            **percentile_interval(shares).named("share"),
            **percentile_interval(rest[:, 1, place]).named("value"),
        }
        if name != CAMPAIGN:
            more = rest[:, :, ours] - rest[:, :, place]
            times = rest[:, 0, ours] / np.maximum(rest[:, 0, place], 1)
            own |= percentile_interval(more[:, 0]).named("campaign_finds_more")
            own |= percentile_interval(more[:, 1]).named("campaign_brings_more")
            own |= percentile_interval(times).named("campaign_finds_times")
        table[name] = own
    return table

"""Do snapshots follow each other as a bank's do? Gaps, truncated months, sampled rows."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from src.errors import InputError
from src.tables.months import Month

_USUAL = 0.5  # share of the customers who are there a month later; in the real data it is 0.99
_STUMP = 0.1  # of the customers of the month after it
_TELLING = 30  # customers; of fewer, a share means nothing


def check_continuity(
    customers: dict[Month, int], stayed: dict[Month, int], min_stay_share: float, source: str
) -> list[str]:
    """Look at how customers go from month to month.

    Parameters
    ----------
    customers : dict of month -> number of customers
        In the order of months.
    stayed : dict of month -> number of customers who were there in the calendar month before, too
    min_stay_share : float
        Where a smaller share of the customers of a month (30 or more) is there in the next one,
        the table is refused.

    Returns
    -------
    list of str
        Warnings, a sentence each.

    Raises
    ------
    InputError
        Snapshots are not monthly, or too few customers stay.
    """
    months = list(customers)
    steps = {int((later - earlier).astype(int)) for earlier, later in pairwise(months)}
    if len(steps) == 1 and steps != {1}:
        raise InputError(
            f"{source}: snapshots are {steps.pop()} months apart ({_some(months)}), but products "
            "are ranked for the next month: give a snapshot of every month"
        )
    warnings = []
    for earlier, later in pairwise(months):
        missing = [str(month) for month in np.arange(earlier + 1, later)]
        if missing:
            verb = "is" if len(missing) == 1 else "are"
            warnings.append(
                f"{', '.join(missing)} {verb} missing: months are counted by the calendar, and "
                f"what was added between {earlier} and {later} is left out"
            )
            continue
        share = stayed[later] / customers[earlier]
        said = (
            f"only {stayed[later]:,} of {customers[earlier]:,} customers of {earlier} are there in "
            f"{later}"
        )
        if share < min_stay_share and customers[earlier] >= _TELLING:
            raise InputError(
                f"{source}: {said}, less than ingest.min_stay_share ({min_stay_share}) allows; is "
                "the file cut short, or were rows sampled instead of customers?"
            )
        if share < _USUAL:
            warnings.append(
                f"{said}: is the file cut short, or were rows sampled instead of customers?"
            )
    first, second = months[:2]
    if customers[first] < _STUMP * customers[second]:
        warnings.append(
            f"the first month, {first}, has {customers[first]:,} customers and the one after it "
            f"{customers[second]:,}, but all medians are taken from it"
        )
    return warnings


def _some(months: Sequence[Month]) -> str:
    return ", ".join(map(str, months[:3])) + (", …" if len(months) > 3 else "")

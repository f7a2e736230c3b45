"""Calendar months: one type, counted by the calendar everywhere.

A month is NumPy's ``datetime64[M]``: a month plus 1 is the next one, two months have a difference.
Snapshots keep the date that the bank gave them; everything that counts months counts these.
"""

import datetime

import numpy as np
from numpy.typing import NDArray

Month = np.datetime64  # of unit M
Months = NDArray[np.datetime64]


def month_of(date: datetime.date | str) -> Month:
    """The month of a date, or of its text such as ``2016-05-28``."""
    return np.datetime64(str(date)[:7], "M")


def months_from(earlier: Month, later: Month) -> int:
    """How many months `later` lies after `earlier`; negative if it lies before."""
    return int((later - earlier).astype(np.int64))

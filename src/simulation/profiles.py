"""What the bank knows of its customers, month by month."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from src.simulation import effects
from src.simulation.calibration import LEAVERS, TOTAL_CUSTOMERS, Codes, Flags, Integers

# Whom the snapshots come from: customers of 2015-01, the older relations booked at once in
# 2015-07, the students of autumn 2015, and everybody else who is new.
POPULATIONS = ("initial", "july_2015", "autumn", "newcomers")
BOOKED_AT_ONCE = POPULATIONS.index("july_2015")
NEVER = 99
GROWS_UP = 0.0025  # monthly chance that a student, or a TOP customer, becomes PARTICULARES
RISES = 0.008  # monthly chance that a customer with RISES_FROM products or more becomes TOP
RISES_FROM = 4


@dataclass
class Profiles:
    """One array entry per customer who is ever seen, in order of customer number.

    Attributes
    ----------
    customer : array
        Customer number; older relations have smaller numbers.
    arrival : array
        Index of the first snapshot.
    leaves : array
        Index of the first snapshot without the customer, 99 where not fixed beforehand.
    hidden_until : array
        Snapshots before this index miss the whole profile.
    known_from : array
        Index of the first snapshot in which segment, channel and relation type are recorded.
    payroll_hidden : array
        Whether payroll and pension are missing, too, while the profile is.
    sentinel : array
        Whether the tenure is written as -999999.
    population : array
        Codes of POPULATIONS.
    tenure, age : array
        Months and years at the snapshot of index 0; may be negative for later arrivals.
    birthday : array
        The age grows in every month m with (m + birthday) divisible by 12.
    segment, channel : array
        Codes of effects.SEGMENTS and effects.CHANNELS.
    income : array
        EUR per year, NaN where missing, never changing.
    province : array
        Number of the province, 1 to 52; not recorded for the foreign.
    foreign, woman : array
        Residence abroad; sex.
    """

    customer: Integers
    arrival: Codes
    leaves: Codes
    hidden_until: Codes
    known_from: Codes
    payroll_hidden: Flags
    sentinel: Flags
    population: Codes
    tenure: Codes
    age: Codes
    birthday: Codes
    segment: Codes
    channel: Codes
    income: npt.NDArray[np.float64]
    province: Codes
    foreign: Flags
    woman: Flags

    def __len__(self) -> int:
        return len(self.customer)

    def ages(self, month: int, who: Integers) -> Codes:
        """Age in years in a month; one year more every birthday."""
        return self.age[who] + (month + self.birthday[who]) // 12

    def codes(self, month: int, who: Integers, active: Flags) -> dict[str, Codes]:
        """Levels of effects.LEVELS as the snapshot of `month` shows them."""
        known = self.known_from[who] <= month
        missing_segment = len(effects.SEGMENTS) - 1
        missing_channel = len(effects.CHANNELS) - 1
        province = np.where(self.province[who] == 28, 0, np.where(self.province[who] == 8, 1, 2))
        province[self.foreign[who]] = 2
        return {
            "segment": np.where(known, self.segment[who], missing_segment),
            "channel": np.where(known, self.channel[who], missing_channel),
            "age": effects.age_level(self.ages(month, who)),
            "tenure": effects.tenure_level(np.maximum(self.tenure[who] + month, 0)),
            "income": effects.income_level(self.income[who]),
            "province": province.astype(np.int32),
            "active": active.astype(np.int32),
        }

    def change_segments(self, who: Integers, sizes: Codes, random: np.random.Generator) -> None:
        """Let some students grow up, and some customers rise to TOP or fall from it."""
        draw = random.random(len(who), dtype=np.float32)
        segment = self.segment[who]
        ordinary = effects.SEGMENTS.index("PARTICULARES")
        self.segment[who[(segment != ordinary) & (draw < GROWS_UP)]] = ordinary
        rises = (segment == ordinary) & (draw < np.where(sizes >= RISES_FROM, RISES, 0.0))
        self.segment[who[rises]] = effects.SEGMENTS.index("TOP")


def leavers_by(month: int, customers: int) -> int:
    """Count the customers who have left by the snapshot of index `month`."""
    return round(customers * LEAVERS / TOTAL_CUSTOMERS * month / 16)

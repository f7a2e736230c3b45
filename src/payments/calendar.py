"""Days as people live them: weekdays, days of the month, pay days, holidays."""

import datetime

from pydantic import Field, field_validator

from src.params import Section

_EPOCH = datetime.date(1970, 1, 1)


def date_of(day: int) -> datetime.date:
    """Date of a number of days since 1970-01-01."""
    return _EPOCH + datetime.timedelta(days=int(day))


def day_of(date: str | datetime.date) -> int:
    """Days since 1970-01-01 of a date or its ISO text."""
    date = datetime.date.fromisoformat(date) if isinstance(date, str) else date
    return (date - _EPOCH).days


class Calendar(Section):
    """What is special about days.

    Attributes
    ----------
    pay_days : list of int
        Days of the month on which wages come; the last day stands for those that a month lacks.
    holidays : list of str
        As ``12-31``, every year, or ``2025-04-20``.
    """

    pay_days: list[int] = Field(default=[])
    holidays: list[str] = Field(default=[])

    @field_validator("pay_days")
    @classmethod
    def _in_a_month(cls, days: list[int]) -> list[int]:
        if wrong := [day for day in days if not 1 <= day <= 31]:
            raise ValueError(f"{wrong[0]} is no day of a month")
        return days

    @field_validator("holidays")
    @classmethod
    def _dates(cls, holidays: list[str]) -> list[str]:
        for text in holidays:
            date = text if len(text) > 5 else f"2024-{text}"
            try:  # 20250420 is a date, too, but no date is written like that below
                if datetime.date.fromisoformat(date).isoformat() != date:
                    raise ValueError
            except ValueError:
                raise ValueError(f"'{text}' is no date such as 12-31 or 2025-04-20") from None
        return holidays

    def is_holiday(self, date: datetime.date) -> bool:
        """Whether the list has the date, of that year or of every year."""
        return date.isoformat() in self.holidays or date.strftime("%m-%d") in self.holidays

    def days_after_pay(self, date: datetime.date) -> int:
        """Days since the latest pay day, 0 on the day itself; -1 if there are none."""
        if not self.pay_days:
            return -1
        for days in range(32):
            before = date - datetime.timedelta(days=days)
            last = (before + datetime.timedelta(days=1)).day == 1
            if before.day in self.pay_days or (last and max(self.pay_days) > before.day):
                return days
        raise AssertionError("every month has a pay day")

"""Windows of days: what is learnt from, what thresholds are chosen on, what is tested on."""

from dataclasses import dataclass, replace

from pydantic import Field, field_validator

from src.errors import InputError
from src.params import Section
from src.payments.calendar import date_of, day_of
from src.payments.payments import Payments
from src.payments.schema import PARAMS


class Split(Section):
    """Parameters: dates in quotes, or auto.

    Attributes
    ----------
    first_day : str
        Earlier payments are not used; auto: the first of the data.
    test_from : str
        The first day of the test; auto: so that it lasts `test_days`.
    test_days, valid_days : int
        Length of the test if `test_from` is auto, and of the days before it on which thresholds are
        chosen.
    """

    first_day: str
    test_from: str
    test_days: int = Field(ge=1, le=366)
    valid_days: int = Field(ge=1, le=366)

    @field_validator("first_day", "test_from")
    @classmethod
    def _date_or_auto(cls, text: str) -> str:
        if text != "auto":
            try:
                day_of(text)
            except ValueError:
                raise ValueError("is neither auto nor a date such as 2025-08-31") from None
        return text


@dataclass(frozen=True)
class Windows:
    """First days of the windows, in days since 1970-01-01.

    Attributes
    ----------
    first : int
        Of what is used at all.
    valid : int
        Of the days on which thresholds are chosen.
    test : int
        Of the days that no model and no threshold has seen.
    end : int
        The day after the last.
    """

    first: int
    valid: int
    test: int
    end: int

    @classmethod
    def of(cls, payments: Payments, settings: Split) -> "Windows":
        """Choose the windows.

        Raises
        ------
        InputError
            The data do not reach that far.
        """
        earliest, end = int(payments.day.min()), int(payments.day.max()) + 1
        first = earliest
        if settings.first_day != "auto":
            first = max(earliest, day_of(settings.first_day))  # a look-back has no empty days
        auto = settings.test_from == "auto"
        test = end - settings.test_days if auto else day_of(settings.test_from)
        windows = cls(first, test - settings.valid_days, test, end)
        if not first < windows.valid or not test < end:
            raise InputError(
                f"payments from {date_of(first)} to {date_of(end - 1)} are too few for "
                f"split.valid_days {settings.valid_days} before a test from {date_of(test)} on: "
                f"change split in {PARAMS}, or add earlier payments"
            )
        return windows

    def moved_to_the_end(self) -> "Windows":
        """The same lengths with nothing left to test on: what is served learns up to the end."""
        valid = self.end - (self.test - self.valid)
        return replace(self, valid=valid, test=self.end)

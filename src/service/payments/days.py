"""Which day a request is about: not before what is known, and not long after it."""

from fastapi.exceptions import RequestValidationError

from src.payments.calendar import date_of, day_of
from src.service.payments.requests import NewPayment, OperationsAsked


def refused(where: tuple[str | int, ...], reason: str) -> RequestValidationError:
    """A request with a field that cannot be."""
    return RequestValidationError([{"loc": ("body", *where), "msg": reason}])


def check_dates(payments: list[NewPayment], first: int, most: int) -> None:
    """See that new payments continue those that are known.

    Parameters
    ----------
    payments : list of NewPayment
    first : int
        The day after the last that is known, in days since 1970-01-01.
    most : int
        How many days are open.

    Raises
    ------
    RequestValidationError
        One was made before the last day that is known, or more than `most` days after it.
    """
    for place, one in enumerate(payments):
        where, day = ("payments", place, "date"), day_of(one.date)
        if day < first - 1:
            raise refused(where, f"is before {date_of(first - 1)}, the last day that is known")
        if day >= first + most:
            raise refused(
                where,
                f"is more than {most} days after {date_of(first - 1)}, the last day that is known: "
                "the pipeline must run on later payments first",
            )


def day_asked(asked: OperationsAsked, first: int, most: int) -> int:
    """The day that chances are about: the one given, else the one after the last payment.

    Parameters and errors are those of `check_dates`; the day given must not be before `first`, nor
    more than `most` days after it, and payments must be before it.
    """
    check_dates(asked.payments, first, most)
    if asked.day is None:
        return max([first, *(day_of(one.date) + 1 for one in asked.payments)])
    day = day_of(asked.day)
    if day < first:
        raise refused(("day",), f"is before {date_of(first)}, the day after the last that is known")
    if day > first + most:
        raise refused(
            ("day",),
            f"is more than {most} days after {date_of(first)}, the day after the last that is "
            "known: the pipeline must run on later payments first",
        )
    for place, one in enumerate(asked.payments):
        if one.date >= asked.day:
            raise refused(
                ("payments", place, "date"),
                f"is not before {asked.day}, the day that is asked about",
            )
    return day
